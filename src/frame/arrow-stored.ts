/** Columns of any typed file as Arrow's: their types, and arrays of their cells. */

import type { Data, DataType, Field } from "apache-arrow";
import { InputError } from "../core/errors.ts";
import { arrow } from "./arrow-kit.ts";
import { bitsOf, offsetsOf } from "./arrow-native.ts";
import type { CellField, CellType, RawCell, TimeUnit } from "./cell-type.ts";
import { halfBits } from "./half-float.ts";

/** The texts of a column of categories, in the order of its keys. */
export interface Categories {
  readonly type: DataType;
  readonly keys: ReadonlyMap<string, number>;
  readonly data: Data;
}

/**
 * Categories with these texts, each once.
 *
 * `id` tells them apart in a file: numbered by the library, a process that goes on with one would name others.
 */
export function categoriesOf(texts: Iterable<string>, id: number): Categories {
  const keys = new Map<string, number>();
  for (const text of texts) if (!keys.has(text)) keys.set(text, keys.size);
  const values = storedData({ kind: "text" }, [...keys.keys()]);
  const type = new arrow.Dictionary(new arrow.LargeUtf8(), new arrow.Int32(), id);
  return { type, keys, data: values };
}

/** The field of a column; with `categories` one of keys. */
export function storedField({ name, type }: CellField, categories?: Categories): Field {
  return new arrow.Field(name, categories?.type ?? storedType(type), true);
}

const { IntervalUnit, Precision, TimeUnit: ArrowUnit } = arrow;
const units = {
  ...{ s: ArrowUnit.SECOND, ms: ArrowUnit.MILLISECOND },
  ...{ us: ArrowUnit.MICROSECOND, ns: ArrowUnit.NANOSECOND },
} as const;
const precisions = { 16: Precision.HALF, 32: Precision.SINGLE, 64: Precision.DOUBLE } as const;

function storedType(type: CellType): DataType {
  switch (type.kind) {
    case "null":
    case "unreadable":
      return new arrow.Null();
    case "text":
      return new arrow.LargeUtf8();
    case "boolean":
      return new arrow.Bool();
    case "integer":
      return new arrow.Int(type.isSigned, type.bits);
    case "float":
      return new arrow.Float(precisions[type.bits]);
    case "decimal":
      return new arrow.Decimal(type.scale, type.precision, type.precision > 38 ? 256 : 128);
    case "date":
      return new arrow.DateDay();
    case "time":
      return new arrow.Time(units[type.unit], isShortTime(type.unit) ? 32 : 64);
    case "timestamp":
      return new arrow.Timestamp(units[type.unit], type.zone);
    case "duration":
      return new arrow.Duration(units[type.unit]);
    case "interval":
      return new arrow.Interval(intervalUnits[type.layout]);
    case "uuid":
      return new arrow.FixedSizeBinary(16);
    case "bytes":
      return type.width === null ? new arrow.LargeBinary() : new arrow.FixedSizeBinary(type.width);
    case "list":
      return listType(type);
    case "struct":
      return new arrow.Struct(type.fields.map((field) => storedField(field)));
  }
}

const intervalUnits = {
  ...{ months: IntervalUnit.YEAR_MONTH, days: IntervalUnit.DAY_TIME },
  ...{ nanoseconds: IntervalUnit.MONTH_DAY_NANO, parquet: IntervalUnit.MONTH_DAY_NANO },
} as const;

function isShortTime(unit: TimeUnit): boolean {
  return unit === "s" || unit === "ms";
}

type ListType = Extract<CellType, { readonly kind: "list" }>;

function listType({ element, size, isMap }: ListType): DataType {
  if (isMap === true && element.kind === "struct") {
    // A map's keys are never null, and neither are its entries.
    const [key, value] = element.fields.map((field) => storedField(field));
    const fields = [new arrow.Field("key", key?.type ?? new arrow.Null(), false), value];
    const entries = new arrow.Struct(fields.flatMap((field) => field ?? []));
    return new arrow.Map_(new arrow.Field("entries", entries, false) as never);
  }
  const item = new arrow.Field("item", storedType(element), true);
  return size === undefined ? new arrow.List(item) : new arrow.FixedSizeList(size, item);
}

// The library's own signature is one overload for each type.
const dataOf = (props: object): Data => arrow.makeData(props as never);

/** The cells of a column of categories, each the key of its text. */
export function categoryData({ type, keys, data }: Categories, cells: readonly RawCell[]): Data {
  const dictionary = new arrow.Vector([data]);
  const own = Int32Array.from(cells, (cell) => keys.get(String(cell)) ?? 0);
  return dataOf({ type, data: own, dictionary, ...presence(cells) });
}

function presence(cells: readonly RawCell[]): {
  readonly length: number;
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array;
} {
  const isThere = (cell: RawCell): boolean => cell !== null && cell !== undefined;
  const nullCount = cells.reduce<number>((sum, cell) => sum + (isThere(cell) ? 0 : 1), 0);
  return { length: cells.length, nullCount, nullBitmap: bitsOf(cells, isThere) };
}

/** The cells of a column as an Arrow array. @throws {InputError} `column_type` for an instant beyond 64 bits. */
export function storedData(type: CellType, cells: readonly RawCell[]): Data {
  const base = { type: storedType(type), ...presence(cells) };
  switch (type.kind) {
    case "null":
    case "unreadable":
      return dataOf({ type: base.type, length: cells.length });
    case "text":
      return dataOf({ ...base, ...pieces(cells.map((cell) => Buffer.from(String(cell ?? "")))) });
    case "boolean":
      return dataOf({ ...base, data: bitsOf(cells, (cell) => cell === true) });
    case "integer":
      return dataOf({ ...base, data: integers(type, cells) });
    case "float":
      return dataOf({ ...base, data: floats(type.bits, cells.map(Number)) });
    case "decimal":
      return dataOf({ ...base, data: words(cells, type.precision > 38 ? 8 : 4) });
    case "date":
      return dataOf({ ...base, data: Int32Array.from(cells, Number) });
    case "time":
      return dataOf({
        ...base,
        data: isShortTime(type.unit) ? Int32Array.from(cells, Number) : counts(cells),
      });
    case "timestamp":
    case "duration":
      return dataOf({ ...base, data: counts(cells) });
    case "interval":
      return dataOf({ ...base, data: intervals(intervalUnits[type.layout], cells) });
    case "uuid":
      return dataOf({ ...base, data: fixedBytes(16, cells) });
    case "bytes":
      return type.width === null
        ? dataOf({ ...base, ...pieces(cells.map(bytesOf)) })
        : dataOf({ ...base, data: fixedBytes(type.width, cells) });
    case "list":
      return dataOf({ ...base, ...elements(type, cells) });
    case "struct": {
      const children = type.fields.map((field, at) =>
        storedData(
          field.type,
          cells.map((cell) => (Array.isArray(cell) ? (cell as readonly RawCell[])[at] : null)),
        ),
      );
      return dataOf({ ...base, children });
    }
  }
}

function bytesOf(cell: RawCell): Uint8Array {
  return cell instanceof Uint8Array ? cell : new Uint8Array(0);
}

function pieces(parts: readonly Uint8Array[]): { valueOffsets: BigInt64Array; data: Uint8Array } {
  const valueOffsets = new BigInt64Array(parts.length + 1);
  let end = 0;
  parts.forEach((part, at) => {
    end += part.length;
    valueOffsets[at + 1] = BigInt(end);
  });
  return { valueOffsets, data: new Uint8Array(Buffer.concat(parts)) };
}

function fixedBytes(width: number, cells: readonly RawCell[]): Uint8Array {
  const bytes = new Uint8Array(width * cells.length);
  cells.forEach((cell, at) => {
    bytes.set(bytesOf(cell), at * width);
  });
  return bytes;
}

const bigOf = (cell: RawCell): bigint =>
  typeof cell === "bigint" || typeof cell === "number" ? BigInt(cell) : 0n;

function integers(
  { bits, isSigned }: Extract<CellType, { readonly kind: "integer" }>,
  cells: readonly RawCell[],
): ArrayBufferView {
  if (bits === 64)
    return isSigned ? BigInt64Array.from(cells, bigOf) : BigUint64Array.from(cells, bigOf);
  const numbers = cells.map(Number);
  if (bits === 8) return isSigned ? Int8Array.from(numbers) : Uint8Array.from(numbers);
  if (bits === 16) return isSigned ? Int16Array.from(numbers) : Uint16Array.from(numbers);
  return isSigned ? Int32Array.from(numbers) : Uint32Array.from(numbers);
}

function floats(bits: 16 | 32 | 64, numbers: readonly number[]): ArrayBufferView {
  if (bits === 16) return Uint16Array.from(numbers, halfBits);
  return bits === 32 ? Float32Array.from(numbers) : Float64Array.from(numbers);
}

function counts(cells: readonly RawCell[]): BigInt64Array {
  return BigInt64Array.from(cells, (cell) => {
    const count = bigOf(cell);
    if (BigInt.asIntN(64, count) === count) return count;
    throw new InputError("column_type", "An instant is further away than 64 bits can count.");
  });
}

/** Integers as 32-bit words, the lowest first. */
function words(cells: readonly RawCell[], count: number): Uint32Array {
  const all = new Uint32Array(count * cells.length);
  cells.forEach((cell, at) => {
    let rest = BigInt.asUintN(32 * count, bigOf(cell));
    for (let word = 0; word < count; word += 1) {
      all[at * count + word] = Number(rest & 0xffff_ffffn);
      rest >>= 32n;
    }
  });
  return all;
}

function intervals(unit: number, cells: readonly RawCell[]): Int32Array {
  const stride = [1, 2, 4][unit] ?? 4;
  const all = new Int32Array(stride * cells.length);
  cells.forEach((cell, at) => {
    if (!Array.isArray(cell)) return;
    const [months, days, nanoseconds] = (cell as readonly RawCell[]).map(bigOf);
    const rest = nanoseconds ?? 0n;
    const parts =
      unit === 0
        ? [months ?? 0n]
        : unit === 1
          ? [days ?? 0n, rest / 1_000_000n]
          : [months ?? 0n, days ?? 0n, BigInt.asIntN(32, rest), BigInt.asIntN(32, rest >> 32n)];
    all.set(parts.map(Number), at * stride);
  });
  return all;
}

function elements(type: ListType, cells: readonly RawCell[]): object {
  const { element, size } = type;
  const lists = cells.map((cell) =>
    Array.isArray(cell) ? (cell as readonly RawCell[]) : Array<RawCell>(size ?? 0).fill(null),
  );
  const child = storedData(element, lists.flat(1));
  if (size !== undefined) return { child };
  const entries = type.isMap === true ? mapEntries(child) : child;
  return { child: entries, valueOffsets: offsetsOf(lists) };
}

/** The same entries of the type that a map has: without nulls. */
function mapEntries(child: Data): Data {
  const [key, value] = child.children;
  const fields = child.type.children as readonly Field[];
  const [keyField, valueField] = fields;
  if (key === undefined || value === undefined || !keyField || !valueField) return child;
  const type = new arrow.Struct([
    new arrow.Field("key", keyField.type, false),
    new arrow.Field("value", valueField.type, true),
  ]);
  return dataOf({ type, length: child.length, nullCount: 0, children: [key, value] });
}
