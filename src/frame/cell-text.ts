/** Raw cells as exact text and as JavaScript values; the same rows read through polars give the same. */

import type { Cell } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import type { CellType, RawCell } from "./cell-type.ts";
import { textObstacle, valueObstacle } from "./cell-type.ts";
import { decimalText, floatText, uuidText } from "./number-text.ts";
import {
  dateText,
  durationText,
  intervalText,
  perSecond,
  timestampText,
  timeText,
} from "./time-text.ts";

/** A column of raw cells. */
export interface RawColumn {
  readonly name: string;
  readonly type: CellType;
  readonly cells: ArrayLike<RawCell>;
}

/**
 * The cells of a column as text.
 *
 * Integers and decimals have all their digits, floats are as polars prints them (`1.0`, `NaN`, `inf`),
 * truth values `true` and `false`, dates `2024-01-31`, instants `2024-01-31 23:59:59.123456` with their
 * offset where the column has a time zone, times with their fraction, durations and intervals as ISO
 * 8601, lists and structs as JSON.
 *
 * @throws {InputError} `column_type` where the column holds bytes, or what cannot be read at all.
 */
export function columnTexts({ name, type, cells }: RawColumn): readonly (string | null)[] {
  const obstacle = textObstacle(type);
  if (obstacle !== null) throw noText(name, obstacle);
  return mapped(cells, (cell) => textOf(type, cell));
}

/**
 * The cells of a column as JavaScript values.
 *
 * Integers are numbers where a number holds them exactly, else bigints; decimals, times, durations,
 * intervals and uuids are text; dates and instants are Date, to the millisecond (text beyond the years a
 * Date can hold); bytes are Uint8Array; lists are arrays, structs objects.
 *
 * @throws {InputError} `column_type` where the column holds what cannot be read at all.
 */
export function columnValues({ name, type, cells }: RawColumn): readonly Cell[] {
  const obstacle = valueObstacle(type);
  if (obstacle !== null) throw unreadable(name, obstacle);
  return mapped(cells, (cell) => valueOf(type, cell));
}

function mapped<Out>(
  cells: ArrayLike<RawCell>,
  each: (cell: Exclude<RawCell, null | undefined>) => Out,
): (Out | null)[] {
  return Array.from(cells, (cell) => (cell === null || cell === undefined ? null : each(cell)));
}

type Present = Exclude<RawCell, null | undefined>;

function textOf(type: CellType, cell: Present): string {
  if (type.kind === "timestamp") return timestampText(asBigint(cell), type, "column");
  return type.kind === "list" || type.kind === "struct"
    ? jsonOf(type, cell)
    : plainText(type, cell);
}

function jsonOf(type: CellType, cell: RawCell): string {
  if (cell === null || cell === undefined) return "null";
  switch (type.kind) {
    case "integer":
    case "boolean":
      return plainText(type, cell);
    case "float":
      return Number.isFinite(cell) ? plainText(type, cell) : "null";
    case "timestamp":
      return JSON.stringify(timestampText(asBigint(cell), type, "nested"));
    case "list":
      return `[${asArray(cell)
        .map((it) => jsonOf(type.element, it))
        .join(",")}]`;
    case "struct": {
      const values = asArray(cell);
      const fields = type.fields.map(
        (field, at) => `${JSON.stringify(field.name)}:${jsonOf(field.type, values[at])}`,
      );
      return `{${fields.join(",")}}`;
    }
    default:
      return JSON.stringify(plainText(type, cell));
  }
}

function plainText(type: CellType, cell: Present): string {
  switch (type.kind) {
    case "float":
      return floatText(Number(cell), type.bits);
    case "decimal":
      return decimalText(asBigint(cell), type.scale);
    case "date":
      return dateText(Number(cell));
    case "time":
      return timeText(asBigint(cell), type.unit);
    case "duration":
      return durationText(asBigint(cell), type.unit);
    case "interval": {
      const [months, days, nanoseconds] = asArray(cell);
      return intervalText(Number(months), Number(days), asBigint(nanoseconds ?? 0n));
    }
    case "uuid":
      if (cell instanceof Uint8Array) return uuidText(cell);
      throw notRaw(type, cell);
    default:
      if (typeof cell === "object") throw notRaw(type, cell);
      return String(cell);
  }
}

function valueOf(type: CellType, cell: Present): Cell {
  switch (type.kind) {
    case "text":
    case "boolean":
    case "float":
    case "bytes":
      if (Array.isArray(cell)) throw notRaw(type, cell);
      return cell as string | boolean | number | Uint8Array;
    case "integer": {
      const number = Number(cell);
      return Number.isSafeInteger(number) ? number : asBigint(cell);
    }
    case "date":
      return dateOr(Number(cell) * 86_400_000, type, cell);
    case "timestamp": {
      const thousandths = asBigint(cell) * 1000n;
      const steps = perSecond(type.unit);
      // Towards zero, as polars does: one microsecond before 1970 is 1970.
      return dateOr(Number(thousandths / steps), type, cell);
    }
    case "list":
      return asArray(cell).map((it) => orNull(type.element, it));
    case "struct": {
      const values = asArray(cell);
      return Object.fromEntries(
        type.fields.map((field, at) => [field.name, orNull(field.type, values[at])]),
      );
    }
    default:
      return plainText(type, cell);
  }
}

function orNull(type: CellType, cell: RawCell): Cell {
  return cell === null || cell === undefined ? null : valueOf(type, cell);
}

function dateOr(epochMs: number, type: CellType, cell: Present): Date | string {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? textOf(type, cell) : date;
}

function asBigint(cell: RawCell): bigint {
  if (typeof cell === "bigint") return cell;
  if (typeof cell === "number") return BigInt(cell);
  throw notRaw({ kind: "integer", bits: 64, isSigned: true }, cell);
}

function asArray(cell: RawCell): readonly RawCell[] {
  if (Array.isArray(cell)) return cell as readonly RawCell[];
  throw notRaw({ kind: "null" }, cell);
}

function notRaw(type: CellType, cell: RawCell): InvariantError {
  return new InvariantError(
    "cells_type",
    `A cell read as ${type.kind} is ${cell === null ? "null" : typeof cell}.`,
  );
}

function noText(name: string, obstacle: string): InputError {
  if (obstacle !== "bytes") return unreadable(name, obstacle);
  return new InputError(
    "column_type",
    `Column ${JSON.stringify(name)} holds bytes, which have no text. Nothing was sent.`,
    {
      hint: "Leave the column out of the template, or give the template as a function, which gets the bytes.",
    },
  );
}

function unreadable(name: string, what: string): InputError {
  return new InputError(
    "column_type",
    `Column ${JSON.stringify(name)} holds ${what}, which cannot be read. Nothing was sent.`,
    { hint: "Leave the column out of the template; it is kept in the output as it is." },
  );
}
