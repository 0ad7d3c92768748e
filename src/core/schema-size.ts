/** How large a fitted schema is, against what a provider takes. */

import type { Json, JsonObject } from "./hash.ts";
import { isObject, pathTo, propertiesOf, requiredOf, unsupportedSchema } from "./schema.ts";
import type { SchemaDialect, SchemaLimits } from "./schema-dialect.ts";

interface Size {
  properties: number;
  objectLevels: number;
  enumValues: number;
  nameCharacters: number;
  optionalProperties: number;
  unions: number;
}

const WORDS: Readonly<Record<keyof Size | "textLevels", readonly [keyword: string, what: string]>> =
  {
    properties: ["properties", "properties"],
    objectLevels: ["properties", "levels of objects"],
    enumValues: ["enum", "enum values"],
    nameCharacters: ["enum", "characters of names and enum values"],
    optionalProperties: ["required", "optional properties"],
    unions: ["anyOf", "parts with several types"],
    textLevels: ["properties", "levels of nesting"],
  };

/**
 * Refuses a schema that is larger than its dialect takes, or names what it cannot.
 *
 * @throws {InputError} `schema_unsupported` with the keyword, the path, the number and the limit.
 */
export function checkSize(schema: JsonObject, { name, limits }: SchemaDialect): void {
  const size: Size = {
    properties: 0,
    objectLevels: 0,
    enumValues: 0,
    nameCharacters: 0,
    optionalProperties: 0,
    unions: 0,
  };
  measure(schema, { path: "#", level: 0, size, limits, name });
  const measured = { ...size, textLevels: textLevels(schema) };
  for (const key of Object.keys(WORDS) as (keyof typeof WORDS)[]) {
    const limit = limits[key];
    const [keyword, what] = WORDS[key];
    if (limit !== undefined && measured[key] > limit)
      throw unsupportedSchema(
        "#",
        keyword,
        `makes ${String(measured[key])} ${what}, and ${name} takes ${String(limit)}`,
      );
  }
}

interface Measuring {
  readonly path: string;
  readonly level: number;
  readonly size: Size;
  readonly limits: SchemaLimits;
  readonly name: string;
}

function measure(node: JsonObject, at: Measuring): void {
  const { path, size, limits, name } = at;
  const properties = Object.entries(propertiesOf(node));
  const level = at.level + (properties.length > 0 ? 1 : 0);
  size.objectLevels = Math.max(size.objectLevels, level);
  size.properties += properties.length;
  size.optionalProperties += properties.length - requiredOf(node).length;
  const values = listOf(node["enum"]);
  size.enumValues += values.length;
  size.nameCharacters += values.reduce<number>((sum, it) => sum + lengthOf(it), 0);
  if (Array.isArray(node["type"]) || Array.isArray(node["anyOf"])) size.unions += 1;
  for (const [property, child] of properties) {
    size.nameCharacters += property.length;
    if (limits.propertyNames?.test(property) === false)
      throw unsupportedSchema(
        pathTo(path, "properties", property),
        "properties",
        `has a name that ${name} cannot carry: ${JSON.stringify(property)}`,
      );
    measure(child, { ...at, path: pathTo(path, "properties", property), level });
  }
  for (const keyword of ["anyOf", "prefixItems"])
    for (const [place, child] of listOf(node[keyword]).entries())
      if (isObject(child)) measure(child, { ...at, path: pathTo(path, keyword, place), level });
  for (const keyword of ["items", "additionalProperties"]) {
    const child = node[keyword];
    if (isObject(child)) measure(child, { ...at, path: pathTo(path, keyword), level });
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function lengthOf(value: Json): number {
  return typeof value === "string" ? value.length : 0;
}

function textLevels(value: Json | undefined): number {
  if (typeof value !== "object" || value === null) return 0;
  const children: readonly (Json | undefined)[] = Array.isArray(value)
    ? (value as readonly Json[])
    : Object.values(value);
  const below = Math.max(0, ...children.map(textLevels));
  return Array.isArray(value) ? below : below + 1;
}
