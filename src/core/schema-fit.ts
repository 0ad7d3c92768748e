/** A schema made to fit what a provider's strict mode takes; what it cannot be told is checked on this machine. */

import type { InputError } from "./errors.ts";
import type { Json, JsonObject } from "./hash.ts";
import {
  isObject,
  jsonType,
  pathTo,
  propertiesOf,
  requiredOf,
  typesOf,
  unsupportedSchema,
  without,
  withNull,
  type JsonSchema,
} from "./schema.ts";
import type { SchemaDialect } from "./schema-dialect.ts";
import { checkSize } from "./schema-size.ts";

/** A keyword the provider does not take, and where it stands; answers are checked against it on this machine. */
export interface MovedKeyword {
  /** A JSON pointer into the schema: `#/properties/age`. */
  readonly path: string;
  readonly keyword: string;
}

/** A schema as a provider is sent it. */
export interface FittedSchema {
  readonly schema: JsonSchema;
  /** What the provider is not told; in the order of the schema. */
  readonly moved: readonly MovedKeyword[];
}

/**
 * The schema in a dialect: every answer that keeps to the schema keeps to the fitted one as well,
 * except that where all properties must be required an optional one is null instead of absent.
 *
 * Keywords the dialect lacks are left out, added to the description in words where they are short,
 * and listed in `moved`. `schema` must be plain, as `plainSchema` makes it.
 *
 * @throws {InputError} `schema_unsupported` naming the keyword and its path, where leaving something
 * out would make right answers impossible or leave a part without a type. Nothing was sent.
 */
export function fitSchema(schema: JsonSchema, dialect: SchemaDialect): FittedSchema {
  if (dialect.keywords === null) return { schema, moved: [] };
  const moved: MovedKeyword[] = [];
  const fitted = fitPart(schema, "#", { dialect, moved });
  checkSize(fitted, dialect);
  return { schema: fitted, moved };
}

interface Fitting {
  readonly dialect: SchemaDialect;
  readonly moved: MovedKeyword[];
}

function fitPart(node: JsonObject, path: string, fitting: Fitting): JsonObject {
  const { dialect } = fitting;
  const types = typesOf(node);
  const branches = node["anyOf"] ?? node["oneOf"];
  if (node["allOf"] !== undefined)
    throw refused("allOf", path, dialect, "and it cannot be written as one schema");
  if (branches === undefined && types === null && dialect.needsType)
    throw refused("type", path, dialect, "and this part has none, so it may be anything");
  if (types !== null && types.length > 1 && !dialect.typeLists)
    return fitUnion(node, types, { path, fitting });
  const said = annotationsOf(node);
  const parts: JsonObject = {
    ...(types === null ? {} : { type: types.length === 1 ? types[0] : types }),
    ...fitBranches(node, path, fitting),
    ...fitValues(node, path, fitting),
    ...(types?.includes("object") === true ? fitObject(node, path, fitting) : {}),
    ...(types?.includes("array") === true ? fitArray(node, path, fitting) : {}),
  };
  const { kept, told } = fitKeywords(node, path, fitting);
  return { ...parts, ...kept, ...describedBy(said, told) };
}

/** A part of several types as an anyOf of parts with one each, for dialects whose `type` is one word. */
function fitUnion(
  node: JsonObject,
  types: readonly string[],
  { path, fitting }: { readonly path: string; readonly fitting: Fitting },
): JsonObject {
  const values = Array.isArray(node["enum"]) ? (node["enum"] as readonly Json[]) : null;
  const bare = without(without(node, "description"), "title");
  const anyOf = types.map((type) => {
    if (type === "null") return { type };
    const own = values?.filter((value) => isOfType(value, type));
    const listed = own === undefined ? bare : { ...bare, enum: own };
    return fitPart({ ...listed, type }, path, fitting);
  });
  return { anyOf, ...annotationsOf(node) };
}

function isOfType(value: Json, type: string): boolean {
  const own = jsonType(value);
  return own === type || (type === "number" && own === "integer");
}

function fitBranches(node: JsonObject, path: string, { dialect, moved }: Fitting): JsonObject {
  const name = "anyOf" in node ? "anyOf" : "oneOf";
  const branches = node[name];
  if (!Array.isArray(branches)) return {};
  // That exactly one holds is more than any strict mode can be told.
  if (name === "oneOf") moved.push({ path, keyword: "oneOf" });
  return {
    anyOf: (branches as readonly JsonObject[]).map((branch, place) =>
      fitPart(branch, pathTo(path, name, place), { dialect, moved }),
    ),
  };
}

/** The values a part may have, by `enum` or `const`. */
function fitValues(node: JsonObject, path: string, { dialect, moved }: Fitting): JsonObject {
  const keyword = "const" in node ? "const" : "enum";
  const value = node[keyword];
  if (value === undefined) return {};
  const values = keyword === "const" ? [value] : (value as readonly Json[]);
  if (!values.every((it) => dialect.enumTypes.has(jsonType(it)))) {
    moved.push({ path, keyword });
    return {};
  }
  return keyword === "const" && dialect.keywords?.has("const") === true
    ? { const: value }
    : { enum: values };
}

function fitObject(node: JsonObject, path: string, fitting: Fitting): JsonObject {
  const { dialect } = fitting;
  const properties = propertiesOf(node);
  const names = Object.keys(properties);
  const others = node["additionalProperties"];
  if (dialect.closesObjects) {
    const isOpen = isObject(others) && Object.keys(others).length > 0;
    if (isOpen) throw closed("additionalProperties", path, dialect);
    if (node["patternProperties"] !== undefined) throw closed("patternProperties", path, dialect);
    if (names.length === 0) throw closed("properties", path, dialect);
  }
  const required = new Set(requiredOf(node));
  const fitted = names.map((name) => {
    const property = properties[name] ?? {};
    const isMissable = !required.has(name) && dialect.requiresAll;
    const asked = isMissable ? withNull(property) : property;
    return [name, fitPart(asked, pathTo(path, "properties", name), fitting)] as const;
  });
  return {
    ...(names.length === 0 ? {} : { properties: Object.fromEntries(fitted) }),
    ...(required.size > 0 || dialect.requiresAll
      ? { required: dialect.requiresAll ? names : names.filter((name) => required.has(name)) }
      : {}),
    ...(dialect.closesObjects || others === false ? { additionalProperties: false } : {}),
    ...(!dialect.closesObjects && isObject(others)
      ? { additionalProperties: fitPart(others, pathTo(path, "additionalProperties"), fitting) }
      : {}),
  };
}

function fitArray(node: JsonObject, path: string, fitting: Fitting): JsonObject {
  const { dialect, moved } = fitting;
  const { items, prefixItems } = node;
  if (!Array.isArray(prefixItems)) {
    if (isObject(items)) return { items: fitPart(items, pathTo(path, "items"), fitting) };
    if (dialect.needsType)
      throw refused("items", path, dialect, "and this list does not say what it holds");
    return {};
  }
  const places = (prefixItems as readonly JsonObject[]).map((item, place) =>
    fitPart(item, pathTo(path, "prefixItems", place), fitting),
  );
  const rest = isObject(items) ? [fitPart(items, pathTo(path, "items"), fitting)] : [];
  if (dialect.keywords?.has("prefixItems") === true)
    return { prefixItems: places, ...(rest[0] === undefined ? {} : { items: rest[0] }) };
  moved.push({ path, keyword: "prefixItems" });
  const distinct = new Map([...places, ...rest].map((item) => [JSON.stringify(item), item]));
  const all = [...distinct.values()];
  return { items: all.length === 1 ? (all[0] ?? {}) : { anyOf: all } };
}

/** The keywords that {@link fitPart} deals with one by one, and those that only describe. */
const STRUCTURE: ReadonlySet<string> = new Set([
  ...["type", "anyOf", "oneOf", "enum", "const", "properties", "required"],
  ...["additionalProperties", "items", "prefixItems", "title", "description"],
  ...["default", "examples", "deprecated", "readOnly", "writeOnly"],
]);

/** Every keyword that says what is valid, beyond the structure. */
const VALIDATION: ReadonlySet<string> = new Set([
  ...["pattern", "format", "minLength", "maxLength", "minimum", "maximum", "multipleOf"],
  ...["exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "uniqueItems", "contains"],
  ...["minContains", "maxContains", "minProperties", "maxProperties", "propertyNames", "not"],
  ...["if", "then", "else", "dependentRequired", "dependentSchemas", "dependencies"],
  ...["patternProperties", "unevaluatedItems", "unevaluatedProperties"],
]);

function fitKeywords(
  node: JsonObject,
  path: string,
  { dialect, moved }: Fitting,
): { readonly kept: JsonObject; readonly told: readonly string[] } {
  const kept: Record<string, Json> = {};
  const told: string[] = [];
  for (const [keyword, value] of Object.entries(node)) {
    if (value === undefined || STRUCTURE.has(keyword) || !VALIDATION.has(keyword)) continue;
    // Schema libraries add the bounds of exact whole numbers by themselves; nobody asked for them.
    if (isObject(value) ? false : Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER) continue;
    if (isTaken(keyword, value, dialect)) kept[keyword] = value;
    else {
      moved.push({ path, keyword });
      if (isTellable(keyword, value)) told.push(`${keyword}: ${JSON.stringify(value)}`);
    }
  }
  return { kept, told };
}

const LONGEST_TOLD = 80;

/** Whether a rule is short enough for a description. */
function isTellable(keyword: string, value: Json): boolean {
  if (typeof value === "number" || typeof value === "boolean") return true;
  const isText = keyword === "format" || keyword === "pattern";
  return isText && typeof value === "string" && value.length <= LONGEST_TOLD;
}

// Not every provider's automata can look around or back; the pattern is checked here all the same.
const LOOKS_AROUND = /\(\?[=!<]|\\[1-9]|\\k</;

function isTaken(keyword: string, value: Json, dialect: SchemaDialect): boolean {
  if (dialect.keywords?.has(keyword) === false) return false;
  if (keyword === "format")
    return typeof value === "string" && dialect.formats?.has(value) !== false;
  if (keyword === "pattern") return typeof value === "string" && !LOOKS_AROUND.test(value);
  const { minItems } = dialect.limits;
  return keyword !== "minItems" || minItems === undefined || Number(value) <= minItems;
}

function annotationsOf({ title, description }: JsonObject): JsonObject {
  return {
    ...(typeof title === "string" ? { title } : {}),
    ...(typeof description === "string" ? { description } : {}),
  };
}

function describedBy(said: JsonObject, told: readonly string[]): JsonObject {
  if (told.length === 0) return said;
  const { description } = said;
  const rules = `(${told.join("; ")})`;
  return {
    ...said,
    description: typeof description === "string" ? `${description} ${rules}` : rules,
  };
}

function closed(keyword: string, path: string, dialect: SchemaDialect): InputError {
  return refused(
    keyword,
    path,
    dialect,
    "whose objects hold named properties only; ask for a list of { name, value } objects instead",
  );
}

function refused(keyword: string, path: string, dialect: SchemaDialect, why: string): InputError {
  return unsupportedSchema(path, keyword, `does not fit ${dialect.name}, ${why}`);
}
