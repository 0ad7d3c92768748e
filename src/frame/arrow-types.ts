/** Which kind of cells Arrow's types have. */

import type { DataType, Field } from "apache-arrow";
import type { CellField, CellType, TimeUnit } from "./cell-type.ts";
import { knownZone } from "./time-text.ts";

/** Numbers of types: Schema.fbs of apache/arrow, and -1, which apache-arrow gives to dictionaries. */
const ids = {
  dictionary: -1,
  null: 1,
  integer: 2,
  float: 3,
  utf8: 5,
  boolean: 6,
  decimal: 7,
  date: 8,
  time: 9,
  timestamp: 10,
  interval: 11,
  list: 12,
  struct: 13,
  union: 14,
  fixedSizeList: 16,
  map: 17,
  duration: 18,
  largeUtf8: 20,
  largeList: 21,
  utf8View: 24,
} as const;

/** What some types say beside their number. */
interface Details {
  readonly children?: readonly Field[] | null;
  readonly precision?: number;
  readonly scale?: number;
  readonly bitWidth?: number;
  readonly isSigned?: boolean;
  readonly byteWidth?: number;
  readonly listSize?: number;
  readonly unit?: number;
  readonly timezone?: string | null;
  readonly dictionary?: DataType;
  readonly isOrdered?: boolean;
}

/** Which kind of cells an Arrow type has; a dictionary's are those of its values. */
export function cellTypeOf(type: DataType): CellType {
  const { precision = 0, scale = 0, unit = 0, timezone = null, dictionary } = type as Details;
  switch (type.typeId as number) {
    case ids.dictionary: {
      const of = cellTypeOf(dictionary ?? type);
      if (of.kind !== "text") return of;
      const isOrdered = (type as Details).isOrdered === true;
      return { kind: "text", isCategory: true, ...(isOrdered ? { isOrdered } : {}) };
    }
    case ids.null:
      return { kind: "null" };
    case ids.utf8:
    case ids.largeUtf8:
    case ids.utf8View:
      return { kind: "text" };
    case ids.boolean:
      return { kind: "boolean" };
    case ids.integer:
      return { kind: "integer", bits: bitsOf(type), isSigned: (type as Details).isSigned ?? true };
    case ids.float:
      return { kind: "float", bits: floatBits[precision] ?? 64 };
    case ids.decimal:
      return { kind: "decimal", precision, scale };
    case ids.date:
      return { kind: "date" };
    case ids.time:
      return { kind: "time", unit: unitOf(unit) };
    case ids.timestamp:
      return { kind: "timestamp", unit: unitOf(unit), zone: zoneOf(timezone) };
    case ids.duration:
      return { kind: "duration", unit: unitOf(unit) };
    case ids.interval:
      return { kind: "interval", layout: intervalLayouts[unit] ?? "nanoseconds" };
    default:
      return nestedTypeOf(type);
  }
}

function nestedTypeOf(type: DataType): CellType {
  const children = (type as Details).children ?? [];
  const fields = children.map(cellFieldOf);
  const element = fields[0]?.type ?? { kind: "null" };
  switch (type.typeId as number) {
    case ids.struct:
      return { kind: "struct", fields };
    case ids.list:
    case ids.largeList:
      return { kind: "list", element };
    case ids.fixedSizeList:
      return { kind: "list", element, size: (type as Details).listSize ?? 0 };
    case ids.map:
      return { kind: "list", element: entryType(element), isMap: true };
    case ids.union:
      return { kind: "unreadable", what: "values of several types (a union)" };
    default:
      return { kind: "bytes", width: (type as Details).byteWidth ?? null };
  }
}

function bitsOf(type: DataType): 8 | 16 | 32 | 64 {
  const { bitWidth } = type as Details;
  return bitWidth === 8 || bitWidth === 16 || bitWidth === 32 ? bitWidth : 64;
}

/** By Arrow's own numbers for the units of intervals. */
const intervalLayouts = ["months", "days", "nanoseconds"] as const;

/** Entries of a map are a key and a value, whatever the file calls them. */
function entryType(entry: CellType): CellType {
  if (entry.kind !== "struct") return entry;
  const names = ["key", "value"];
  return {
    kind: "struct",
    fields: entry.fields.map(({ name, type }, at) => ({ name: names[at] ?? name, type })),
  };
}

/** A field's name and the kind of its cells. */
export function cellFieldOf(field: Field): CellField {
  return { name: field.name, type: cellTypeOf(field.type as DataType) };
}

/** By Arrow's own numbers for precision (half, single, double) and for time units. */
const floatBits = [16, 32, 64] as const;
const units = ["s", "ms", "us", "ns"] as const;

function zoneOf(timezone: string | null): string | null {
  return timezone === null || timezone === "" ? null : knownZone(timezone);
}

function unitOf(unit: number): TimeUnit {
  return units[unit] ?? "ns";
}
