import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { ThriftField, ThriftStruct, ThriftValue } from "../../src/frame/thrift.ts";
import { readThrift, thriftType, writeThrift } from "../../src/frame/thrift.ts";
import {
  addToField,
  fieldAt,
  i32,
  i64,
  putField,
  structOf,
} from "../../src/frame/thrift-fields.ts";
import { newFolder } from "./support.ts";

type Typed = readonly [type: number, value: ThriftValue];

const i64s = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const { typed } = fc.letrec<{ typed: Typed; struct: ThriftStruct }>((tie) => ({
  typed: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.boolean().map((value): Typed => [value ? thriftType.isTrue : thriftType.isFalse, value]),
    fc.bigInt({ min: 0n, max: 255n }).map((value): Typed => [thriftType.byte, value]),
    fc
      .constantFrom(thriftType.i16, thriftType.i32, thriftType.i64)
      .chain((type) => i64s.map((value): Typed => [type, value])),
    fc
      .uint8Array({ minLength: 8, maxLength: 8 })
      .map((bytes): Typed => [thriftType.double, Buffer.from(bytes)]),
    fc
      .uint8Array({ maxLength: 200 })
      .map((bytes): Typed => [thriftType.binary, Buffer.from(bytes)]),
    fc
      .tuple(fc.constantFrom(thriftType.list, thriftType.set), fc.array(i64s, { maxLength: 40 }))
      .map(([type, items]): Typed => [type, { elementType: thriftType.i64, items }]),
    fc
      .array(fc.bigInt({ min: 0n, max: 2n }), { maxLength: 20 })
      .map((items): Typed => [thriftType.list, { elementType: thriftType.isTrue, items }]),
    fc
      .array(fc.tuple(i64s, i64s), { maxLength: 3 })
      .map((entries): Typed => [
        thriftType.map,
        { types: entries.length === 0 ? 0 : (thriftType.i64 << 4) | thriftType.i32, entries },
      ]),
    tie("struct").map((value): Typed => [thriftType.struct, value]),
  ),
  struct: fc
    .array(fc.tuple(fc.integer({ min: 1, max: 40 }), tie("typed")), { maxLength: 5 })
    .map((parts) => {
      let id = 0;
      const fields = parts.map(([step, part]): ThriftField => {
        id += step;
        const [type, value] = part;
        return { id, type, value };
      });
      return { fields };
    }),
}));
const structs = typed.map(([type, value]): ThriftStruct => ({ fields: [{ id: 3, type, value }] }));

describe("Thrift structs", () => {
  it("come back as they were, whatever is in them", () => {
    fc.assert(
      fc.property(structs, (struct) => {
        const bytes = writeThrift(struct);
        expect(readThrift(bytes)).toEqual(struct);
        expect(writeThrift(readThrift(bytes))).toEqual(bytes);
      }),
      { numRuns: 500 },
    );
  });

  it("are refused wherever their bytes end too early", () => {
    fc.assert(
      fc.property(
        structs,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (struct, share) => {
          const bytes = writeThrift(struct);
          const cut = bytes.subarray(0, Math.floor(share * bytes.length));
          expect(() => readThrift(cut)).toThrow(RangeError);
        },
      ),
    );
  });

  it("are refused when they are nested without end", () => {
    expect(() => readThrift(Buffer.alloc(200, 0x1c))).toThrow(RangeError);
  });

  it("of a real footer are written back byte for byte", async () => {
    const path = join(await newFolder(), "real.parquet");
    pl.DataFrame({ a: [1, 2], b: [["x"], []], c: [true, false] }).writeParquet(path);
    const file = await readFile(path);
    const length = file.readUInt32LE(file.length - 8);
    const footer = file.subarray(file.length - 8 - length, file.length - 8);
    expect(writeThrift(readThrift(footer))).toEqual(footer);
  });
});

describe("fields", () => {
  it("are put in the order of their ids, or in the place of what was there", () => {
    const struct = structOf({ 1: i32(1), 5: i32(5) });
    putField(struct, 3, i64(3));
    putField(struct, 5, i64(6));
    putField(struct, 9, i32(9));
    expect(struct.fields.map(({ id, value }) => [id, value])).toEqual([
      [1, 1n],
      [3, 3n],
      [5, 6n],
      [9, 9n],
    ]);
  });

  it("are added to where they are, and left out where they are not", () => {
    const struct = structOf({ 2: i64(40), 4: null });
    addToField(struct, 2, 2n);
    addToField(struct, 6, 1n);
    expect(fieldAt(struct, 2)).toBe(42n);
    expect(struct.fields).toHaveLength(1);
  });
});
