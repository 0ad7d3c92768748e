/** A cell that stands in a column already, as one of the new column that takes its place. */

import type { Cell, ColumnType, NewCell, NewColumn } from "../core/column.ts";
import { newCellJson } from "./json-cells.ts";
import { dateDays } from "./new-cells.ts";

/** Whether a cell holds anything: null, empty text and what is no number do not. */
export function isFilledCell(cell: NewCell): boolean {
  return cell !== null && cell !== "" && !Number.isNaN(cell);
}

/**
 * The cell as one of a new column of this type, with the same value; undefined where that cannot be.
 *
 * Where the source has no types, as CSV, text is read as what the type needs: digits as numbers, `true` and
 * `false` in any case, JSON as lists and objects; empty text is nothing then.
 */
export function oldCell(type: ColumnType, cell: Cell, isTyped: boolean): NewCell | undefined {
  if (cell === null) return null;
  if (typeof cell === "string" && !isTyped && type !== "text" && type !== "date")
    return fromText(type, cell);
  switch (type) {
    case "text":
      return typeof cell === "string" ? cell : undefined;
    case "float":
      return numberOf(cell);
    case "integer": {
      const number = numberOf(cell);
      return Number.isSafeInteger(number) || Number.isNaN(number) ? number : undefined;
    }
    case "boolean":
      return typeof cell === "boolean" ? cell : undefined;
    case "date":
      return dateOf(cell);
    case "embedding":
      return vectorOf(cell);
    default:
      return "list" in type ? listOf(type.list, cell) : structOf(type.struct, cell);
  }
}

/** Whether an old cell of text, as CSV has it, has the value of a new one. */
export function isSameText(type: ColumnType, text: string | null, cell: NewCell): boolean {
  return isSame(oldCell(type, text === "" ? null : text, false), cell);
}

/** Whether an old cell of JSON has the value of a new one. */
export function isSameJson(type: ColumnType, text: string, cell: NewCell): boolean {
  return isSame(oldCell(type, JSON.parse(text) as Cell, false), cell);
}

function isSame(old: NewCell | undefined, cell: NewCell): boolean {
  if (old === undefined || typeof old !== "object" || old === null) return Object.is(old, cell);
  return newCellJson(old) === newCellJson(cell);
}

function fromText(type: ColumnType, text: string): NewCell | undefined {
  if (text === "") return null;
  if (type === "boolean") {
    const word = text.toLowerCase();
    return word === "true" ? true : word === "false" ? false : undefined;
  }
  if (type === "float" || type === "integer")
    return plainNumber.test(text) ? oldCell(type, Number(text), true) : undefined;
  try {
    return oldCell(type, JSON.parse(text) as Cell, true);
  } catch {
    return undefined;
  }
}

const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function numberOf(cell: Cell): number | undefined {
  if (typeof cell === "number") return cell;
  if (typeof cell !== "bigint") return undefined;
  const number = Number(cell);
  return BigInt(number) === cell ? number : undefined;
}

const DAY_MS = 86_400_000;

function dateOf(cell: Cell): string | null | undefined {
  if (cell === "") return null;
  if (typeof cell === "string") return dateDays(cell) === null ? undefined : cell;
  if (!(cell instanceof Date) || cell.getTime() % DAY_MS !== 0) return undefined;
  const text = cell.toISOString().slice(0, "2026-01-31".length);
  return dateDays(text) === null ? undefined : text;
}

function vectorOf(cell: Cell): Float32Array | undefined {
  if (!Array.isArray(cell)) return undefined;
  const numbers = cell as readonly Cell[];
  const vector = Float32Array.from(numbers, Number);
  // Digits that 32 bits do not hold would be lost without a word.
  const isSame = numbers.every((one, at) => typeof one === "number" && Object.is(one, vector[at]));
  return isSame ? vector : undefined;
}

function listOf(element: ColumnType, cell: Cell): readonly NewCell[] | undefined {
  if (!Array.isArray(cell)) return undefined;
  const made = (cell as readonly Cell[]).map((one) => oldCell(element, one, true));
  return made.every((one) => one !== undefined) ? made : undefined;
}

function structOf(fields: readonly NewColumn[], cell: Cell): NewCell | undefined {
  if (typeof cell !== "object" || cell === null || Array.isArray(cell)) return undefined;
  const made: Record<string, NewCell> = {};
  for (const [name, value] of Object.entries(cell as Readonly<Record<string, Cell>>)) {
    const field = fields.find((one) => one.name === name);
    const own = field === undefined ? undefined : oldCell(field.type, value, true);
    if (own === undefined) return undefined;
    made[name] = own;
  }
  return made;
}
