/** The shape of answers: what a schema says their columns are, never what the answers happen to be. */

import type { ColumnType } from "../core/column.ts";
import type { Json, JsonObject } from "../core/hash.ts";
import { isObject, jsonType, propertiesOf, typesOf, type JsonSchema } from "../core/schema.ts";

/** One value's place in a column; `json` is text that holds JSON, for what no single type describes. */
export type Shape =
  | { readonly kind: "text" | "json" | "float" | "integer" | "boolean" | "date" }
  | { readonly kind: "list"; readonly items: Shape }
  | { readonly kind: "struct"; readonly fields: readonly Field[] };

/** A named part of a struct. */
export interface Field {
  readonly name: string;
  readonly shape: Shape;
}

const JSON_TEXT: Shape = { kind: "json" };

/**
 * The shape of a schema's values. Null is left aside, as every column is nullable; a union takes the
 * shape its branches share, whole and broken numbers together are floats, and whatever has no
 * single type is JSON text: other unions, objects with names of their own choosing, tuples of
 * several types, anything at all.
 */
export function shapeOf(schema: JsonSchema): Shape {
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches))
    return shared((branches as readonly JsonObject[]).filter(isNotNull).map(shapeOf));
  if (schema["allOf"] !== undefined) return JSON_TEXT;
  const types = typesOf(schema)?.filter((type) => type !== "null") ?? [];
  return shared(types.map((type) => shapeOfType(type, schema)));
}

function isNotNull(schema: JsonObject): boolean {
  return typesOf(schema)?.join() !== "null";
}

function shapeOfType(type: string, schema: JsonObject): Shape {
  switch (type) {
    case "string":
      return { kind: schema["format"] === "date" ? "date" : "text" };
    case "integer":
      return { kind: "integer" };
    case "number":
      return numberShape(schema);
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return listShape(schema);
    case "object":
      return structShape(schema);
    default:
      return JSON_TEXT;
  }
}

/** Fixed numbers that are all whole make a column of integers, as an enum's type may be written either way. */
function numberShape(schema: JsonObject): Shape {
  const values = "const" in schema ? [schema["const"]] : schema["enum"];
  if (!Array.isArray(values)) return { kind: "float" };
  const numbers = (values as readonly Json[]).filter((value) => typeof value === "number");
  return { kind: numbers.every((it) => jsonType(it) === "integer") ? "integer" : "float" };
}

function listShape({ items, prefixItems }: JsonObject): Shape {
  const places = Array.isArray(prefixItems) ? (prefixItems as readonly JsonObject[]) : [];
  if (places.length > 0) {
    const all = isObject(items) ? [...places, items] : places;
    const one = shared(all.map(shapeOf));
    return one.kind === "json" ? JSON_TEXT : { kind: "list", items: one };
  }
  return isObject(items) ? { kind: "list", items: shapeOf(items) } : JSON_TEXT;
}

function structShape(schema: JsonObject): Shape {
  const fields = Object.entries(propertiesOf(schema)).map(([name, property]) => ({
    name,
    shape: shapeOf(property),
  }));
  const others = schema["additionalProperties"];
  const isOpen = others === true || isObject(others) || schema["patternProperties"] !== undefined;
  return fields.length === 0 || isOpen ? JSON_TEXT : { kind: "struct", fields };
}

/** The one shape that all of some shapes are; JSON text where there is none. */
function shared(shapes: readonly Shape[]): Shape {
  const [first, ...others] = shapes;
  if (first === undefined) return JSON_TEXT;
  const wanted = JSON.stringify(first);
  if (others.every((shape) => JSON.stringify(shape) === wanted)) return first;
  const isNumbers = shapes.every(({ kind }) => kind === "integer" || kind === "float");
  return isNumbers ? { kind: "float" } : JSON_TEXT;
}

/** The type of a column of a shape. */
export function columnType(shape: Shape): ColumnType {
  switch (shape.kind) {
    case "json":
      return "text";
    case "list":
      return { list: columnType(shape.items) };
    case "struct":
      return {
        struct: shape.fields.map((field) => ({ name: field.name, type: columnType(field.shape) })),
      };
    default:
      return shape.kind;
  }
}
