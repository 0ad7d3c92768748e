/** Values become cells of their shape. */

import type { NewCell } from "../core/column.ts";
import type { Shape } from "./shape.ts";
import { pathText } from "./validator.ts";

/**
 * The cell of a value; null and what is left out give null.
 *
 * @throws {ShapeError} for a value that is not of the shape, naming where it departs from it: a
 * column never holds something near it.
 */
export function cellOf(shape: Shape, value: unknown, path: readonly PropertyKey[] = []): NewCell {
  if (value === null || value === undefined) return null;
  switch (shape.kind) {
    case "text":
      return check(typeof value === "string", "text", { value, path });
    case "boolean":
      return check(typeof value === "boolean", "true or false", { value, path });
    case "float":
      return check(Number.isFinite(value), "a number", { value, path });
    case "integer":
      return check(Number.isSafeInteger(value), "a whole number below 2^53", { value, path });
    case "date":
      return check(isDate(value), "a date such as 2026-01-31", { value, path });
    case "json":
      return JSON.stringify(jsonValue(value, path));
    case "list":
      if (!Array.isArray(value)) throw departs("a list", { value, path });
      return (value as readonly unknown[]).map((item, at) =>
        cellOf(shape.items, item, [...path, at]),
      );
    case "struct": {
      if (!isPlainObject(value)) throw departs("an object", { value, path });
      const fields = shape.fields.map(({ name, shape: of }) => {
        const member = Object.hasOwn(value, name) ? value[name] : null;
        return [name, cellOf(of, member, [...path, name])] as const;
      });
      return Object.fromEntries(fields);
    }
  }
}

/** A value that no column of the declared type can hold; becomes an invalid answer, never leaves this room. */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
}

interface Found {
  readonly value: unknown;
  readonly path: readonly PropertyKey[];
}

function check(isRight: boolean, what: string, found: Found): NewCell {
  if (!isRight) throw departs(what, found);
  // -0 would be written as 0 by some writers and as -0 by others.
  return found.value === 0 ? 0 : (found.value as NewCell);
}

function departs(what: string, { value, path }: Found): ShapeError {
  return new ShapeError(`${pathText(path)}${nameOf(value)} where the schema's type is ${what}`);
}

function nameOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") return `the number ${String(value)}`;
  if (typeof value !== "object" || value === null) return `a ${typeof value}`;
  if (Array.isArray(value)) return "a list";
  return isPlainObject(value) ? "an object" : `a ${value.constructor.name}`;
}

function isDate(value: unknown): boolean {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\d$/.test(value)) return false;
  const epochMs = Date.parse(`${value}T00:00:00Z`);
  return !Number.isNaN(epochMs) && new Date(epochMs).toISOString().startsWith(value);
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value) as unknown;
  return prototype === Object.prototype || prototype === null;
}

/** A value as JSON can hold it, whole: what JSON would drop or empty in silence is refused. */
function jsonValue(value: unknown, path: readonly PropertyKey[]): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (Number.isFinite(value)) return value;
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (Array.isArray(value))
    return (value as readonly unknown[]).map((item, at) =>
      item === undefined ? null : jsonValue(item, [...path, at]),
    );
  if (!isPlainObject(value)) throw departs("JSON", { value, path });
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    members.map(([name, member]) => [name, jsonValue(member, [...path, name])] as const),
  );
}
