/** The part of JSON Schema that Gemini's `responseJsonSchema` takes. */
import { isJsonObject, type JsonObject } from "./json.ts";

// Source: what the types of Google's SDK say of the member.
const KEYWORDS = new Set(
  (
    "$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems " +
    "minimum maximum anyOf oneOf properties additionalProperties required propertyOrdering"
  ).split(" "),
);

/** What is wrong with a schema, in words, or null. Only what follows from its keywords is looked at. */
export function jsonSchemaProblem(schema: unknown): string | null {
  if (!isJsonObject(schema)) return null;
  const names = Object.keys(schema);
  const odd = names.find((name) => !KEYWORDS.has(name));
  if (odd !== undefined) return `unknown keyword "${odd}".`;
  if ("$ref" in schema && names.some((name) => !name.startsWith("$")))
    return `a schema with "$ref" may hold no other keyword.`;
  const problems = partsOf(schema).map(jsonSchemaProblem);
  return problems.find((problem) => problem !== null) ?? null;
}

/** The schemas directly inside one. */
function partsOf(schema: JsonObject): readonly unknown[] {
  const maps = [schema["properties"], schema["$defs"]].filter(isJsonObject);
  const lists = [schema["anyOf"], schema["oneOf"], schema["prefixItems"]];
  return [
    ...maps.flatMap((map) => Object.values(map)),
    ...lists.filter((list): list is unknown[] => Array.isArray(list)).flat(),
    schema["items"],
    schema["additionalProperties"],
  ];
}
