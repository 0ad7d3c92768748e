/** The JSON Schemas that Anthropic's structured output takes: of an output format, and of strict tools. */
import { badRequest, type AnthropicFailure } from "./anthropic-errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

// Source: the guide to structured outputs, and what the official client takes out of schemas.
const UNSUPPORTED = (
  "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength maxItems " +
  "uniqueItems contains prefixItems minProperties maxProperties propertyNames patternProperties " +
  "not if then else dependentRequired dependentSchemas oneOf"
).split(" ");
const FORMATS: ReadonlySet<unknown> = new Set(
  "date-time time date duration email hostname uri ipv4 ipv6 uuid".split(" "),
);
const MOST_STRICT_TOOLS = 20;
const MOST_OPTIONAL = 24;
const MOST_UNIONS = 16;

/** Why an `output_config.format` is refused, or null. */
export function refusalOfFormat(format: JsonObject): AnthropicFailure | null {
  const where = "output_config.format";
  if (format["type"] !== "json_schema")
    return badRequest(`${where}.type: Input should be 'json_schema'`);
  const { schema } = format;
  if (!isJsonObject(schema)) return badRequest(`${where}.schema: Field required`);
  const problem = problemOf(schema) ?? problemOfSize([schema]);
  return problem === null ? null : badRequest(`${where}.schema: ${problem}`);
}

/** Why the tools that say `strict: true` are refused, or null. */
export function refusalOfStrictTools(tools: unknown): AnthropicFailure | null {
  const listed: readonly unknown[] = Array.isArray(tools) ? tools : [];
  const strict = listed.filter(isJsonObject).filter((tool) => tool["strict"] === true);
  if (strict.length > MOST_STRICT_TOOLS)
    return badRequest(
      `tools: Too many strict tools (${String(strict.length)}). The maximum is ${String(MOST_STRICT_TOOLS)}.`,
    );
  const schemas = strict.map((tool) => tool["input_schema"]);
  const problem = schemas.map(problemOf).find((found) => found !== null) ?? problemOfSize(schemas);
  return problem === null ? null : badRequest(`tools: ${problem}`);
}

function problemOf(schema: unknown): string | null {
  if (!isJsonObject(schema)) return null;
  const { type, minItems, format } = schema;
  const isObject = type === "object" || (Array.isArray(type) && type.includes("object"));
  if (isObject && schema["additionalProperties"] !== false)
    return "For 'object' type, 'additionalProperties' must be explicitly set to false";
  const odd = UNSUPPORTED.find((name) => schema[name] !== undefined);
  if (odd !== undefined) return `For '${String(type)}' type, property '${odd}' is not supported`;
  if (minItems !== undefined && minItems !== 0 && minItems !== 1)
    return "For 'array' type, 'minItems' values other than 0 or 1 are not supported";
  if (format !== undefined && !FORMATS.has(format))
    return `For 'string' type, format ${JSON.stringify(format)} is not supported`;
  return (
    partsOf(schema)
      .map(problemOf)
      .find((found) => found !== null) ?? null
  );
}

/** The limits hold for all schemas of a request together. */
function problemOfSize(schemas: readonly unknown[]): string | null {
  const count = (one: (schema: JsonObject) => number): number => {
    const counted = (schema: unknown): number =>
      isJsonObject(schema)
        ? one(schema) + partsOf(schema).reduce<number>((sum, part) => sum + counted(part), 0)
        : 0;
    return schemas.reduce<number>((sum, schema) => sum + counted(schema), 0);
  };
  const optional = count(optionalOf);
  const unions = count((schema) => Number(Array.isArray(schema["type"]) || "anyOf" in schema));
  if (optional > MOST_OPTIONAL)
    return `Schemas contains too many optional parameters (${String(optional)}), which would make grammar compilation inefficient. The limit is ${String(MOST_OPTIONAL)}.`;
  if (unions <= MOST_UNIONS) return null;
  return `Schemas contains too many parameters with union types (${String(unions)} parameters with type arrays or anyOf). The limit is ${String(MOST_UNIONS)}.`;
}

function optionalOf({ properties, required }: JsonObject): number {
  const needed = new Set<unknown>(Array.isArray(required) ? required : []);
  const names = isJsonObject(properties) ? Object.keys(properties) : [];
  return names.filter((name) => !needed.has(name)).length;
}

/** The schemas directly inside one. */
function partsOf(schema: JsonObject): readonly unknown[] {
  const maps = [schema["properties"], schema["$defs"], schema["definitions"]];
  const lists = [schema["anyOf"], schema["allOf"]];
  return [
    ...maps.filter(isJsonObject).flatMap((map) => Object.values(map)),
    ...lists.filter((list): list is unknown[] => Array.isArray(list)).flat(),
    schema["items"],
  ];
}
