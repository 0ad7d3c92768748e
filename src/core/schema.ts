/** JSON Schema as plain data: references written out, one way of saying each thing. */

import { InputError } from "./errors.ts";
import { canonicalJson, type Json, type JsonObject } from "./hash.ts";

/** A JSON Schema (2020-12) of an object's form; `true` and `false` stand only where a keyword takes them. */
export type JsonSchema = JsonObject;

const ONE_SCHEMA: ReadonlySet<string> = new Set([
  ...["items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"],
  ...["unevaluatedItems", "unevaluatedProperties", "contentSchema"],
]);
const SCHEMA_LISTS: ReadonlySet<string> = new Set(["anyOf", "oneOf", "allOf", "prefixItems"]);
const SCHEMA_MAPS: ReadonlySet<string> = new Set([
  "properties",
  "patternProperties",
  "dependentSchemas",
]);
const DROPPED: ReadonlySet<string> = new Set([
  ...["$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "$vocabulary", "nullable"],
]);
const ANNOTATIONS: ReadonlySet<string> = new Set([
  ...["title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"],
]);

// A schema that doubles with each reference would fill the memory long before a provider refused it.
const MOST_PARTS = 20_000;
const MOST_LEVELS = 64;

/** Whether a value is a JSON object, neither a list nor null. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The path of a member below another, as a JSON pointer: `#/properties/a`. */
export function pathTo(path: string, ...names: readonly (string | number)[]): string {
  const escaped = names.map((name) => String(name).replaceAll("~", "~0").replaceAll("/", "~1"));
  return [path, ...escaped].join("/");
}

/**
 * The same schema as plain data: local `$ref`s written out where they stand, `$defs` and other
 * bookkeeping left out, `type` present wherever it can be told, mergeable `allOf`s merged, and the
 * older ways of writing tuples and nulls brought to today's.
 *
 * @throws {InputError} `schema_invalid` for what is no schema or refers to nothing,
 * `schema_unsupported` for one that contains itself, with the path. Nothing was sent.
 */
export function plainSchema(schema: unknown): JsonSchema {
  const root = jsonCopy(schema);
  if (!isObject(root)) throw invalid("#", "it is not an object");
  let parts = 0;
  const write = (node: JsonObject, path: string, open: readonly string[]): JsonObject => {
    parts += 1;
    if (parts > MOST_PARTS || path.split("/").length > 2 * MOST_LEVELS)
      throw unsupportedSchema(path, "$ref", "is far too large once its references are written out");
    const ref = node["$ref"];
    if (ref !== undefined) return reference(node, path, open);
    if (node["$dynamicRef"] !== undefined || node["$recursiveRef"] !== undefined)
      throw unsupportedSchema(path, "$dynamicRef", "cannot be followed");
    return tidied(mapSchema(node, path, (child, at) => write(child, at, open)));
  };
  const reference = (node: JsonObject, path: string, open: readonly string[]): JsonObject => {
    const { $ref: ref, ...siblings } = node;
    if (typeof ref !== "string" || !ref.startsWith("#"))
      throw invalid(path, `its $ref ${JSON.stringify(ref)} does not point into the schema itself`);
    if (open.includes(ref))
      throw unsupportedSchema(path, "$ref", `contains itself through ${JSON.stringify(ref)}`);
    const target = resolved(root, ref);
    if (target === null) throw invalid(path, `its $ref ${JSON.stringify(ref)} points to nothing`);
    const written = write(target, path, [...open, ref]);
    const beside = mapSchema(siblings, path, (child, at) => write(child, at, open));
    return joined([written, beside]) ?? { allOf: [written, tidied(beside)] };
  };
  return write(root, "#", ["#"]);
}

/** A schema with each schema directly inside it replaced; bookkeeping keywords are left out. */
function mapSchema(
  node: JsonObject,
  path: string,
  change: (child: JsonObject, path: string) => JsonObject,
): JsonObject {
  const child = (value: Json | undefined, at: string): Json => {
    if (value === true) return {};
    if (isObject(value)) return change(value, at);
    throw invalid(at, "it is no schema");
  };
  const entries = Object.entries(node).flatMap(([name, value]): [string, Json | undefined][] => {
    const at = pathTo(path, name);
    if (DROPPED.has(name)) return [];
    if (SCHEMA_LISTS.has(name) || (name === "items" && Array.isArray(value))) {
      if (!Array.isArray(value)) throw invalid(at, "it is no list of schemas");
      const list = (value as readonly Json[]).map((it, place) => child(it, pathTo(at, place)));
      return [[name === "items" ? "prefixItems" : name, list]];
    }
    if (SCHEMA_MAPS.has(name)) {
      if (!isObject(value)) throw invalid(at, "it is no object of schemas");
      const members = Object.entries(value).map(
        ([key, it]) => [key, child(it, pathTo(at, key))] as const,
      );
      return [[name, Object.fromEntries(members)]];
    }
    if (!ONE_SCHEMA.has(name)) return [[name, value]];
    return [[name, typeof value === "boolean" ? value : child(value, at)]];
  });
  const mapped = Object.fromEntries(entries);
  return node["nullable"] === true ? withNull(tidied(mapped)) : mapped;
}

/** A schema whose `type` is said wherever it follows from the rest, and whose `allOf` is merged where that changes nothing. */
function tidied(node: JsonObject): JsonObject {
  const all = node["allOf"];
  if (Array.isArray(all)) {
    const { allOf: _, ...beside } = node;
    const merged = joined([...(all as readonly JsonObject[]).map(tidied), beside]);
    if (merged !== null) return tidied(merged);
  }
  const types = typesOf(node);
  if (types === null || types.length === 0) return node;
  return { type: types.length === 1 ? types[0] : types, ...without(node, "type") };
}

/** The JSON types a schema names or implies, in its order; null where it says nothing. */
export function typesOf(node: JsonObject): readonly string[] | null {
  const { type } = node;
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.filter((it) => typeof it === "string");
  const values = Array.isArray(node["enum"])
    ? (node["enum"] as readonly Json[])
    : "const" in node
      ? [node["const"] ?? null]
      : [];
  if (values.length > 0) return [...new Set(values.map(jsonType))];
  if (isObject(node["properties"])) return ["object"];
  return "items" in node || "prefixItems" in node ? ["array"] : null;
}

/** The JSON type of a value; whole numbers are `integer`. */
export function jsonType(value: Json): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return Number.isSafeInteger(value) ? "integer" : typeof value;
}

/** The same schema, permitting null besides. */
export function withNull(node: JsonObject): JsonObject {
  if (takesNull(node)) return node;
  const { description, ...rest } = node;
  const said = description === undefined ? {} : { description };
  const { type, enum: values, anyOf } = rest;
  if (Array.isArray(anyOf) && Object.keys(rest).length === 1)
    return { ...said, anyOf: [...(anyOf as readonly Json[]), { type: "null" }] };
  if (type === undefined || "const" in rest || anyOf !== undefined || "oneOf" in rest)
    return { ...said, anyOf: [rest, { type: "null" }] };
  const types = Array.isArray(type) ? (type as readonly Json[]) : [type];
  const listed = Array.isArray(values) ? { enum: [...(values as readonly Json[]), null] } : {};
  return { ...node, type: [...types, "null"], ...listed };
}

/** Whether a schema permits null. */
export function takesNull(node: JsonObject): boolean {
  const branches = node["anyOf"] ?? node["oneOf"];
  if (Array.isArray(branches))
    return (branches as readonly Json[]).some((it) => isObject(it) && takesNull(it));
  const values = node["enum"];
  if (Array.isArray(values)) return values.includes(null);
  if ("const" in node) return node["const"] === null;
  return typesOf(node)?.includes("null") ?? true;
}

const MERGEABLE: ReadonlySet<string> = new Set([
  ...["type", "properties", "required", "additionalProperties"],
  ...ANNOTATIONS,
]);

/** Schemas that must all hold as one schema; null where that cannot be said in one. */
function joined(nodes: readonly JsonObject[]): JsonObject | null {
  const meaning = nodes.filter((node) => Object.keys(node).some((name) => !ANNOTATIONS.has(name)));
  if (meaning.length <= 1) return Object.assign({}, ...nodes) as JsonObject;
  const names = meaning.flatMap((node) =>
    Object.keys(node).filter((name) => !ANNOTATIONS.has(name)),
  );
  if (new Set(names).size === names.length && !names.some((name) => SCHEMA_LISTS.has(name)))
    return Object.assign({}, ...nodes) as JsonObject;
  const areObjects = meaning.every(
    (node) =>
      typesOf(node)?.join() === "object" &&
      node["additionalProperties"] === undefined &&
      Object.keys(node).every((name) => MERGEABLE.has(name)),
  );
  return areObjects ? joinedObjects(nodes) : null;
}

function joinedObjects(nodes: readonly JsonObject[]): JsonObject | null {
  const properties = new Map<string, JsonObject>();
  for (const node of nodes)
    for (const [name, property] of Object.entries(propertiesOf(node))) {
      const before = properties.get(name);
      if (before !== undefined && canonicalJson(before) !== canonicalJson(property)) return null;
      properties.set(name, property);
    }
  return {
    ...(Object.assign({}, ...nodes) as JsonObject),
    type: "object",
    properties: Object.fromEntries(properties),
    required: [...new Set(nodes.flatMap(requiredOf))],
  };
}

/** The properties of an object schema by name; none where it names none. */
export function propertiesOf(node: JsonObject): Readonly<Record<string, JsonObject>> {
  const { properties } = node;
  return isObject(properties) ? (properties as Record<string, JsonObject>) : {};
}

/** The names of an object schema's required properties. */
export function requiredOf(node: JsonObject): readonly string[] {
  const { required } = node;
  return Array.isArray(required) ? required.filter((it) => typeof it === "string") : [];
}

/** An object without one of its members. */
export function without(node: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(node).filter(([it]) => it !== name));
}

function resolved(root: JsonObject, ref: string): JsonObject | null {
  let at: Json | undefined = root;
  const names = ref === "#" ? [] : decodeURIComponent(ref).split("/").slice(1);
  for (const name of names) {
    const key = name.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(at)) at = (at as readonly Json[])[Number(key)];
    else if (isObject(at) && Object.hasOwn(at, key)) at = at[key];
    else return null;
  }
  return isObject(at) ? at : null;
}

function jsonCopy(schema: unknown): Json {
  try {
    return JSON.parse(JSON.stringify(schema)) as Json;
  } catch {
    throw invalid("#", "it is not JSON");
  }
}

function invalid(path: string, problem: string): InputError {
  return new InputError(
    "schema_invalid",
    `The schema cannot be read at ${path}: ${problem}. Nothing was sent.`,
    { hint: "Give a JSON Schema, such as { type: 'object', properties: { … } }." },
  );
}

/** The error for a schema that cannot be sent, naming the keyword and where it stands. */
export function unsupportedSchema(path: string, keyword: string, problem: string): InputError {
  return new InputError(
    "schema_unsupported",
    `The schema cannot be asked for: ${keyword} at ${path} ${problem}. Nothing was sent.`,
    { hint: "Change the schema there; what is asked for must be finite and have a type." },
  );
}
