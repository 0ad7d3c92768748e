/** Columns of any typed file as Parquet's: their schema elements, and their cells in the form pages take. */

import type { CellField, CellType, RawCell, TimeUnit } from "./cell-type.ts";
import { InputError } from "../core/errors.ts";
import { halfBits } from "./half-float.ts";
import { emptyStruct, listShape, type Shape, type StoredColumn } from "./parquet-columns.ts";
import { i32, nested, type Part } from "./thrift-fields.ts";
import { thriftType } from "./thrift.ts";

/** A column as it is written into a Parquet file. */
export function storedColumn({ name, type }: CellField): StoredColumn {
  const pageCell = pageCellOf(type, name);
  return {
    name,
    shape: shapeOf(name, type),
    pageCell: (cell) => (cell === null || cell === undefined ? null : pageCell(cell)),
  };
}

/** Why a type has no counterpart in a Parquet file that every reader takes, in words; null where it has one. */
export function parquetObstacle(type: CellType): string | null {
  switch (type.kind) {
    case "interval":
      return type.layout === "parquet" ? null : "intervals";
    case "unreadable":
      return type.what;
    case "list":
      return parquetObstacle(type.element);
    case "struct":
      if (type.fields.length === 0) return "structs without fields";
      return (
        type.fields.map((field) => parquetObstacle(field.type)).find((it) => it !== null) ?? null
      );
    default:
      return null;
  }
}

/**
 * The type as a Parquet file has it, for the Arrow schema beside: times that count seconds count milliseconds.
 * Told of seconds, polars would take the milliseconds for them.
 */
export function inParquet(type: CellType): CellType {
  switch (type.kind) {
    case "time":
    case "timestamp":
      return type.unit === "s" ? { ...type, unit: "ms" } : type;
    case "list":
      return { ...type, element: inParquet(type.element) };
    case "struct":
      return {
        ...type,
        fields: type.fields.map((field) => ({ ...field, type: inParquet(field.type) })),
      };
    default:
      return type;
  }
}

/** The ids of logical types: parquet.thrift of apache/parquet-format. */
const logicalIds = {
  enum: 4,
  decimal: 5,
  time: 7,
  timestamp: 8,
  integer: 10,
  unknown: 11,
} as const;
const leafIds = { json: 12, uuid: 14, float16: 15, map: 2 } as const;

function shapeOf(name: string, type: CellType): Shape {
  switch (type.kind) {
    case "text":
      return textShape(name, type.annotation);
    case "boolean":
      return { name, type: "BOOLEAN" };
    case "integer":
      return integerShape(name, type);
    case "float":
      return floatShape(name, type.bits);
    case "decimal":
      return decimalShape(name, type);
    case "date":
      return { name, type: "INT32", annotation: "DATE" };
    case "time":
      return timeShape(name, type.unit);
    case "timestamp":
      return timestampShape(name, type);
    case "duration":
      return { name, type: "INT64" };
    case "interval":
      return { ...fixed(name, 12), marks: { converted: 21 } };
    case "uuid":
      return { ...fixed(name, 16), marks: { logical: nested({ [leafIds.uuid]: emptyStruct }) } };
    case "bytes":
      return type.width === null ? { name, type: "BYTE_ARRAY" } : fixed(name, type.width);
    case "list":
      return type.isMap === true
        ? mapShape(name, type.element)
        : listShape(name, shapeOf("element", type.element));
    case "struct":
      return { name, children: type.fields.map((field) => shapeOf(field.name, field.type)) };
    case "null":
    case "unreadable":
      return {
        name,
        type: "INT32",
        marks: { logical: nested({ [logicalIds.unknown]: emptyStruct }) },
      };
  }
}

function fixed(name: string, typeLength: number): Shape {
  return { name, type: "FIXED_LEN_BYTE_ARRAY", typeLength, isUnordered: true };
}

function textShape(name: string, annotation: "JSON" | "ENUM" | undefined): Shape {
  if (annotation === undefined) return { name, type: "BYTE_ARRAY", annotation: "UTF8" };
  const [converted, logical] = annotation === "JSON" ? [19, leafIds.json] : [4, logicalIds.enum];
  return {
    name,
    type: "BYTE_ARRAY",
    marks: { converted, logical: nested({ [logical]: emptyStruct }) },
  };
}

function truth(value: boolean): Part {
  return { type: value ? thriftType.isTrue : thriftType.isFalse, value };
}

function integerShape(
  name: string,
  { bits, isSigned }: Extract<CellType, { readonly kind: "integer" }>,
): Shape {
  const type = bits === 64 ? "INT64" : "INT32";
  if (isSigned && bits >= 32) return { name, type };
  const converted = (isSigned ? 15 : 11) + Math.log2(bits / 8);
  const width: Part = { type: thriftType.byte, value: BigInt(bits) };
  const logical = nested({ [logicalIds.integer]: nested({ 1: width, 2: truth(isSigned) }) });
  // Statistics of these are compared as numbers without a sign, which nothing here does.
  return { name, type, marks: { converted, logical }, ...(isSigned ? {} : { isUnordered: true }) };
}

function floatShape(name: string, bits: 16 | 32 | 64): Shape {
  if (bits !== 16) return { name, type: bits === 32 ? "FLOAT" : "DOUBLE" };
  return { ...fixed(name, 2), marks: { logical: nested({ [leafIds.float16]: emptyStruct }) } };
}

function decimalShape(
  name: string,
  { precision, scale }: Extract<CellType, { readonly kind: "decimal" }>,
): Shape {
  const logical = nested({ [logicalIds.decimal]: nested({ 1: i32(scale), 2: i32(precision) }) });
  const marks = { converted: 5, scale, precision, logical };
  if (precision > 18) return { ...fixed(name, decimalBytes(precision)), marks };
  return { name, type: precision > 9 ? "INT64" : "INT32", marks };
}

function decimalBytes(precision: number): number {
  return precision > 38 ? 32 : 16;
}

const unitIds: Readonly<Record<TimeUnit, 1 | 2 | 3>> = { s: 1, ms: 1, us: 2, ns: 3 };

function timeShape(name: string, unit: TimeUnit): Shape {
  const of = unitIds[unit];
  const time = nested({ 1: truth(false), 2: nested({ [of]: emptyStruct }) });
  const converted = [7, 8][of - 1];
  const marks = { converted, logical: nested({ [logicalIds.time]: time }) };
  return { name, type: of === 1 ? "INT32" : "INT64", marks };
}

type TimestampType = Extract<CellType, { readonly kind: "timestamp" }>;

function timestampShape(name: string, { unit, zone, isWide }: TimestampType): Shape {
  if (isWide === true) return { ...fixed(name, 12), typeNumber: 3 };
  const of = unitIds[unit];
  const instant = nested({ 1: truth(zone !== null), 2: nested({ [of]: emptyStruct }) });
  // The annotation of old means UTC, and has no nanoseconds.
  const converted = zone === null ? undefined : [9, 10][of - 1];
  return {
    name,
    type: "INT64",
    marks: { converted, logical: nested({ [logicalIds.timestamp]: instant }) },
  };
}

function mapShape(name: string, element: CellType): Shape {
  const fields = element.kind === "struct" ? element.fields : [];
  const [key, value] = fields.map((field) => shapeOf(field.name, field.type));
  const entry: Shape = {
    name: "key_value",
    isRepeated: true,
    children: [
      ...(key === undefined ? [] : [{ ...key, name: "key", isRequired: true as const }]),
      ...(value === undefined ? [] : [{ ...value, name: "value" }]),
    ],
  };
  const marks = { converted: 1, logical: nested({ [leafIds.map]: emptyStruct }) };
  return { name, isMap: true, marks, children: [entry] };
}

type Present = Exclude<RawCell, null | undefined>;

function pageCellOf(type: CellType, column: string): (cell: Present) => unknown {
  switch (type.kind) {
    case "integer":
      return integerCell(type);
    case "float":
      return type.bits === 16 ? (cell) => twoBytes(halfBits(Number(cell))) : Number;
    case "decimal":
      return decimalCell(type.precision);
    case "time":
      return timeCell(type.unit);
    case "timestamp":
      return timestampCell(type, column);
    case "duration":
      return bigOf;
    case "date":
      return Number;
    case "interval":
      return intervalCell;
    case "list":
      return listCell(type, column);
    case "struct": {
      const cells = type.fields.map((field) => storedCell(field.type, column));
      return (cell) =>
        Object.fromEntries(
          cells.map((of, at) => [`f${String(at)}`, of((cell as readonly RawCell[])[at])]),
        );
    }
    case "null":
    case "unreadable":
      return () => null;
    default:
      return (cell) => cell;
  }
}

function storedCell(type: CellType, column: string): (cell: RawCell) => unknown {
  const of = pageCellOf(type, column);
  return (cell) => (cell === null || cell === undefined ? null : of(cell));
}

function listCell(
  { element, isMap }: Extract<CellType, { readonly kind: "list" }>,
  column: string,
): (cell: Present) => unknown {
  if (isMap !== true || element.kind !== "struct") {
    const of = storedCell(element, column);
    return (cell) => (cell as readonly RawCell[]).map(of);
  }
  const [key, value] = element.fields.map((field) => storedCell(field.type, column));
  return (cell) =>
    (cell as readonly RawCell[]).map((entry) => {
      const [ofKey, ofValue] = Array.isArray(entry) ? (entry as readonly RawCell[]) : [];
      return { key: key?.(ofKey), value: value?.(ofValue) };
    });
}

function bigOf(cell: Present): bigint {
  return typeof cell === "bigint" || typeof cell === "number" ? BigInt(cell) : 0n;
}

function integerCell({
  bits,
  isSigned,
}: Extract<CellType, { readonly kind: "integer" }>): (cell: Present) => unknown {
  if (bits === 64) return (cell) => BigInt.asIntN(64, bigOf(cell));
  return isSigned ? Number : (cell) => Number(cell) | 0;
}

function decimalCell(precision: number): (cell: Present) => unknown {
  if (precision <= 9) return Number;
  if (precision <= 18) return bigOf;
  const width = decimalBytes(precision);
  return (cell) => {
    const bytes = new Uint8Array(width);
    let rest = BigInt.asUintN(8 * width, bigOf(cell));
    for (let at = width - 1; at >= 0; at -= 1) {
      bytes[at] = Number(rest & 0xffn);
      rest >>= 8n;
    }
    return bytes;
  };
}

function timeCell(unit: TimeUnit): (cell: Present) => unknown {
  if (unit === "s") return (cell) => Number(cell) * 1000;
  return unit === "ms" ? Number : bigOf;
}

const nsPerDay = 86_400_000_000_000n;
/** The day on which days are counted from 0 in 96-bit instants, as a day before 1970. */
const julianEpoch = 2_440_588n;

function timestampCell(
  { unit, isWide }: TimestampType,
  column: string,
): (cell: Present) => unknown {
  if (isWide === true)
    return (cell) => {
      const count = bigOf(cell);
      const ofDay = ((count % nsPerDay) + nsPerDay) % nsPerDay;
      const bytes = Buffer.alloc(12);
      bytes.writeBigInt64LE(ofDay);
      bytes.writeInt32LE(Number((count - ofDay) / nsPerDay + julianEpoch), 8);
      return new Uint8Array(bytes);
    };
  return (cell) => {
    const count = unit === "s" ? bigOf(cell) * 1000n : bigOf(cell);
    if (BigInt.asIntN(64, count) === count) return count;
    throw new InputError(
      "column_type",
      `Column ${JSON.stringify(column)} holds an instant that is further away than Parquet can count.`,
      { hint: "Let the output's name end in .arrow, .csv or .jsonl." },
    );
  };
}

function intervalCell(cell: Present): unknown {
  const [months, days, nanoseconds] = (cell as readonly RawCell[]).map((part) => bigOf(part ?? 0));
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(Number(months ?? 0n), 0);
  bytes.writeUInt32LE(Number(days ?? 0n), 4);
  bytes.writeUInt32LE(Number((nanoseconds ?? 0n) / 1_000_000n), 8);
  return new Uint8Array(bytes);
}

function twoBytes(bits: number): Uint8Array {
  return Uint8Array.of(bits & 0xff, bits >> 8);
}
