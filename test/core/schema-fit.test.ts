import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/hash.ts";
import { plainSchema } from "../../src/core/schema.ts";
import {
  ANTHROPIC_SCHEMA_DIALECT,
  COMMON_DIALECT,
  GEMINI_SCHEMA_DIALECT,
  HOST_SCHEMA_DIALECT,
  OPENAI_SCHEMA_DIALECT,
  PROMPT_SCHEMA_DIALECT,
  VERTEX_SCHEMA_DIALECT,
  type SchemaDialect,
} from "../../src/core/schema-dialect.ts";
import { fitSchema, type FittedSchema } from "../../src/core/schema-fit.ts";

const fit = (schema: object, dialect: SchemaDialect): FittedSchema =>
  fitSchema(plainSchema(schema), dialect);

/** The schema of property `p` in an object that has only it, fitted. */
function property(schema: object, dialect: SchemaDialect): unknown {
  const whole = { type: "object", properties: { p: schema }, required: ["p"] };
  return (fit(whole, dialect).schema["properties"] as JsonObject)["p"];
}

const PERSON = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, description: "as written" },
    age: { type: "integer", minimum: 0, maximum: 9_007_199_254_740_991 },
    born: { type: "string", format: "date", pattern: "^(?:\\d{4})-(?!00)" },
    mail: { type: "string", format: "email" },
    side: { const: "left" },
  },
  required: ["name", "age", "born", "side"],
  default: {},
};

describe("fitSchema", () => {
  it("for openai requires every property, and moves what it cannot be told", () => {
    expect(fit(PERSON, OPENAI_SCHEMA_DIALECT)).toEqual({
      schema: {
        type: "object",
        properties: {
          name: { type: "string", description: "as written (minLength: 1)" },
          age: { type: "integer", minimum: 0 },
          born: {
            type: "string",
            format: "date",
            description: '(pattern: "^(?:\\\\d{4})-(?!00)")',
          },
          mail: { type: ["string", "null"], format: "email" },
          side: { type: "string", const: "left" },
        },
        required: ["name", "age", "born", "mail", "side"],
        additionalProperties: false,
      },
      moved: [
        { path: "#/properties/name", keyword: "minLength" },
        { path: "#/properties/born", keyword: "pattern" },
      ],
    });
  });

  it("for anthropic keeps optional properties and has no bounds", () => {
    const { schema, moved } = fit(PERSON, ANTHROPIC_SCHEMA_DIALECT);
    expect(schema).toMatchObject({
      properties: {
        age: { type: "integer", description: "(minimum: 0)" },
        mail: { type: "string" },
      },
      required: ["name", "age", "born", "side"],
      additionalProperties: false,
    });
    expect(moved.map(({ keyword }) => keyword)).toEqual(["minLength", "minimum", "pattern"]);
  });

  it("for gemini keeps bounds, writes a fixed value as an enum and leaves objects open", () => {
    const { schema } = fit(PERSON, GEMINI_SCHEMA_DIALECT);
    expect(schema).not.toHaveProperty("additionalProperties");
    expect(schema).toMatchObject({
      properties: { age: { minimum: 0 }, side: { type: "string", enum: ["left"] } },
    });
    expect((schema["properties"] as JsonObject)["mail"]).toEqual({
      type: "string",
      description: '(format: "email")',
    });
  });

  it("for hosts without a subset of their own says types only", () => {
    expect(property({ type: "string", format: "date" }, HOST_SCHEMA_DIALECT)).toEqual({
      type: "string",
      description: '(format: "date")',
    });
  });

  it("tells short rules in words, and longer ones nowhere", () => {
    const pattern = `^${"[a-z]".repeat(15)}$`;
    expect(property({ type: "string", pattern }, HOST_SCHEMA_DIALECT)).toEqual({
      type: "string",
      description: `(pattern: ${JSON.stringify(pattern)})`,
    });
    const longer = { type: "string", pattern: `${pattern}|${pattern}` };
    expect(property(longer, HOST_SCHEMA_DIALECT)).toEqual({ type: "string" });
  });

  it("in a prompt is the schema itself", () => {
    const schema = plainSchema({ ...PERSON, not: { required: ["x"] } });
    expect(fitSchema(schema, PROMPT_SCHEMA_DIALECT)).toEqual({ schema, moved: [] });
  });

  it("for vertex has one type in each place, and neither $ nor deep nesting", () => {
    const nullable = { type: ["string", "null"], enum: ["a", null], description: "d" };
    expect(property(nullable, VERTEX_SCHEMA_DIALECT)).toEqual({
      anyOf: [{ type: "string", enum: ["a"] }, { type: "null" }],
      description: "d",
    });
    const text = JSON.stringify(fit(PERSON, VERTEX_SCHEMA_DIALECT).schema);
    expect(text).not.toMatch(/\$|"type":\[|\{\}/);
    const named = { type: "object", properties: { "a b": { type: "string" } } };
    expect(() => fit(named, VERTEX_SCHEMA_DIALECT)).toThrow("#/properties/a b");
    const deep = Array.from({ length: 7 }).reduce<object>(
      (inner) => ({ type: "object", properties: { a: inner }, required: ["a"] }),
      { type: "string" },
    );
    expect(() => fit(deep, VERTEX_SCHEMA_DIALECT)).toThrow("levels of nesting");
    expect(fit(deep, OPENAI_SCHEMA_DIALECT).moved).toEqual([]);
  });

  it("writes one of several branches as any of them, and says so", () => {
    const branch = (kind: string): object => ({
      type: "object",
      properties: { kind: { const: kind } },
      required: ["kind"],
    });
    const { schema, moved } = fit(
      { type: "object", properties: { p: { oneOf: [branch("a"), branch("b")] } }, required: ["p"] },
      OPENAI_SCHEMA_DIALECT,
    );
    expect(schema).toMatchObject({
      properties: {
        p: { anyOf: [{ additionalProperties: false }, { additionalProperties: false }] },
      },
    });
    expect(moved).toEqual([{ path: "#/properties/p", keyword: "oneOf" }]);
  });

  it("tells of a tuple what all its places may be", () => {
    const pair = { type: "array", prefixItems: [{ type: "string" }, { type: "number" }] };
    expect(property(pair, OPENAI_SCHEMA_DIALECT)).toEqual({
      type: "array",
      items: { anyOf: [{ type: "string" }, { type: "number" }] },
    });
    expect(property(pair, GEMINI_SCHEMA_DIALECT)).toEqual(pair);
  });

  it.each<[string, object, SchemaDialect, string, string]>([
    [
      "names of one's own choosing",
      { additionalProperties: { type: "number" } },
      OPENAI_SCHEMA_DIALECT,
      "additionalProperties",
      "#/properties/p",
    ],
    ["an object that says nothing", {}, ANTHROPIC_SCHEMA_DIALECT, "properties", "#/properties/p"],
    [
      "patterns of names",
      { patternProperties: { "^a": { type: "number" } } },
      COMMON_DIALECT,
      "patternProperties",
      "#/properties/p",
    ],
  ])("refuses %s where objects are closed", (_what, more, dialect, keyword, path) => {
    const inner = { type: "object", ...more };
    expect(() => property(inner, dialect)).toThrow(
      expect.objectContaining({
        code: "schema_unsupported",
        message: expect.stringContaining(`${keyword} at ${path}`) as string,
      }),
    );
    expect(property(inner, GEMINI_SCHEMA_DIALECT)).toMatchObject({ type: "object" });
  });

  it.each([
    ["anything at all", {}, "type at #/properties/p"],
    ["a list of anything", { type: "array" }, "items at #/properties/p"],
    ["a list of anything, inside", { type: "array", items: {} }, "type at #/properties/p/items"],
    [
      "what cannot be merged",
      { allOf: [{ type: "string" }, { type: "number" }] },
      "allOf at #/properties/p",
    ],
  ])("refuses %s, naming the place", (_what, schema, where) => {
    expect(() => property(schema, OPENAI_SCHEMA_DIALECT)).toThrow(where);
  });

  it.each<[string, number, object, SchemaDialect]>([
    ["optional properties", 25, { type: "string" }, ANTHROPIC_SCHEMA_DIALECT],
    ["parts with several types", 17, { type: ["string", "null"] }, ANTHROPIC_SCHEMA_DIALECT],
    ["properties", 5001, { type: "string" }, OPENAI_SCHEMA_DIALECT],
    ["enum values", 334, { type: "string", enum: ["a", "b", "c"] }, OPENAI_SCHEMA_DIALECT],
  ])("refuses more %s than there is room for", (what, count, part, dialect) => {
    const many = (size: number): object => ({
      type: "object",
      properties: Object.fromEntries(
        Array.from({ length: size }, (_, at) => [`p${String(at)}`, part]),
      ),
      required:
        what === "optional properties"
          ? []
          : Array.from({ length: size }, (_, at) => `p${String(at)}`),
    });
    expect(() => fit(many(count), dialect)).toThrow(what);
    expect(fit(many(count - 1), dialect).schema).toMatchObject({ type: "object" });
  });

  it("refuses objects in more levels than openai takes", () => {
    const nested = (levels: number): object =>
      Array.from({ length: levels }).reduce<object>(
        (inner) => ({ type: "object", properties: { a: inner }, required: ["a"] }),
        { type: "string" },
      );
    expect(() => fit(nested(11), OPENAI_SCHEMA_DIALECT)).toThrow("levels of objects");
    expect(fit(nested(10), OPENAI_SCHEMA_DIALECT).moved).toEqual([]);
  });
});
