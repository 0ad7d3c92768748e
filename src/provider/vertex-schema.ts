/** JSON Schemas as Vertex's importer takes them: whole, without references and without `$`. */

import { InputError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/hash.ts";

/**
 * The same schema with every `$ref` replaced by what it names and without what the importer refuses:
 * keys that begin with `$`, `definitions`, and empty objects where they say nothing. `type: [a, "null"]`
 * becomes `anyOf`, so that a type is text everywhere; `default` and `examples`, which bind nobody and
 * may hold any type, are left out. `path` begins the names of places in errors.
 *
 * @throws {InputError} `schema_unsupported` for a schema that contains itself, a reference that leads
 * nowhere, a name with `$` or a blank, and a place that permits anything at all; nothing was sent.
 */
export function inlinedSchema(schema: Json, path: string): Json {
  return walk(schema, { root: schema, path, within: [] });
}

interface Place {
  readonly root: Json;
  readonly path: string;
  /** The references that led here. */
  readonly within: readonly string[];
}

// Members that are schemas, lists of schemas, and schemas by name. Source: JSON Schema 2020-12.
const SCHEMAS = new Set(["items", "additionalProperties", "not", "contains", "propertyNames"]);
const LISTS = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const DROPPED = new Set(["definitions", "default", "examples"]);

function walk(schema: Json, place: Place): Json {
  if (!isObject(schema)) return schema;
  const reference = schema["$ref"];
  if (typeof reference === "string") return followed(schema, reference, place);
  const members: Record<string, Json> = {};
  for (const [name, value] of Object.entries(schema)) {
    if (value === undefined || name.startsWith("$") || DROPPED.has(name)) continue;
    const inner = member(name, value, { ...place, path: `${place.path}.${name}` });
    if (inner !== null) members[name] = inner;
  }
  return withOneType(members);
}

/** A member as it may stay, null where it says nothing. */
function member(name: string, value: Json, place: Place): Json | null {
  if (name === "properties" && isObject(value)) return unlessEmpty(properties(value, place));
  if (LISTS.has(name) && Array.isArray(value))
    return value.map((one: Json, index) =>
      meaningful(one, { ...place, path: `${place.path}[${String(index)}]` }),
    );
  if (SCHEMAS.has(name)) return value === true ? null : unlessEmpty(walk(value, place));
  return value;
}

function unlessEmpty(value: Json): Json | null {
  return isObject(value) && Object.keys(value).length === 0 ? null : value;
}

function properties(given: JsonObject, place: Place): JsonObject {
  const found = Object.entries(given).map(([name, value]): [string, Json] => {
    const path = `${place.path}.${name}`;
    if (/[$\s]/.test(name)) throw unsupported(path, "a name may hold no blank and no $");
    return [name, meaningful(value ?? true, { ...place, path })];
  });
  return Object.fromEntries(found);
}

/** A schema where one must stand. */
function meaningful(schema: Json, place: Place): Json {
  const inner = unlessEmpty(walk(schema, place));
  if (inner === null || typeof inner === "boolean")
    throw unsupported(
      place.path,
      "it permits anything, which cannot be said there; give it a type",
    );
  return inner;
}

function followed(schema: JsonObject, reference: string, place: Place): Json {
  if (place.within.includes(reference))
    throw unsupported(place.path, `it contains itself by way of ${reference}`);
  const target = targetOf(reference, place.root);
  if (target === undefined) throw unsupported(place.path, `there is no ${reference}`);
  const { $ref: _, ...siblings } = schema;
  const inner = walk(target, { ...place, within: [...place.within, reference] });
  const beside = walk(siblings, place);
  return isObject(inner) && isObject(beside) ? { ...inner, ...beside } : inner;
}

/** What a JSON Pointer into the root names; undefined where it names nothing. */
function targetOf(reference: string, root: Json): Json | undefined {
  if (!reference.startsWith("#")) return undefined;
  const steps = reference.slice(1).split("/").slice(1);
  let target: Json | undefined = root;
  for (const step of steps) {
    const name = decoded(step).replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(target)) target = (target as readonly Json[])[Number(name)];
    else target = isObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
  }
  return target;
}

function decoded(step: string): string {
  try {
    return decodeURIComponent(step);
  } catch {
    return step;
  }
}

const ABOUT = ["title", "description"];

/** `type: [a, b]` as `anyOf`, each branch with all that is said of the value, but for null, of which nothing is. */
function withOneType(schema: JsonObject): JsonObject {
  const types = schema["type"];
  if (!Array.isArray(types)) return schema;
  const given = types as readonly Json[];
  const entries = Object.entries(schema).filter(([name]) => name !== "type");
  const about = Object.fromEntries(entries.filter(([name]) => ABOUT.includes(name)));
  const rules = Object.fromEntries(entries.filter(([name]) => !ABOUT.includes(name)));
  if (given.length === 1) return { ...schema, type: given[0] };
  const branch = (type: Json): JsonObject =>
    type === "null" ? { type } : { type, ...withoutNull(rules) };
  return { ...about, anyOf: given.map(branch) };
}

function withoutNull(rules: JsonObject): JsonObject {
  const values = rules["enum"];
  if (!Array.isArray(values)) return rules;
  return { ...rules, enum: (values as readonly Json[]).filter((value) => value !== null) };
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unsupported(path: string, why: string): InputError {
  return new InputError(
    "schema_unsupported",
    `vertex cannot be given the schema at ${path}: ${why}. Nothing was sent.`,
    { hint: "Change the schema there, or name a model of another provider." },
  );
}
