/** Any table of Arrow's types, through Parquet and Arrow files: its columns come back bit for bit. */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import type { Data, DataType } from "apache-arrow";
import fc from "fast-check";
import { parquetMetadata } from "hyparquet";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import type { NewColumn } from "../../src/core/column.ts";
import { openArrow } from "../../src/frame/arrow.ts";
import { writeArrow } from "../../src/frame/arrow-write.ts";
import { writeParquet } from "../../src/frame/parquet-write.ts";
import { openParquet } from "../../src/frame/parquet.ts";
import { blocksOfCells, newFolder } from "./support.ts";
import { duckdbRows, hyparquetRows } from "./typed-support.ts";

const columns: readonly NewColumn[] = [{ name: "new", type: "text" }];

/** Data of a type from its parts; the library's own signature is one overload for each type. */
const dataOf = (props: object): Data => arrow.makeData(props as never);

/** The bits that say which of `isThere` are true, and how many are not. */
function validity(isThere: readonly boolean[]): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array(Math.ceil(isThere.length / 64) * 8);
  isThere.forEach((is, at) => {
    if (is) nullBitmap[at >> 3] = (nullBitmap[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return { nullBitmap, nullCount: isThere.filter((is) => !is).length };
}

const flags = (n: number) => fc.array(fc.boolean(), { minLength: n, maxLength: n });
const many = <Value>(n: number, value: fc.Arbitrary<Value>) =>
  fc.array(value, { minLength: n, maxLength: n });

/** A type of fixed width: numbers put into the array that `store` makes. */
const fixed =
  <Value>(
    type: DataType,
    value: fc.Arbitrary<Value>,
    store: (values: Value[]) => ArrayBufferView,
  ) =>
  (n: number): fc.Arbitrary<Data> =>
    fc
      .tuple(many(n, value), flags(n))
      .map(([values, is]) => dataOf({ type, length: n, data: store(values), ...validity(is) }));

const int64 = (type: DataType, limit = 2n ** 63n - 1n) =>
  fixed(type, fc.bigInt({ min: -limit, max: limit }), (all) => BigInt64Array.from(all));
const int32 = (type: DataType, min: number, max: number) =>
  fixed(type, fc.integer({ min, max }), (all) => Int32Array.from(all));
const special = fc.constantFrom(Number.NaN, -0, 0, Infinity, -Infinity, 5e-324, 0.1);

/** Texts or bytes one after another, with where each begins. */
const pieces =
  (type: DataType, isLarge: boolean, piece: fc.Arbitrary<string | Uint8Array>) =>
  (n: number): fc.Arbitrary<Data> =>
    fc.tuple(many(n, piece), flags(n)).map(([all, is]) => {
      const parts = all.map((part, at) => Buffer.from(is[at] === true ? part : ""));
      const ends = [0];
      for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.length);
      const valueOffsets = isLarge ? BigInt64Array.from(ends.map(BigInt)) : Int32Array.from(ends);
      const data = new Uint8Array(Buffer.concat(parts));
      return dataOf({ type, length: n, valueOffsets, data, ...validity(is) });
    });
const textsOf = (all: readonly string[]): Data => {
  const parts = all.map((text) => Buffer.from(text));
  const ends = [0];
  for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.length);
  const data = new Uint8Array(Buffer.concat(parts));
  const valueOffsets = Int32Array.from(ends);
  return dataOf({ type: new arrow.Utf8(), length: all.length, valueOffsets, data, nullCount: 0 });
};
const anyText = fc.string({ unit: "grapheme", maxLength: 8 });
const anyBytes = fc.uint8Array({ maxLength: 8 });

/** Integers of several words each, from the lowest; four words are 128 bits. */
const words = (all: readonly bigint[], count = 4): Uint32Array =>
  Uint32Array.from(
    all.flatMap((value) =>
      Array.from({ length: count }, (_, at) =>
        Number(BigInt.asUintN(32, value >> BigInt(32 * at))),
      ),
    ),
  );
const decimal = (precision: number, scale: number) => {
  const limit = 10n ** BigInt(precision) - 1n;
  return fixed(new arrow.Decimal(scale, precision), fc.bigInt({ min: -limit, max: limit }), (all) =>
    words(all),
  );
};

const { TimeUnit } = arrow;
const perSecond = [1n, 1_000n, 1_000_000n, 1_000_000_000n];
const units = [
  TimeUnit.SECOND,
  TimeUnit.MILLISECOND,
  TimeUnit.MICROSECOND,
  TimeUnit.NANOSECOND,
] as const;
const decades = 2_000_000_000n;

const flat: Record<string, (n: number) => fc.Arbitrary<Data>> = {
  int8: fixed(new arrow.Int8(), fc.integer(), (all) => Int8Array.from(all)),
  int16: fixed(new arrow.Int16(), fc.integer(), (all) => Int16Array.from(all)),
  int32: fixed(new arrow.Int32(), fc.integer(), (all) => Int32Array.from(all)),
  int64: int64(new arrow.Int64()),
  uint8: fixed(new arrow.Uint8(), fc.integer(), (all) => Uint8Array.from(all)),
  uint16: fixed(new arrow.Uint16(), fc.integer(), (all) => Uint16Array.from(all)),
  uint32: fixed(new arrow.Uint32(), fc.integer(), (all) => Uint32Array.from(all)),
  uint64: fixed(new arrow.Uint64(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (all) =>
    BigUint64Array.from(all),
  ),
  float32: fixed(new arrow.Float32(), fc.oneof(fc.double(), special), (all) =>
    Float32Array.from(all),
  ),
  float64: fixed(new arrow.Float64(), fc.oneof(fc.double(), special), (all) =>
    Float64Array.from(all),
  ),
  decimal76: fixed(
    new arrow.Decimal(20, 76, 256),
    fc.bigInt({ min: -(10n ** 76n) + 1n, max: 10n ** 76n - 1n }),
    (all) => words(all, 8),
  ),
  fixedBinary: fixed(
    new arrow.FixedSizeBinary(3),
    fc.uint8Array({ minLength: 3, maxLength: 3 }),
    (all) => Uint8Array.from(all.flatMap((bytes) => [...bytes])),
  ),
  intervalMonths: int32(new arrow.IntervalYearMonth(), -1000, 1000),
  intervalDays: fixed(
    new arrow.IntervalDayTime(),
    fc.tuple(fc.integer({ min: -99, max: 99 }), fc.integer({ min: -99, max: 99 })),
    (all) => Int32Array.from(all.flat()),
  ),
  decimal9: decimal(9, 2),
  decimal38: decimal(38, 10),
  bool: (n) =>
    fc.tuple(flags(n), flags(n)).map(([values, is]) =>
      dataOf({
        type: new arrow.Bool(),
        length: n,
        data: validity(values).nullBitmap,
        ...validity(is),
      }),
    ),
  utf8: pieces(new arrow.Utf8(), false, anyText),
  largeUtf8: pieces(new arrow.LargeUtf8(), true, anyText),
  binary: pieces(new arrow.Binary(), false, anyBytes),
  largeBinary: pieces(new arrow.LargeBinary(), true, anyBytes),
  date32: int32(new arrow.DateDay(), -700_000, 2_900_000),
  date64: fixed(
    new arrow.DateMillisecond(),
    fc.bigInt({ min: -700_000n, max: 2_900_000n }).map((days) => days * 86_400_000n),
    (all) => BigInt64Array.from(all),
  ),
  time32s: int32(new arrow.TimeSecond(), 0, 86_399),
  time32ms: int32(new arrow.TimeMillisecond(), 0, 86_399_999),
  time64us: fixed(
    new arrow.TimeMicrosecond(),
    fc.bigInt({ min: 0n, max: 86_399_999_999n }),
    (all) => BigInt64Array.from(all),
  ),
  time64ns: fixed(
    new arrow.TimeNanosecond(),
    fc.bigInt({ min: 0n, max: 86_399_999_999_999n }),
    (all) => BigInt64Array.from(all),
  ),
  null: (n) => fc.constant(dataOf({ type: new arrow.Null(), length: n })),
  categorical: (n) =>
    fc.tuple(many(n, fc.nat(2)), flags(n)).map(([indices, is]) =>
      dataOf({
        type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
        length: n,
        data: Int32Array.from(indices),
        dictionary: arrow.vectorFromArray(["x", "", "é😀"], new arrow.Utf8()),
        ...validity(is),
      }),
    ),
};
units.forEach((unit, at) => {
  const limit = decades * (perSecond[at] ?? 1n);
  for (const zone of [null, "Europe/Rome", "UTC"])
    flat[`timestamp${at}${zone ?? ""}`] = int64(new arrow.Timestamp(unit, zone), limit);
  flat[`duration${at}`] = int64(new arrow.Duration(unit), limit);
});

const anyFlat = (n: number): fc.Arbitrary<Data> =>
  fc.constantFrom(...Object.keys(flat)).chain((name) => {
    const make = flat[name];
    if (make === undefined) throw new Error(name);
    return make(n);
  });
const field = (data: Data, name = "item") => new arrow.Field(name, data.type, true);

/** Lists, lists of one length and structs of anything flat, beside what is flat itself. */
function anyData(n: number): fc.Arbitrary<Data> {
  const list = fc.tuple(many(n, fc.nat(3)), flags(n)).chain(([lengths, is]) => {
    const ends = [0];
    lengths.forEach((length, at) => ends.push((ends.at(-1) ?? 0) + (is[at] === true ? length : 0)));
    return anyFlat(ends.at(-1) ?? 0).map((child) =>
      dataOf({
        type: new arrow.List(field(child)),
        length: n,
        valueOffsets: Int32Array.from(ends),
        child,
        ...validity(is),
      }),
    );
  });
  const fixedList = fc.tuple(anyFlat(n * 2), flags(n)).map(([child, is]) =>
    dataOf({
      type: new arrow.FixedSizeList(2, field(child)),
      length: n,
      child,
      ...validity(is),
    }),
  );
  const struct = fc.tuple(anyFlat(n), anyFlat(n), flags(n)).map(([a, b, is]) =>
    dataOf({
      type: new arrow.Struct([field(a, "a.b"), field(b, "é")]),
      length: n,
      children: [a, b],
      ...validity(is),
    }),
  );
  const map = fc.tuple(many(n, fc.nat(3)), flags(n)).chain(([lengths, is]) => {
    const ends = [0];
    lengths.forEach((length, at) => ends.push((ends.at(-1) ?? 0) + (is[at] === true ? length : 0)));
    const count = ends.at(-1) ?? 0;
    return fc.tuple(many(count, anyText), anyFlat(count)).map(([keys, values]) => {
      const key = textsOf(keys);
      const pair = [new arrow.Field("key", key.type, false), field(values, "value")];
      const entries = dataOf({
        type: new arrow.Struct(pair),
        length: count,
        children: [key, values],
        nullCount: 0,
      });
      return dataOf({
        type: new arrow.Map_(new arrow.Field("entries", entries.type, false) as never),
        length: n,
        valueOffsets: Int32Array.from(ends),
        child: entries,
        ...validity(is),
      });
    });
  });
  return fc.oneof({ weight: 5, arbitrary: anyFlat(n) }, list, fixedList, struct, map);
}

const anyTable = fc.integer({ min: 1, max: 9 }).chain((n) =>
  fc.array(anyData(n), { minLength: 1, maxLength: 6 }).map((all) => {
    const fields = all.map((data, at) => field(data, `c${at}`));
    const schema = new arrow.Schema(fields, new Map([["origin", "a test"]]));
    const vectors = all.map((data, at) => [`c${at}`, new arrow.Vector([data])] as const);
    return new arrow.Table(schema, Object.fromEntries(vectors));
  }),
);

/** All that makes up a column, bits and all, of the cells that are there. */
function bits(data: Data): unknown {
  const bytes = (view: ArrayBufferView | undefined): string =>
    view === undefined
      ? ""
      : Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("hex");
  const cut = (view: unknown, count: number): string =>
    ArrayBuffer.isView(view)
      ? bytes((view as Uint8Array).subarray(data.offset, data.offset + count))
      : "";
  const { stride, length } = data;
  const isBits = data.type.typeId === arrow.Type.Bool;
  const hasText = data.valueOffsets !== undefined && data.children.length === 0;
  return {
    type: data.typeId,
    length,
    nulls: data.nullCount,
    valid: Array.from({ length }, (_, at) => data.getValid(at)),
    offsets: cut(data.valueOffsets, length + 1),
    values:
      isBits || hasText ? bytes(data.values as Uint8Array) : cut(data.values, length * stride),
    children: data.children.map(bits),
    dictionary: data.dictionary?.data.map(bits) ?? null,
  };
}

const cellsFor = (rows: number) =>
  blocksOfCells([Array.from({ length: rows }, (_, at) => `n${at}`)]);

it("any Arrow-typed table survives Arrow → enrich → Arrow", { timeout: 120_000 }, async () => {
  const folder = await newFolder();
  const container = fc.constantFrom("file" as const, "stream" as const);
  await fc.assert(
    fc.asyncProperty(anyTable, container, async (table, form) => {
      const [path, output] = [join(folder, "in.arrow"), join(folder, "out.arrow")];
      await writeFile(path, arrow.tableToIPC(table, form));
      const cells = cellsFor(table.numRows);
      await writeArrow({ input: await openArrow(path), output, columns, cells });
      const before = arrow.tableFromIPC(await readFile(path));
      const after = arrow.tableFromIPC(await readFile(output));
      const names = before.schema.names.map(String);
      expect(after.schema.names).toEqual([...names, "new"]);
      expect(after.schema.metadata).toEqual(before.schema.metadata);
      names.forEach((name, at) => {
        expect(String(after.schema.fields[at])).toBe(String(before.schema.fields[at]));
        const [old, now] = [before, after].map((it) => it.getChild(name)?.data.map(bits));
        expect(now).toEqual(old);
      });
    }),
    { numRuns: 150 },
  );
});

async function chunks(path: string, count: number): Promise<unknown> {
  const bytes = await readFile(path);
  const { row_groups: groups, schema } = parquetMetadata(new Uint8Array(bytes).buffer);
  return groups.map(({ columns: all, num_rows: rows }) => ({
    rows,
    old: all.slice(0, count).map((column) => {
      const chunk = column.meta_data;
      if (chunk === undefined) throw new Error("a chunk has no metadata");
      const start = Number(chunk.dictionary_page_offset ?? chunk.data_page_offset);
      const own = bytes.subarray(start, start + Number(chunk.total_compressed_size));
      return { column, hash: createHash("sha256").update(own).digest("hex") };
    }),
    schema: schema.length,
  }));
}

/** The table in polars, which writes it to Parquet; null where it does not take all of it from Arrow. */
function polarsOf(table: arrow.Table): pl.DataFrame | null {
  try {
    return pl.readIPC(Buffer.from(arrow.tableToIPC(table, "file")));
  } catch {
    return null;
  }
}

const python = spawnSync("python3", ["-c", "import pyarrow"]).status === 0;
const script = `
import sys, pyarrow.parquet as pq
for line in sys.stdin.read().split():
    old = pq.read_table(line + ".in.parquet"); new = pq.read_table(line + ".out.parquet")
    rest = new.select(old.column_names)
    assert new.column_names == old.column_names + ["new"], line
    assert rest.schema.equals(old.schema), (line, rest.schema, old.schema)
    for name in old.column_names:
        assert rest[name].to_string(window=100) == old[name].to_string(window=100), (line, name)
print("same")
`;

it(
  "any Arrow-typed table survives Parquet → enrich → Parquet",
  { timeout: 180_000 },
  async (test) => {
    const folder = await newFolder();
    const stems: string[] = [];
    await fc.assert(
      fc.asyncProperty(anyTable, async (table) => {
        const df = polarsOf(table);
        fc.pre(df !== null);
        const stem = join(folder, `t${stems.length}`);
        const [path, output] = [`${stem}.in.parquet`, `${stem}.out.parquet`];
        df.writeParquet(path, { compression: "zstd" });
        stems.push(stem);
        const cells = cellsFor(table.numRows);
        await writeParquet({ input: await openParquet(path), output, columns, cells });
        const before = parquetMetadata(new Uint8Array(await readFile(path)).buffer);
        const after = parquetMetadata(new Uint8Array(await readFile(output)).buffer);
        const leaves = before.row_groups[0]?.columns.length ?? 0;
        expect(after.schema.slice(1, before.schema.length)).toEqual(before.schema.slice(1));
        const [then, now] = [await chunks(path, leaves), await chunks(output, leaves)];
        expect(now).toEqual(
          (then as { schema: number }[]).map((group) => ({ ...group, schema: group.schema + 1 })),
        );
        const names = table.schema.names.map(String);
        const wider = pl.readParquet(output);
        expect(wider.columns).toEqual([...names, "new"]);
        expect(wider.select(...names).frameEqual(pl.readParquet(path))).toBe(true);
        for (const rowsOf of [duckdbRows, hyparquetRows]) {
          const [old, wide] = [await rowsOf(path), await rowsOf(output)];
          expect(wide).toEqual(old.map((row, at) => ({ ...row, new: `n${at}` })));
        }
      }),
      { numRuns: 60 },
    );
    expect(stems.length).toBeGreaterThan(30);
    if (!python) {
      await test.annotate("pyarrow did not read the files: python3 has none here");
      return;
    }
    const read = spawnSync("python3", ["-c", script], {
      input: stems.join("\n"),
      encoding: "utf8",
    });
    expect(read.stderr).toBe("");
    expect(read.stdout).toBe("same\n");
  },
);

it("types only other writers have survive Parquet → enrich → Parquet", async () => {
  // Decimals of 256 bits, maps, half floats, lists of one length: as pyarrow writes them.
  const path = join(import.meta.dirname, "../data/pyarrow/types.parquet");
  const output = join(await newFolder(), "out.parquet");
  await writeParquet({ input: await openParquet(path), output, columns, cells: cellsFor(3) });
  const bytes = await readFile(path);
  const before = parquetMetadata(new Uint8Array(bytes).buffer);
  const leaves = before.row_groups[0]?.columns.length ?? 0;
  expect(leaves).toBeGreaterThan(20);
  const [then, now] = [await chunks(path, leaves), await chunks(output, leaves)];
  expect(now).toEqual(
    (then as { schema: number }[]).map((group) => ({ ...group, schema: group.schema + 1 })),
  );
  for (const rowsOf of [duckdbRows, hyparquetRows]) {
    const [old, wide] = [await rowsOf(path), await rowsOf(output)];
    expect(wide).toEqual(old.map((row, at) => ({ ...row, new: `n${String(at)}` })));
  }
});
