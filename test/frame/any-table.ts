/** Any table of Arrow's types, for property tests. */

import * as arrow from "apache-arrow";
import type { Data, DataType } from "apache-arrow";
import fc from "../property.ts";

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

const anyOf = (names: readonly string[], n: number): fc.Arbitrary<Data> =>
  fc.constantFrom(...names).chain((name) => {
    const make = flat[name];
    if (make === undefined) throw new Error(name);
    return make(n);
  });
const field = (data: Data, name = "item") => new arrow.Field(name, data.type, true);

/** Lists, lists of one length and structs of anything flat, beside what is flat itself. */
function anyData(names: readonly string[], n: number): fc.Arbitrary<Data> {
  const anyFlat = (length: number): fc.Arbitrary<Data> => anyOf(names, length);
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

const tableOf = (names: readonly string[]): fc.Arbitrary<arrow.Table> =>
  fc.integer({ min: 1, max: 9 }).chain((n) =>
    fc.array(anyData(names, n), { minLength: 1, maxLength: 6 }).map((all) => {
      const fields = all.map((data, at) => field(data, `c${at}`));
      const schema = new arrow.Schema(fields, new Map([["origin", "a test"]]));
      const vectors = all.map((data, at) => [`c${at}`, new arrow.Vector([data])] as const);
      return new arrow.Table(schema, Object.fromEntries(vectors));
    }),
  );

/** A table of one batch, of one to six columns of any types. */
export const anyTable = tableOf(Object.keys(flat));

/** A table of types that polars reads from Arrow; on the others its native code panics, loudly. */
export const anyPolarsTable = tableOf(
  Object.keys(flat).filter(
    (name) => !["decimal76", "intervalMonths", "intervalDays"].includes(name),
  ),
);
