/** What each service's emulator says to schemas that its strict mode does not take. */

import { describe, expect, it } from "vitest";
import { refusalOfFormat, refusalOfStrictTools } from "../../src/emulator/anthropic-schema.ts";
import { jsonSchemaProblem } from "../../src/emulator/google-schema.ts";
import type { JsonObject } from "../../src/emulator/json.ts";
import { strictProblem } from "../../src/emulator/openai-strict-schema.ts";

/** A closed object of one required property. */
function closed(property: unknown, more: JsonObject = {}): JsonObject {
  const properties = { a: property };
  return { type: "object", properties, required: ["a"], additionalProperties: false, ...more };
}

const many = (count: number, of: JsonObject): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${String(at)}`, of]));

function nested(levels: number): JsonObject {
  let schema: JsonObject = { type: "string" };
  for (let level = 0; level < levels; level += 1) schema = closed(schema);
  return schema;
}

const TEXT = { type: "string" };

describe("OpenAI's strict mode", () => {
  it.each<[string, JsonObject]>([
    ["must have a 'type' key", closed({})],
    ["must have a 'type' key", closed({ enum: ["a"] })],
    ["array schema missing items", closed({ type: "array" })],
    ['"uri" is not a valid format', closed({ ...TEXT, format: "uri" })],
    ["must not look around", closed({ ...TEXT, pattern: "(?=a)b" })],
    ["'additionalProperties' is required", closed({ type: "object" })],
    ["'additionalProperties' is required", closed(TEXT, { additionalProperties: undefined })],
    ["Missing 'a'", closed(TEXT, { required: [] })],
    [`'type: "object"'`, closed(TEXT, { anyOf: [closed(TEXT)] })],
    ["11 levels", nested(11)],
    ["1001 enum values", closed({ ...TEXT, enum: Array(1001).fill("x") })],
    ["120001 characters", closed({ ...TEXT, enum: ["x".repeat(120_000)] })],
    [
      "5001 properties",
      closed(TEXT, { properties: many(5001, TEXT), required: Object.keys(many(5001, TEXT)) }),
    ],
  ])("says %j", (problem, schema) => {
    expect(strictProblem(schema)).toContain(problem);
  });

  it.each<JsonObject>([
    nested(10),
    closed({ $ref: "#/$defs/b" }, { $defs: { b: TEXT } }),
    closed({ anyOf: [TEXT, { type: "null" }] }),
    closed({ type: ["string", "null"], format: "date", enum: ["2026-01-01", null] }),
    closed({ type: "array", items: TEXT, minItems: 2, maxItems: 3 }),
    closed({ type: "number", minimum: 0, exclusiveMaximum: 1, multipleOf: 0.5 }),
  ])("takes %j", (schema) => {
    expect(strictProblem(schema)).toBeNull();
  });
});

describe("Anthropic's structured output", () => {
  const said = (schema: unknown): string | undefined =>
    refusalOfFormat({ type: "json_schema", schema })?.message;
  const optional = (count: number): JsonObject =>
    closed(TEXT, { properties: many(count, TEXT), required: [] });
  const unions = (count: number): JsonObject => {
    const properties = many(count, { type: ["string", "null"] });
    return closed(TEXT, { properties, required: Object.keys(properties) });
  };

  it.each<[string, JsonObject]>([
    [
      "'additionalProperties' must be explicitly set to false",
      closed({ type: ["object", "null"] }),
    ],
    ["'additionalProperties'", closed({ anyOf: [{ type: "object" }] })],
    ["'additionalProperties'", closed(TEXT, { $defs: { b: { type: "object" } } })],
    ["'maxLength' is not supported", closed({ type: "array", items: { ...TEXT, maxLength: 2 } })],
    ["'oneOf' is not supported", closed({ oneOf: [TEXT] })],
    ["'minItems'", closed({ type: "array", items: TEXT, minItems: 2 })],
    ['format "regex" is not supported', closed({ ...TEXT, format: "regex" })],
    ["too many optional parameters (25)", optional(25)],
    ["too many parameters with union types (17", unions(17)],
  ])("says %j", (problem, schema) => {
    expect(said(schema)).toContain(problem);
    const tools = [{ name: "a", input_schema: schema, strict: true }];
    expect(refusalOfStrictTools(tools)?.message).toContain(problem);
    expect(refusalOfStrictTools([{ ...tools[0], strict: false }])).toBeNull();
  });

  it("takes what is within its limits", () => {
    for (const schema of [
      optional(24),
      unions(16),
      closed({ ...TEXT, format: "uuid", const: "x" }),
    ])
      expect(said(schema)).toBeUndefined();
  });

  it("says what is no format at all", () => {
    expect(refusalOfFormat({ schema: closed(TEXT) })?.message).toContain("type");
    expect(refusalOfFormat({ type: "json_schema" })?.message).toContain("Field required");
  });

  it("takes 20 strict tools, whose optional parameters count together", () => {
    const tools = (count: number, schema: JsonObject): JsonObject[] =>
      Array.from({ length: count }, () => ({ name: "a", input_schema: schema, strict: true }));
    expect(refusalOfStrictTools(tools(20, closed(TEXT)))).toBeNull();
    expect(refusalOfStrictTools(tools(21, closed(TEXT)))?.message).toContain("21");
    expect(refusalOfStrictTools(tools(2, optional(13)))?.message).toContain("(26)");
  });
});

describe("Gemini's response schema", () => {
  it.each<[string, JsonObject]>([
    ['"const"', closed({ const: "a" })],
    ['"pattern"', closed({ type: "array", items: { ...TEXT, pattern: "a" } })],
    ['"minLength"', { $defs: { b: { ...TEXT, minLength: 1 } }, $ref: "#/$defs/b" }],
    ['"not"', closed({ anyOf: [{ not: TEXT }] })],
    ['"allOf"', closed(TEXT, { additionalProperties: { allOf: [TEXT] } })],
    ['"$ref"', closed({ $ref: "#/$defs/b", title: "B" })],
  ])("does not take %s", (keyword, schema) => {
    expect(jsonSchemaProblem(schema)).toContain(keyword);
  });

  it("takes the keywords it knows, and any name of a property", () => {
    const items = { type: "array", prefixItems: [TEXT], minItems: 1, maxItems: 2 };
    const numbers = { type: "integer", minimum: 0, maximum: 9, format: "int32" };
    const open = { title: "x", additionalProperties: true, propertyOrdering: ["a"] };
    for (const schema of [closed(items, open), closed(numbers), closed({ oneOf: [TEXT] })])
      expect(jsonSchemaProblem(schema)).toBeNull();
    expect(jsonSchemaProblem(closed(TEXT, { properties: { const: TEXT, not: TEXT } }))).toBeNull();
  });
});
