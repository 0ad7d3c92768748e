/** Cells of a dataframe as exact text and as JavaScript values, for every type polars can hold. */

import type { DataType, Series } from "nodejs-polars";
import type { Cell } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import { columnTexts, columnValues } from "./cell-text.ts";
import { castTexts, jsonTexts, rawColumn } from "./polars-native.ts";

/** How a column's cells are read. `json`: nested, or of a type whose plain text would lose digits. */
type Kind = "string" | "plain" | "integer" | "text" | "json" | "nested" | "binary" | "object";

const kinds: Readonly<Record<string, Kind>> = {
  String: "string",
  Utf8: "string",
  Categorical: "string",
  Enum: "string",
  Bool: "plain",
  Float32: "plain",
  Float64: "plain",
  Int8: "plain",
  Int16: "plain",
  Int32: "plain",
  UInt8: "plain",
  UInt16: "plain",
  UInt32: "plain",
  Date: "plain",
  Datetime: "plain",
  Null: "plain",
  Int64: "integer",
  UInt64: "integer",
  Int128: "integer",
  UInt128: "integer",
  Decimal: "text",
  // Cast to text, a time loses its fraction and a duration is refused.
  Time: "json",
  Duration: "json",
  List: "nested",
  FixedSizeList: "nested",
  Array: "nested",
  Struct: "nested",
  Binary: "binary",
  BinaryOffset: "binary",
  Object: "object",
};

/**
 * The cells as text.
 *
 * Integers and decimals have all their digits, floats are as polars prints them (`1.0`, `NaN`, `inf`),
 * truth values `true` and `false`, dates `2024-01-31`, instants `2024-01-31 23:59:59.123456` with their
 * offset where the column has a time zone, times with their fraction, durations as ISO 8601, lists and
 * structs as JSON.
 *
 * @throws {InputError} `column_type` where the column holds bytes or objects.
 */
export function cellTexts(series: Series, name: string): readonly (string | null)[] {
  const { kind, nesting } = typeOf(series);
  switch (kind) {
    case "string":
    case "plain":
    case "integer":
    case "text":
      // polars knows no summer times after 2099, and rounds offsets that have seconds.
      if (isZoned(series)) return columnTexts(rawColumn(series, name));
      return castTexts(series);
    case "json":
      return jsonTexts(series).map((json) => (json === null ? null : String(JSON.parse(json))));
    case "nested":
      // As JSON, polars 0.25.2 gives the rows after a null of a fixed-size list the values of others.
      if (nesting !== "json") return columnTexts(rawColumn(series, name));
      return jsonTexts(series);
    case "binary":
    case "object":
      throw unreadable(name);
  }
}

/**
 * The cells as JavaScript values.
 *
 * Integers are numbers where a number holds them exactly, else bigints; decimals, times and durations
 * are text; dates and instants are Date, to the millisecond; bytes are Uint8Array. Lists and structs are
 * arrays and objects of the same; those that hold 128-bit integers are read through JSON, where instants
 * are text and what is not a finite number is null.
 *
 * @throws {InputError} `column_type` where the column holds JavaScript objects.
 */
export function cellValues(series: Series, name: string): readonly Cell[] {
  const { kind, nesting } = typeOf(series);
  switch (kind) {
    case "string":
    case "plain":
      return series.toArray();
    case "integer":
      return castTexts(series).map((digits) => (digits === null ? null : integerOf(digits)));
    case "text":
    case "json":
      return cellTexts(series, name);
    case "nested":
      if (nesting === "plain") return series.toArray();
      if (nesting === "arrow") return columnValues(rawColumn(series, name));
      return jsonTexts(series).map((json) => (json === null ? null : exactJson(json)));
    case "binary":
      return columnValues(rawColumn(series, name));
    case "object":
      throw unreadable(name);
  }
}

/**
 * The type of a series.
 *
 * polars throws where JavaScript has no name for a type (Binary, Int128, Enum), naming it in the
 * message; nested in a list or a struct the message is the same. `nesting` says how nested values come
 * across unaltered: `plain` by polars itself, which rounds 64-bit integers and takes a null struct for
 * one of nulls; `arrow` for the types Arrow has; `json` for the others.
 */
function typeOf(series: Series): {
  readonly kind: Kind;
  readonly nesting: "plain" | "arrow" | "json";
} {
  try {
    const dtype = series.dtype as DataType;
    const isPlain = !/Int64|Int128|Decimal|Duration|Struct/.test(JSON.stringify(dtype));
    return { kind: kinds[dtype.variant] ?? "nested", nesting: isPlain ? "plain" : "arrow" };
  } catch (error) {
    const variant = /DataType (\w+)/.exec(String(error))?.[1] ?? "";
    const kind = kinds[variant];
    const isOpaque = kind === "binary" || kind === "object";
    return { kind: isOpaque ? kind : "nested", nesting: "json" };
  }
}

/** Whether a series is of instants in a named time zone. */
function isZoned(series: Series): boolean {
  const { variant, timeZone } = series.dtype as DataType & { readonly timeZone?: string | null };
  return variant === "Datetime" && timeZone !== null && timeZone !== undefined;
}

function integerOf(digits: string): number | bigint {
  const number = Number(digits);
  return Number.isSafeInteger(number) ? number : BigInt(digits);
}

/** JSON.parse that tells its reviver what stood in the text, as Node has had it since 21. */
type ParseWithSource = (
  text: string,
  reviver: (key: string, value: Cell, context: { readonly source?: string }) => Cell,
) => Cell;

function exactJson(text: string): Cell {
  return (JSON.parse as ParseWithSource)(text, (_key, value, { source }) => {
    const isRounded = typeof value === "number" && !Number.isSafeInteger(value);
    return isRounded && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

function unreadable(name: string): InputError {
  return new InputError(
    "column_type",
    `Column ${JSON.stringify(name)} holds bytes, which have no text. Nothing was sent.`,
    {
      hint: "Leave the column out of the template, or give the template as a function, which gets the bytes.",
    },
  );
}
