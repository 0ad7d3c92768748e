/** How a parsed reply is read before it is checked: what strict modes make models write differently is set right. */

import type { Json, JsonObject } from "../core/hash.ts";
import {
  isObject,
  jsonType,
  propertiesOf,
  requiredOf,
  takesNull,
  typesOf,
} from "../core/schema.ts";

/**
 * A reply as its schema means it. Two things are read otherwise than written, both because of how
 * providers hold models to a schema: an optional property that is null is absent, since some modes
 * require every property, and a word of an enum counts whatever its letter case, since some change it.
 */
export function asMeant(schema: JsonObject, value: Json): Json {
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches)) {
    const read = (branches as readonly JsonObject[]).map((branch) => asMeant(branch, value));
    const at = read.findIndex((it, place) =>
      looksRight((branches as readonly JsonObject[])[place] ?? {}, it),
    );
    return at < 0 ? value : (read[at] ?? null);
  }
  if (typeof value === "string") return asListed(schema, value);
  if (Array.isArray(value))
    return (value as readonly Json[]).map((it, at) => asMeant(itemOf(schema, at), it));
  return isObject(value) ? objectAsMeant(schema, value) : value;
}

function objectAsMeant(schema: JsonObject, value: JsonObject): JsonObject {
  const properties = propertiesOf(schema);
  const required = new Set(requiredOf(schema));
  const members = Object.entries(value).flatMap(([name, it = null]): [string, Json][] => {
    const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (property === undefined) return [[name, it]];
    if (it === null && !required.has(name) && !takesNull(property)) return [];
    return [[name, asMeant(property, it)]];
  });
  return Object.fromEntries(members);
}

function itemOf({ items, prefixItems }: JsonObject, at: number): JsonObject {
  const place = Array.isArray(prefixItems) ? (prefixItems as readonly Json[])[at] : undefined;
  const item = place ?? items;
  return isObject(item) ? item : {};
}

function asListed(schema: JsonObject, word: string): string {
  const values = "const" in schema ? [schema["const"]] : schema["enum"];
  if (!Array.isArray(values)) return word;
  return (
    matchingWord(
      word,
      values.filter((it) => typeof it === "string"),
    ) ?? word
  );
}

/** The one word that is the same, or else the only one that differs in letter case alone; null where there is none. */
export function matchingWord(word: string, words: readonly string[]): string | null {
  if (words.includes(word)) return word;
  const close = words.filter((it) => it.toLowerCase() === word.toLowerCase());
  return close.length === 1 ? (close[0] ?? null) : null;
}

/** Whether a value may be meant by a schema, as far as types, fixed values and required properties tell. */
function looksRight(schema: JsonObject, value: Json): boolean {
  const branches = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(branches))
    return (branches as readonly JsonObject[]).some((it) => looksRight(it, value));
  const types = typesOf(schema);
  const own = jsonType(value);
  const isOfType = types?.includes(own) ?? true;
  if (!isOfType && !(typeof value === "number" && types?.includes("number") === true)) return false;
  const values = "const" in schema ? [schema["const"]] : schema["enum"];
  if (Array.isArray(values) && own !== "object" && own !== "array" && !values.includes(value))
    return false;
  if (!isObject(value)) return true;
  const properties = propertiesOf(schema);
  const isClosed = schema["additionalProperties"] === false;
  return (
    requiredOf(schema).every((name) => Object.hasOwn(value, name)) &&
    Object.entries(value).every(([name, it = null]) =>
      Object.hasOwn(properties, name) ? looksRight(properties[name] ?? {}, it) : !isClosed,
    )
  );
}
