/** Cells as JSON text, and JSON text as cells, with every digit kept. */

import type { Cell, NewCell } from "../core/column.ts";

/**
 * The JSON text of one new cell.
 *
 * Numbers are written as JavaScript prints them, those that JSON does not have (NaN, infinities) as null.
 * The numbers of a vector read back to the same 32-bit floats.
 */
export function newCellJson(cell: NewCell): string {
  if (cell instanceof Float32Array) return vectorJson(cell);
  if (Array.isArray(cell)) return `[${cell.map((it: NewCell) => newCellJson(it)).join(",")}]`;
  if (typeof cell !== "object" || cell === null) return JSON.stringify(cell);
  const members = Object.entries(cell).map(
    ([name, value]: [string, NewCell]) => `${JSON.stringify(name)}:${newCellJson(value)}`,
  );
  return `{${members.join(",")}}`;
}

/** Nine significant digits name every 32-bit float exactly; the digits of its double would be twice as long. */
function vectorJson(vector: Float32Array): string {
  return JSON.stringify(Array.from(vector, (value) => Number(value.toPrecision(9))));
}

/**
 * The text a template sees for a value as it stands in a JSON file: a string's characters, any other
 * value's own text; null for null and for a value that is not there.
 */
export function jsonText(raw: string | null): string | null {
  if (raw === null || raw === "null") return null;
  return raw.startsWith('"') ? stringOf(raw) : raw;
}

function stringOf(raw: string): string {
  return raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
}

/**
 * The same value for JavaScript: integers that a number would round are bigints, other numbers that
 * JavaScript cannot hold (`1e999`) are text.
 */
export function jsonValue(raw: string | null): Cell {
  if (raw === null) return null;
  const first = raw.charAt(0);
  if (first === '"') return stringOf(raw);
  if (first === "{" || first === "[") return JSON.parse(raw, exactNumber) as Cell;
  if (first === "t" || first === "f" || first === "n") return JSON.parse(raw) as boolean | null;
  return numberOf(raw);
}

/** V8 tells a reviver the text of a number; where it does not, the number is what it is. */
function exactNumber(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  const source = context?.source;
  return typeof value === "number" && source !== undefined ? numberOf(source) : value;
}

function numberOf(source: string): number | bigint | string {
  const value = Number(source);
  if (/^-?\d+$/.test(source)) return Number.isSafeInteger(value) ? value : BigInt(source);
  return Number.isFinite(value) ? value : source;
}

/**
 * The JSON text of a cell of any frame, given its text and its value: numbers with all their digits,
 * lists and structs as they are, everything that JSON has no type for as text.
 */
export function cellJson(text: string | null, value: Cell | undefined): string {
  if (text === null) return "null";
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? text : "null";
    case "bigint":
    case "boolean":
      return text;
    case "object":
      return value === null || value instanceof Date ? JSON.stringify(text) : text;
    default:
      return JSON.stringify(text);
  }
}
