/** Columns of every type with what their texts must say, told without the code that is tested. */

import { readFileSync } from "node:fs";
import * as arrow from "apache-arrow";
import type { Data, DataType } from "apache-arrow";
import fc from "../property.ts";

/** What a text says, in a form that is the same for every way of writing it exactly. */
export type Reading = (text: string) => unknown;

/** A column as Arrow holds it, and what its texts must say. */
export interface ExactColumn {
  readonly name: string;
  readonly data: Data;
  /** Null where the cell is null. */
  readonly exact: readonly unknown[];
  readonly read: Reading;
}

const dataOf = (props: object): Data => arrow.makeData(props as never);

function validity(isThere: readonly boolean[]): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array(Math.ceil(isThere.length / 64) * 8);
  isThere.forEach((is, at) => {
    if (is) nullBitmap[at >> 3] = (nullBitmap[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return { nullBitmap, nullCount: isThere.filter((is) => !is).length };
}

const many = <Value>(n: number, value: fc.Arbitrary<Value>) =>
  fc.array(value, { minLength: n, maxLength: n });
/** Null one time in four. */
const cells = <Value>(n: number, value: fc.Arbitrary<Value>) =>
  many(n, fc.option(value, { freq: 3 }));

/** A kind of column: values, how Arrow stores them, and what their text says. */
interface Kind<Value> {
  readonly value: fc.Arbitrary<Value>;
  readonly data: (values: readonly (Value | null)[]) => Data;
  readonly exact: (value: Value) => unknown;
  readonly read: Reading;
  /** Whether polars takes it from Arrow as what it is. */
  readonly inPolars: boolean;
}

const plain =
  <Value>(type: DataType, store: (values: readonly Value[]) => ArrayBufferView, zero: Value) =>
  (values: readonly (Value | null)[]): Data =>
    dataOf({
      type,
      length: values.length,
      data: store(values.map((value) => value ?? zero)),
      ...validity(values.map((value) => value !== null)),
    });

const asIs: Reading = (text) => text;
const wide = (min: bigint, max: bigint) =>
  fc.oneof(
    fc.bigInt({ min, max }),
    fc
      .constantFrom(min, max, 2n ** 53n + 1n, 5n, 4_294_967_301n)
      .map((it) => (it < min ? min : it)),
  );

function integers(type: DataType, isSigned: boolean): Kind<bigint> {
  const [min, max] = isSigned ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n];
  const store = (all: readonly bigint[]) =>
    isSigned ? BigInt64Array.from(all) : BigUint64Array.from(all);
  return {
    value: wide(min, max),
    data: plain<bigint>(type, store, 0n),
    exact: String,
    read: asIs,
    inPolars: true,
  };
}

/** By shifting the point, digit by digit: nothing here divides. */
function scaled(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  let digits = String(unscaled < 0n ? -unscaled : unscaled);
  if (scale < 0) return digits === "0" ? "0" : sign + digits + "0".repeat(-scale);
  while (digits.length <= scale) digits = `0${digits}`;
  if (scale === 0) return sign + digits;
  return `${sign}${digits.slice(0, digits.length - scale)}.${digits.slice(-scale)}`;
}

function decimals(precision: number, scale: number, bits: 128 | 256): Kind<bigint> {
  const limit = 10n ** BigInt(precision) - 1n;
  const words = bits / 32;
  const store = (all: readonly bigint[]) =>
    Uint32Array.from(
      all.flatMap((value) =>
        Array.from({ length: words }, (_, at) =>
          Number(BigInt.asUintN(32, value >> BigInt(32 * at))),
        ),
      ),
    );
  return {
    value: wide(-limit, limit).map((it) => (it > limit ? limit : it)),
    data: plain<bigint>(new arrow.Decimal(scale, precision, bits), store, 0n),
    exact: (value) => scaled(value, scale),
    read: asIs,
    inPolars: bits === 128 && scale >= 0,
  };
}

const { TimeUnit } = arrow;
const unitOf = [
  TimeUnit.SECOND,
  TimeUnit.MILLISECOND,
  TimeUnit.MICROSECOND,
  TimeUnit.NANOSECOND,
] as const;
const perSecond = [1n, 1000n, 1_000_000n, 1_000_000_000n] as const;
const nanosPerSecond = 1_000_000_000n;

function nanosOf(seconds: number | bigint, fraction: string | undefined): bigint {
  return BigInt(seconds) * nanosPerSecond + BigInt((fraction ?? "").padEnd(9, "0") || "0");
}

const instantForm =
  /^([+-]?\d{4,})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/;

/** The instant a text names, in nanoseconds since 1970, and the offset it says. */
function readInstant(text: string): { nanos: bigint; offset: number | null } {
  const match = instantForm.exec(text);
  if (match === null) throw new Error(`no instant: ${text}`);
  const [, year, month, day, hour, minute, second, fraction, sign, oh, om, os] = match;
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  date.setUTCHours(Number(hour), Number(minute), Number(second));
  const size = Number(oh ?? 0) * 3600 + Number(om ?? 0) * 60 + Number(os ?? 0);
  const offset = sign === undefined ? null : sign === "-" ? -size : size;
  const local = Math.floor(date.getTime() / 1000);
  return { nanos: nanosOf(local - (offset ?? 0), fraction), offset };
}

/** What clocks showed in a zone, by Intl's own calendar; to the second. */
function wallSeconds(zone: string, epochSeconds: number): number {
  const parts = new Intl.DateTimeFormat("en-u-ca-iso8601", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(epochSeconds * 1000);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const date = new Date(0);
  date.setUTCFullYear(of("year"), of("month") - 1, of("day"));
  date.setUTCHours(of("hour"), of("minute"), of("second"));
  return date.getTime() / 1000;
}

/** From the year 1 to 9999, as far as counts of the unit reach. */
function instants(unit: 0 | 1 | 2 | 3, zone: string | null): Kind<bigint> {
  const per = perSecond[unit];
  const [from, to] =
    unit === 3 ? [-9_000_000_000n, 9_000_000_000n] : [-62_000_000_000n, 253_000_000_000n];
  return {
    value: fc.oneof(
      fc.bigInt({ min: from * per, max: to * per }),
      // Where most data is, and where zones have whole minutes and change them.
      fc.bigInt({ min: -2_000_000_000n * per, max: 4_000_000_000n * per }),
      fc.constantFrom<bigint>(0n, -1n, 1n),
    ),
    data: plain<bigint>(
      new arrow.Timestamp(unitOf[unit], zone),
      (all) => BigInt64Array.from(all),
      0n,
    ),
    exact: (count) => {
      const nanos = count * (nanosPerSecond / per);
      const seconds =
        (nanos - (((nanos % nanosPerSecond) + nanosPerSecond) % nanosPerSecond)) / nanosPerSecond;
      const offset = zone === null ? null : wallSeconds(zone, Number(seconds)) - Number(seconds);
      return { nanos, offset };
    },
    read: readInstant,
    // polars takes zones by their names only.
    inPolars: zone?.startsWith("+") !== true,
  };
}

/** Nanoseconds since midnight. */
const readTime: Reading = (text) => {
  const [, hour, minute, second, fraction] =
    /^(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?$/.exec(text) ?? [];
  return nanosOf(Number(hour) * 3600 + Number(minute) * 60 + Number(second), fraction);
};

function times(type: DataType, unit: 0 | 1 | 2 | 3): Kind<bigint> {
  const per = perSecond[unit];
  const store = (all: readonly bigint[]) =>
    unit < 2 ? Int32Array.from(all, Number) : BigInt64Array.from(all);
  return {
    value: fc.bigInt({ min: 0n, max: 86_400n * per - 1n }),
    data: plain<bigint>(type, store, 0n),
    exact: (count) => count * (nanosPerSecond / per),
    read: readTime,
    inPolars: true,
  };
}

/** Nanoseconds of `PT…S`. */
const readDuration: Reading = (text) => {
  if (text === "P0D") return 0n;
  const [, sign, seconds = "", fraction] = /^(-?)PT(\d+)(?:\.(\d{1,9}))?S$/.exec(text) ?? [];
  const nanos = nanosOf(BigInt(seconds), fraction);
  return sign === "-" ? -nanos : nanos;
};

function durations(unit: 0 | 1 | 2 | 3): Kind<bigint> {
  const per = perSecond[unit];
  const limit = unit === 0 ? 9_000_000_000_000_000n : 2n ** 63n - 1n;
  return {
    value: fc.oneof(
      fc.bigInt({ min: -limit, max: limit }),
      fc.constantFrom<bigint>(0n, -1n, 1000n),
    ),
    data: plain<bigint>(new arrow.Duration(unitOf[unit]), (all) => BigInt64Array.from(all), 0n),
    exact: (count) => count * (nanosPerSecond / per),
    read: readDuration,
    inPolars: true,
  };
}

/** A day, by a calendar of its own: Date's. */
const dayText = (day: number): string => new Date(day * 86_400_000).toISOString().slice(0, 10);

const days: Kind<number> = {
  // The year 1 to 9999, whose texts have four digits.
  value: fc.integer({ min: -719_162, max: 2_932_896 }),
  data: plain(new arrow.DateDay(), (all) => Int32Array.from(all), 0),
  exact: dayText,
  read: asIs,
  inPolars: true,
};

const texts = (type: DataType): Kind<string> => ({
  value: fc.string({ unit: "grapheme", maxLength: 20 }),
  data: (values) => {
    const parts = values.map((value) => Buffer.from(value ?? ""));
    const ends = [0];
    for (const part of parts) ends.push((ends.at(-1) ?? 0) + part.length);
    const isLarge = arrow.DataType.isLargeUtf8(type);
    return dataOf({
      type,
      length: values.length,
      valueOffsets: isLarge ? BigInt64Array.from(ends.map(BigInt)) : Int32Array.from(ends),
      data: new Uint8Array(Buffer.concat(parts)),
      ...validity(values.map((value) => value !== null)),
    });
  },
  exact: asIs,
  read: asIs,
  inPolars: true,
});

/** Values chosen from a dictionary of another kind. */
const chosen = <Value>(
  of: Kind<Value>,
  words: readonly Value[],
  inPolars: boolean,
): Kind<number> => {
  const dictionary = of.data(words);
  return {
    value: fc.nat(words.length - 1),
    data: (values) =>
      dataOf({
        type: new arrow.Dictionary(dictionary.type as never, new arrow.Int32()),
        length: values.length,
        data: Int32Array.from(values.map((value) => value ?? 0)),
        dictionary: new arrow.Vector([dictionary]),
        ...validity(values.map((value) => value !== null)),
      }),
    exact: (at) => of.exact(words[at] as Value),
    read: of.read,
    inPolars,
  };
};

const utf8 = texts(new arrow.Utf8());
const int64 = integers(new arrow.Int64(), true);

/** A kind whatever its values are. */
interface AnyKind {
  readonly column: (rows: number) => fc.Arbitrary<Pick<ExactColumn, "data" | "exact">>;
  readonly read: Reading;
  readonly inPolars: boolean;
}

const any = <Value>(kind: Kind<Value>): AnyKind => ({
  ...kind,
  column: (rows) =>
    cells(rows, kind.value).map((values) => ({
      data: kind.data(values),
      exact: values.map((value) => (value === null ? null : kind.exact(value))),
    })),
});

/** The kinds of columns that are not nested. */
const flat: Readonly<Record<string, AnyKind>> = {
  int64: any(int64),
  uint64: any(integers(new arrow.Uint64(), false)),
  decimal9: any(decimals(9, 2, 128)),
  decimal38: any(decimals(38, 38, 128)),
  decimal38whole: any(decimals(38, 0, 128)),
  decimal20negative: any(decimals(20, -3, 128)),
  decimal76: any(decimals(76, 20, 256)),
  decimal76negative: any(decimals(76, -10, 256)),
  date: any(days),
  time32s: any(times(new arrow.TimeSecond(), 0)),
  time32ms: any(times(new arrow.TimeMillisecond(), 1)),
  time64us: any(times(new arrow.TimeMicrosecond(), 2)),
  time64ns: any(times(new arrow.TimeNanosecond(), 3)),
  utf8: any(utf8),
  largeUtf8: any(texts(new arrow.LargeUtf8())),
  categorical: any(chosen(utf8, ["x", "", 'é"😀\n'], true)),
  int64s: any(chosen(int64, [2n ** 53n + 1n, -(2n ** 63n), 7n], false)),
  ...Object.fromEntries(
    ([0, 1, 2, 3] as const).flatMap((unit) => [
      ...[null, "UTC", "Europe/Rome", "Asia/Kathmandu", "America/St_Johns", "+05:45"].map(
        (zone) => [`timestamp${String(unit)} ${zone ?? ""}`, any(instants(unit, zone))] as const,
      ),
      [`duration${String(unit)}`, any(durations(unit))] as const,
    ]),
  ),
};

/** JSON whose numbers stay the digits they are written with. */
const digitsKept = (text: string): unknown =>
  (
    JSON.parse as (
      text: string,
      reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
    ) => unknown
  )(text, (_key, value, { source }) => (typeof value === "number" ? source : value));

type Leaf = (cell: unknown) => unknown;
const leafOf =
  (read: Reading): Leaf =>
  (cell) =>
    cell === null ? null : read(cell as string);

const item = (data: Data, name = "item") => new arrow.Field(name, data.type, true);

/** A column of one of the kinds, alone or within lists, lists of one length, structs and maps. */
export function anyColumn(rows: number, forPolars: boolean): fc.Arbitrary<ExactColumn> {
  const names = Object.keys(flat).filter((name) => !forPolars || flat[name]?.inPolars === true);
  const ofKind = (name: string, n: number) => {
    const kind = flat[name];
    if (kind === undefined) throw new Error(name);
    return kind.column(n).map((column) => ({ ...column, name, read: kind.read }));
  };
  const alone = (n: number): fc.Arbitrary<ExactColumn> =>
    fc.constantFrom(...names).chain((name) => ofKind(name, n));
  const lists = many(rows, fc.option(fc.nat(3), { freq: 3 })).chain((lengths) => {
    const ends = [0];
    for (const length of lengths) ends.push((ends.at(-1) ?? 0) + (length ?? 0));
    return alone(ends.at(-1) ?? 0).map((child) => ({
      name: `list of ${child.name}`,
      data: dataOf({
        type: new arrow.List(item(child.data)),
        length: rows,
        valueOffsets: Int32Array.from(ends),
        child: child.data,
        ...validity(lengths.map((length) => length !== null)),
      }),
      exact: lengths.map((length, at) =>
        length === null ? null : child.exact.slice(ends[at], ends[at + 1]),
      ),
      read: (text: string) => (digitsKept(text) as unknown[]).map(leafOf(child.read)),
    }));
  });
  const pairs = fc.tuple(alone(rows * 2), many(rows, fc.boolean())).map(([child, isThere]) => ({
    name: `pair of ${child.name}`,
    data: dataOf({
      type: new arrow.FixedSizeList(2, item(child.data)),
      length: rows,
      child: child.data,
      ...validity(isThere),
    }),
    exact: isThere.map((is, at) => (is ? child.exact.slice(at * 2, at * 2 + 2) : null)),
    read: (text: string) => (digitsKept(text) as unknown[]).map(leafOf(child.read)),
  }));
  const structs = fc
    .tuple(alone(rows), alone(rows), many(rows, fc.boolean()))
    .map(([a, b, isThere]) => ({
      name: `struct of ${a.name} and ${b.name}`,
      data: dataOf({
        type: new arrow.Struct([item(a.data, "a.b"), item(b.data, "é")]),
        length: rows,
        children: [a.data, b.data],
        ...validity(isThere),
      }),
      exact: isThere.map((is, at) => (is ? { "a.b": a.exact[at], é: b.exact[at] } : null)),
      read: (text: string) => {
        const found = digitsKept(text) as Record<string, unknown>;
        return { ...found, "a.b": leafOf(a.read)(found["a.b"]), é: leafOf(b.read)(found["é"]) };
      },
    }));
  return fc.oneof({ weight: 5, arbitrary: alone(rows) }, lists, pairs, structs);
}

/** A column as DuckDB's literals say it. */
export interface DuckdbColumn {
  readonly name: string;
  readonly sql: readonly string[];
  readonly exact: readonly unknown[];
  readonly read: Reading;
}

interface DuckdbKind {
  readonly type: string;
  readonly value: fc.Arbitrary<{ readonly literal: string; readonly exact: unknown }>;
  readonly read: Reading;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const digitsOf = (
  bits: number,
  isSigned: boolean,
): fc.Arbitrary<{ literal: string; exact: unknown }> => {
  const [min, max] = isSigned
    ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n]
    : [0n, 2n ** BigInt(bits) - 1n];
  return wide(min, max).map((value) => ({ literal: quoted(String(value)), exact: String(value) }));
};
const counted = (kind: Kind<bigint>, literal: (count: bigint) => string): DuckdbKind["value"] =>
  kind.value.map((count) => ({ literal: literal(count), exact: kind.exact(count) }));

const duckdbKinds: readonly DuckdbKind[] = [
  { type: "BIGINT", value: digitsOf(64, true), read: asIs },
  { type: "UBIGINT", value: digitsOf(64, false), read: asIs },
  ...(
    [
      [4, 1],
      [9, 2],
      [18, 18],
      [38, 10],
    ] as const
  ).map(([precision, scale]) => ({
    type: `DECIMAL(${String(precision)},${String(scale)})`,
    value: counted(decimals(precision, scale, 128), (count) => quoted(scaled(count, scale))),
    read: asIs,
  })),
  {
    type: "DATE",
    value: days.value.map((day) => ({ literal: quoted(dayText(day)), exact: dayText(day) })),
    read: asIs,
  },
  {
    type: "TIMESTAMP",
    value: counted(instants(2, null), (count) => `make_timestamp(${String(count)})`),
    read: readInstant,
  },
  {
    type: "TIMESTAMP_NS",
    value: counted(instants(3, null), (count) => `make_timestamp_ns(${String(count)})`),
    read: readInstant,
  },
  {
    type: "TIMESTAMPTZ",
    value: counted(instants(2, "UTC"), (count) => `make_timestamptz(${String(count)})`),
    read: readInstant,
  },
  {
    type: "TIME",
    value: counted(
      times(new arrow.TimeMicrosecond(), 2),
      (count) => `(TIME '00:00:00' + to_microseconds(${String(count)}))`,
    ),
    read: readTime,
  },
  {
    type: "ENUM('x', '', 'é😀')",
    value: fc.constantFrom("x", "", "é😀").map((word) => ({ literal: quoted(word), exact: word })),
    read: asIs,
  },
  {
    type: "UUID",
    value: fc.uuid().map((uuid) => ({ literal: quoted(uuid), exact: uuid })),
    read: asIs,
  },
];

/** A column of one of DuckDB's types, alone or within lists, structs and maps. */
export function anyDuckdbColumn(rows: number): fc.Arbitrary<DuckdbColumn> {
  return fc.constantFrom(...duckdbKinds).chain(({ type, value, read }) => {
    const cast = (cell: { readonly literal: string } | null): string =>
      cell === null ? `null::${type}` : `${cell.literal}::${type}`;
    const alone = cells(rows, value).map((all) => ({
      name: type,
      sql: all.map(cast),
      exact: all.map((cell) => cell?.exact ?? null),
      read,
    }));
    const item = fc.option(value, { freq: 3 });
    const lists = cells(rows, fc.array(item, { maxLength: 3 })).map((all) => ({
      name: `${type}[]`,
      sql: all.map((list) =>
        list === null ? `null::${type}[]` : `[${list.map(cast).join(",")}]::${type}[]`,
      ),
      exact: all.map((list) => list?.map((cell) => cell?.exact ?? null) ?? null),
      read: (text: string) => (digitsKept(text) as unknown[]).map(leafOf(read)),
    }));
    const maps = cells(
      rows,
      fc.array(fc.tuple(fc.string({ maxLength: 3 }), item), { maxLength: 2 }),
    ).map((all) => {
      const distinct = all.map((map) => (map === null ? null : [...new Map(map)]));
      return {
        name: `map of ${type}`,
        sql: distinct.map((map) =>
          map === null
            ? `null::MAP(VARCHAR, ${type})`
            : `map([${map.map(([key]) => quoted(key)).join(",")}]::VARCHAR[], [${map.map(([, cell]) => cast(cell)).join(",")}]::${type}[])`,
        ),
        exact: distinct.map(
          (map) => map?.map(([key, cell]) => ({ key, value: cell?.exact ?? null })) ?? null,
        ),
        read: (text: string) =>
          (digitsKept(text) as { key: unknown; value: unknown }[]).map(({ key, value: cell }) => ({
            key,
            value: leafOf(read)(cell),
          })),
      };
    });
    return fc.oneof({ weight: 3, arbitrary: alone }, lists, maps);
  });
}

/** A file of JSON. */
export function exactJson(path: string): unknown {
  return JSON.parse(readFileSync(path, "utf8"));
}
