/** The JSON Schemas that OpenAI's strict mode takes. */
import { isJsonObject, type JsonObject } from "./json.ts";

// Source: what the official client refuses to convert.
const UNSUPPORTED = new Set(
  (
    "$anchor $dynamicAnchor $dynamicRef $recursiveAnchor $recursiveRef allOf contains " +
    "contentEncoding contentMediaType contentSchema dependentRequired dependentSchemas dependencies " +
    "else if maxContains maxProperties minContains minProperties not oneOf patternProperties " +
    "prefixItems propertyNames then unevaluatedItems unevaluatedProperties uniqueItems"
  ).split(" "),
);

/** What strict mode finds wrong with a schema, as a sentence without a full stop; null when it takes it. */
export function strictProblem(schema: unknown): string | null {
  const root = rootProblem(schema);
  if (root !== null || !isJsonObject(schema)) return root;
  return problemAt(schema, []) ?? problemOfSize(schema);
}

/** What is wrong with a schema's root, which must be an object's in strict mode and outside of it; null when nothing is. */
export function rootProblem(schema: unknown): string | null {
  const isObjects = isJsonObject(schema) && schema["type"] === "object" && !("anyOf" in schema);
  return isObjects ? null : `schema must be a JSON Schema of 'type: "object"'`;
}

// Source: the guide to Structured Outputs.
const FORMATS: ReadonlySet<unknown> = new Set(
  "date-time time date duration email hostname ipv4 ipv6 uuid".split(" "),
);
const MOST_PROPERTIES = 5000;
const MOST_LEVELS = 10;
const MOST_VALUES = 1000;
const MOST_CHARACTERS = 120_000;

interface Size {
  properties: number;
  levels: number;
  values: number;
  characters: number;
}

function problemOfSize(schema: JsonObject): string | null {
  const size: Size = { properties: 0, levels: 0, values: 0, characters: 0 };
  measure(schema, 0, size);
  const { properties, levels, values, characters } = size;
  if (properties > MOST_PROPERTIES)
    return `schema has ${String(properties)} properties, which is over the limit of ${String(MOST_PROPERTIES)}`;
  if (levels > MOST_LEVELS)
    return `${String(levels)} levels of nesting exceeds limit of ${String(MOST_LEVELS)}`;
  if (values > MOST_VALUES)
    return `schema has ${String(values)} enum values, which is over the limit of ${String(MOST_VALUES)}`;
  if (characters <= MOST_CHARACTERS) return null;
  return `schema has ${String(characters)} characters of names and enum values, which is over the limit of ${String(MOST_CHARACTERS)}`;
}

function measure(schema: unknown, above: number, size: Size): void {
  if (!isJsonObject(schema)) return;
  const names = Object.keys(isJsonObject(schema["properties"]) ? schema["properties"] : {});
  const values: readonly unknown[] = Array.isArray(schema["enum"]) ? schema["enum"] : [];
  const texts = [...names, ...values].filter((it) => typeof it === "string");
  const level = above + (names.length > 0 ? 1 : 0);
  size.properties += names.length;
  size.levels = Math.max(size.levels, level);
  size.values += values.length;
  size.characters += texts.reduce((sum, text) => sum + text.length, 0);
  for (const [, inner] of within(schema)) measure(inner, level, size);
}

type Path = readonly string[];

function problemAt(schema: unknown, path: Path): string | null {
  if (!isJsonObject(schema)) return null;
  const odd = Object.keys(schema).find((keyword) => UNSUPPORTED.has(keyword));
  if (odd !== undefined) return `${context(path)}'${odd}' is not permitted`;
  const { type, format, pattern } = schema;
  const isTyped = type !== undefined || schema["anyOf"] !== undefined || "$ref" in schema;
  if (!isTyped) return `${context(path)}schema must have a 'type' key`;
  if (type === "array" && !isJsonObject(schema["items"]))
    return `${context(path)}array schema missing items`;
  if (format !== undefined && !FORMATS.has(format))
    return `${context(path)}${JSON.stringify(format)} is not a valid format`;
  if (typeof pattern === "string" && /\(\?(?:[=!]|<[=!])/.test(pattern))
    return `${context(path)}'pattern' must not look around`;
  return (
    (type === "object" || isJsonObject(schema["properties"])
      ? problemOfObject(schema, path)
      : null) ?? first(within(schema), ([step, inner]) => problemAt(inner, [...path, ...step]))
  );
}

function problemOfObject(schema: JsonObject, path: Path): string | null {
  if (schema["additionalProperties"] !== false)
    return `${context(path)}'additionalProperties' is required to be supplied and to be false`;
  const required: readonly unknown[] = Array.isArray(schema["required"]) ? schema["required"] : [];
  const names = Object.keys(isJsonObject(schema["properties"]) ? schema["properties"] : {});
  const missing = names.find((name) => !required.includes(name));
  if (missing === undefined) return null;
  return `${context(path)}'required' is required to be supplied and to be an array including every key in properties. Missing '${missing}'`;
}

/** The schemas directly inside one, each with the steps to it. */
function within(schema: JsonObject): readonly (readonly [Path, unknown])[] {
  const maps = ["properties", "$defs", "definitions"].flatMap((map) =>
    Object.entries(isJsonObject(schema[map]) ? schema[map] : {}).map(
      ([name, inner]) => [[map, name], inner] as const,
    ),
  );
  const choices: readonly unknown[] = Array.isArray(schema["anyOf"]) ? schema["anyOf"] : [];
  return [
    ...maps,
    [["items"], schema["items"]],
    ...choices.map((inner, at) => [["anyOf", String(at)], inner] as const),
  ];
}

function context(path: Path): string {
  return `In context=(${path.map((step) => `'${step}'`).join(", ")}), `;
}

/** The first answer that is not null. */
export function first<T, R>(items: readonly T[], look: (item: T) => R | null): R | null {
  for (const item of items) {
    const found = look(item);
    if (found !== null) return found;
  }
  return null;
}
