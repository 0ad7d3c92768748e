/** Values that satisfy a JSON Schema, drawn from a seed. */
import { isJsonObject, type JsonObject } from "./json.ts";
import { randomSource } from "./random.ts";

/** Beyond this depth optional members and array items are left out, so that recursive schemas end. */
const DEEP = 6;

interface Draw {
  readonly root: JsonObject;
  readonly next: () => number;
}

/**
 * A value that satisfies `schema`, always the same for the same seed.
 *
 * Understands type (one or several), enum, const, anyOf, oneOf, allOf, `$ref` into the same
 * document, properties, items, prefixItems, and the bounds on numbers, lengths and item counts.
 * `pattern` is not obeyed. Null when the schema says nothing that can be satisfied.
 */
export function schemaValue(schema: unknown, seed: number): unknown {
  const root = isJsonObject(schema) ? schema : {};
  return valueOf(root, { root, next: randomSource(seed) }, 0);
}

function valueOf(schema: unknown, draw: Draw, depth: number): unknown {
  if (!isJsonObject(schema)) return schema === true ? "any" : null;
  if (typeof schema["$ref"] === "string") {
    return valueOf(resolveRef(schema["$ref"], draw.root), draw, depth + 1);
  }
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return pick(schema["enum"], draw);
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(choices)) {
    const plain = choices.filter((choice) => !isJsonObject(choice) || choice["type"] === "null");
    return valueOf(
      depth > DEEP && plain.length > 0 ? plain[0] : pick(choices, draw),
      draw,
      depth + 1,
    );
  }
  if (Array.isArray(schema["allOf"])) return valueOf(merged(schema, draw), draw, depth + 1);
  return valueOfType(schema, draw, depth);
}

function valueOfType(schema: JsonObject, draw: Draw, depth: number): unknown {
  const types: readonly unknown[] = Array.isArray(schema["type"])
    ? schema["type"]
    : [schema["type"]];
  const type = depth > DEEP && types.includes("null") ? "null" : pick(types, draw);
  if (type === "object" || (type === undefined && isJsonObject(schema["properties"]))) {
    return objectValue(schema, draw, depth);
  }
  if (type === "array") return arrayValue(schema, draw, depth);
  if (type === "string") return stringValue(schema, draw);
  if (type === "boolean") return draw.next() < 0.5;
  if (type === "integer" || type === "number") return numberValue(schema, draw, type === "integer");
  return null;
}

function objectValue(schema: JsonObject, draw: Draw, depth: number): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const names = Object.keys(properties).filter((name) => depth <= DEEP || required.includes(name));
  return Object.fromEntries(
    names.map((name) => [name, valueOf(properties[name], draw, depth + 1)]),
  );
}

function arrayValue(schema: JsonObject, draw: Draw, depth: number): readonly unknown[] {
  const prefix: readonly unknown[] = Array.isArray(schema["prefixItems"])
    ? schema["prefixItems"]
    : [];
  const least = Math.max(numberOr(schema["minItems"], 0), prefix.length);
  const most = numberOr(schema["maxItems"], Math.max(least, 3));
  const count = depth > DEEP ? least : least + Math.floor(draw.next() * (most - least + 1));
  return Array.from({ length: count }, (_, index) =>
    valueOf(prefix[index] ?? schema["items"] ?? true, draw, depth + 1),
  );
}

const WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron", "inlet"];

const FORMATS: Readonly<Record<string, string>> = {
  date: "2026-03-14",
  "date-time": "2026-03-14T09:26:53Z",
  time: "09:26:53Z",
  email: "someone@example.com",
  uri: "https://example.com/",
  uuid: "8f14e45f-ceea-4a1c-9d2b-1f0c0e3a7b55",
};

function stringValue(schema: JsonObject, draw: Draw): string {
  const format = schema["format"];
  const formatted = typeof format === "string" ? FORMATS[format] : undefined;
  if (formatted !== undefined) return formatted;
  const least = numberOr(schema["minLength"], 0);
  const most = numberOr(schema["maxLength"], Infinity);
  const text = `${pick(WORDS, draw) ?? ""} ${pick(WORDS, draw) ?? ""}`;
  return text.padEnd(least, "x").slice(0, most);
}

function numberValue(schema: JsonObject, draw: Draw, whole: boolean): number {
  const step = numberOr(schema["multipleOf"], whole ? 1 : 0.01);
  const above = numberOr(schema["exclusiveMinimum"], -Infinity);
  const below = numberOr(schema["exclusiveMaximum"], Infinity);
  const least = Math.max(numberOr(schema["minimum"], -Infinity), above);
  const most = Math.min(numberOr(schema["maximum"], Infinity), below);
  const from = Number.isFinite(least) ? least : Number.isFinite(most) ? most - 100 * step : 0;
  const to = Number.isFinite(most) ? most : from + 100 * step;
  let lowest = Math.ceil(from / step);
  let highest = Math.floor(to / step);
  if (lowest * step <= above) lowest += 1;
  if (highest * step >= below) highest -= 1;
  if (highest < lowest) return (from + to) / 2;
  const value = (lowest + Math.floor(draw.next() * (highest - lowest + 1))) * step;
  return Number(value.toFixed(10));
}

function merged(schema: JsonObject, draw: Draw): JsonObject {
  const { allOf, ...rest } = schema;
  const parts = (Array.isArray(allOf) ? allOf : []).map((part: unknown) =>
    isJsonObject(part) && typeof part["$ref"] === "string"
      ? resolveRef(part["$ref"], draw.root)
      : part,
  );
  let whole: Record<string, unknown> = { ...rest };
  for (const part of parts.filter(isJsonObject)) {
    const properties = { ...asObject(whole["properties"]), ...asObject(part["properties"]) };
    whole = { ...whole, ...part, ...(Object.keys(properties).length > 0 ? { properties } : {}) };
  }
  return whole;
}

function resolveRef(reference: string, root: JsonObject): unknown {
  let found: unknown = root;
  for (const name of reference.split("/").slice(1)) {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
    found = isJsonObject(found) ? found[key] : undefined;
  }
  return found;
}

function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === "number" ? value : otherwise;
}

function pick<T>(choices: readonly T[], draw: Draw): T | undefined {
  return choices[Math.floor(draw.next() * choices.length)];
}
