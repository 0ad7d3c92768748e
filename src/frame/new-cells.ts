/** Whether the cells of a new column are of its type, and the days that its dates stand for. */

import type { ColumnType, NewCell, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";

/**
 * Refuses cells that are not of their column's type: written as they are, they would become null or
 * another value and nothing would say so.
 *
 * A struct may leave fields out, which are null then; it may not hold others.
 *
 * @throws {InvariantError} `cells_type`.
 */
export function checkCells({ name, type }: NewColumn, cells: readonly NewCell[]): void {
  const wrong = cells.find((cell) => !isCellOf(type, cell));
  if (wrong === undefined) return;
  throw new InvariantError(
    "cells_type",
    `Column ${name} is ${JSON.stringify(type)} and was given ${described(wrong)}.`,
  );
}

function isCellOf(type: ColumnType, cell: NewCell): boolean {
  if (cell === null) return true;
  switch (type) {
    case "text":
      return typeof cell === "string";
    case "float":
      return typeof cell === "number";
    case "integer":
      return Number.isSafeInteger(cell);
    case "boolean":
      return typeof cell === "boolean";
    case "date":
      return typeof cell === "string" && dateDays(cell) !== null;
    case "embedding":
      return cell instanceof Float32Array;
    default:
      return "list" in type ? isListOf(type.list, cell) : isStructOf(type.struct, cell);
  }
}

function isListOf(element: ColumnType, cell: NewCell): boolean {
  return Array.isArray(cell) && cell.every((it: NewCell) => isCellOf(element, it));
}

function isStructOf(fields: readonly NewColumn[], cell: NewCell): boolean {
  if (!isRecord(cell)) return false;
  const given = Object.entries(cell);
  return given.every(([name, value]) => {
    const field = fields.find((it) => it.name === name);
    return field !== undefined && isCellOf(field.type, value);
  });
}

function isRecord(cell: NewCell): cell is Readonly<Record<string, NewCell>> {
  return (
    typeof cell === "object" &&
    cell !== null &&
    !Array.isArray(cell) &&
    !(cell instanceof Float32Array)
  );
}

/** A struct's field; null where it was left out. */
export function fieldOf(cell: NewCell, name: string): NewCell {
  if (!isRecord(cell) || !Object.hasOwn(cell, name)) return null;
  return cell[name] ?? null;
}

function described(cell: NewCell): string {
  if (typeof cell === "string") return `the text ${JSON.stringify(cell.slice(0, 40))}`;
  return typeof cell === "object" ? "an object" : String(cell);
}

const msPerDay = 86_400_000;

/**
 * Days from 1970-01-01 to a date such as `2026-01-31`; null for any other text.
 *
 * Years have four digits and days must exist: `2025-02-29` is null.
 */
export function dateDays(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return null;
  const epochMs = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(epochMs) || !new Date(epochMs).toISOString().startsWith(text)) return null;
  return epochMs / msPerDay;
}
