/** Values that satisfy a JSON Schema, drawn from a seed. */
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { randomSource } from "./random.ts";
import { stringValue, WORDS } from "./schema-text.ts";

/** How often an optional member is there, above that depth. */
const OFTEN = 0.75;

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
 * document, properties, additionalProperties, items, prefixItems, uniqueItems, the bounds on numbers,
 * lengths and counts, the usual formats, and patterns without look-around; rules that a description
 * says in words are heeded. An optional member is left out one time in four. Null when the schema says
 * nothing that can be satisfied.
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

function valueOfType(said: JsonObject, draw: Draw, depth: number): unknown {
  const schema = { ...rulesTold(said["description"]), ...said };
  const types: readonly unknown[] = Array.isArray(schema["type"])
    ? schema["type"]
    : [schema["type"]];
  const type = depth > DEEP && types.includes("null") ? "null" : pick(types, draw);
  if (type === "object" || (type === undefined && isJsonObject(schema["properties"]))) {
    return objectValue(schema, draw, depth);
  }
  if (type === "array") return arrayValue(schema, draw, depth);
  if (type === "string") return stringValue(schema, draw.next);
  if (type === "boolean") return draw.next() < 0.5;
  if (type === "integer" || type === "number") return numberValue(schema, draw, type === "integer");
  return null;
}

const TOLD =
  /\b(format|pattern|minLength|maxLength|minimum|maximum|exclusiveMinimum|exclusiveMaximum|multipleOf|minItems|maxItems|uniqueItems|minProperties): ("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|true)/g;

/** The rules that a description says in words, which a model heeds as well: `(minimum: 0; format: "date")`. */
function rulesTold(description: unknown): JsonObject {
  if (typeof description !== "string") return {};
  const rules = [...description.matchAll(TOLD)].map(([, name, value = ""]) => [
    name,
    parseJson(value),
  ]);
  return Object.fromEntries(rules) as JsonObject;
}

function objectValue(schema: JsonObject, draw: Draw, depth: number): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const isThere = (name: string): boolean =>
    required.includes(name) || (depth <= DEEP && draw.next() < OFTEN);
  const members = Object.entries(properties)
    .filter(([name]) => isThere(name))
    .map(([name, property]) => [name, valueOf(property, draw, depth + 1)] as const);
  const others = schema["additionalProperties"];
  const least = numberOr(schema["minProperties"], isJsonObject(others) && depth <= DEEP ? 1 : 0);
  const names = WORDS.filter((word) => !Object.hasOwn(properties, word));
  const missing = isJsonObject(others) ? Math.max(0, least - members.length) : 0;
  const more = names.slice(0, missing).map((name) => [name, valueOf(others, draw, depth + 1)]);
  return Object.fromEntries([...members, ...more]) as JsonObject;
}

function arrayValue(schema: JsonObject, draw: Draw, depth: number): readonly unknown[] {
  const prefix: readonly unknown[] = Array.isArray(schema["prefixItems"])
    ? schema["prefixItems"]
    : [];
  const isClosed = schema["items"] === false;
  const least = isClosed ? prefix.length : Math.max(numberOr(schema["minItems"], 0), prefix.length);
  const most = isClosed ? least : numberOr(schema["maxItems"], Math.max(least, 3));
  const count = depth > DEEP ? least : least + Math.floor(draw.next() * (most - least + 1));
  const item = (index: number): unknown =>
    valueOf(prefix[index] ?? schema["items"] ?? true, draw, depth + 1);
  if (schema["uniqueItems"] === true) return distinct(item, count);
  return Array.from({ length: count }, (_, index) => item(index));
}

/** How many items are drawn for each of several that must differ. */
const TRIES = 20;

function distinct(item: (index: number) => unknown, count: number): readonly unknown[] {
  const items = new Map<string, unknown>();
  for (let tries = 0; items.size < count && tries < count * TRIES; tries += 1) {
    const drawn = item(items.size);
    items.set(JSON.stringify(drawn), drawn);
  }
  return [...items.values()];
}

/** How many multiples of a step are tried for one that divides without a rest. */
const MOST_STEPS = 1000;

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
  const valueAt = (steps: number): number => Number((steps * step).toFixed(10));
  const drawn = lowest + Math.floor(draw.next() * (highest - lowest + 1));
  // Not every multiple of a broken step divides without a rest: 0.07 / 0.01 does not.
  const isExact = (steps: number): boolean =>
    schema["multipleOf"] === undefined || Number.isInteger(valueAt(steps) / step);
  let steps = drawn;
  for (let tries = 0; tries < MOST_STEPS && !isExact(steps); tries += 1)
    steps = steps === highest ? lowest : steps + 1;
  return valueAt(steps);
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
