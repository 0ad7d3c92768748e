import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { plainSchema, takesNull, withNull } from "../../src/core/schema.ts";

describe("plainSchema", () => {
  it("writes references out where they stand, as often as they are made", () => {
    const part = { type: "object", properties: { "a/b": { type: "string" } } };
    expect(
      plainSchema({
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties: {
          x: { $ref: "#/$defs/P" },
          y: { $ref: "#/$defs/P", description: "another" },
          z: { $ref: "#/$defs/P/properties/a~1b" },
        },
        $defs: { P: part },
      }),
    ).toEqual({
      type: "object",
      properties: { x: part, y: { ...part, description: "another" }, z: { type: "string" } },
    });
  });

  it.each<[string, object, string]>([
    ["the root", { type: "object", properties: { a: { $ref: "#" } } }, "#/properties/a"],
    [
      "itself through another",
      {
        type: "array",
        items: { $ref: "#/$defs/A" },
        $defs: {
          A: { type: "object", properties: { b: { $ref: "#/$defs/B" } } },
          B: { type: "object", properties: { a: { $ref: "#/$defs/A" } } },
        },
      },
      "#/items/properties/b/properties/a",
    ],
    ["itself at once", { $ref: "#/$defs/A", $defs: { A: { $ref: "#/$defs/A" } } }, "#"],
  ])("refuses a schema that holds %s, with the path", (_what, schema, path) => {
    expect(() => plainSchema(schema)).toThrow(
      expect.objectContaining({
        code: "schema_unsupported",
        message: expect.stringContaining(`$ref at ${path} contains itself`) as string,
      }),
    );
  });

  it("refuses a schema that doubles with each reference", () => {
    const $defs: Record<string, unknown> = { D0: { type: "string" } };
    for (let at = 1; at <= 30; at++)
      $defs[`D${String(at)}`] = {
        type: "object",
        properties: {
          l: { $ref: `#/$defs/D${String(at - 1)}` },
          r: { $ref: `#/$defs/D${String(at - 1)}` },
        },
      };
    expect(() => plainSchema({ $ref: "#/$defs/D30", $defs })).toThrow("far too large");
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["a list", []],
    ["a reference to nothing", { $ref: "#/$defs/A" }],
    ["a reference elsewhere", { $ref: "https://example.org/schema" }],
    ["a property that is no schema", { properties: { a: "string" } }],
    ["properties that are a list", { properties: [] }],
    ["branches that are no list", { anyOf: {} }],
  ])("refuses %s", (_what, schema) => {
    expect(() => plainSchema(schema)).toThrow(expect.objectContaining({ code: "schema_invalid" }));
  });

  it("says the type that follows from the rest", () => {
    expect(plainSchema({ enum: ["a", "b"] })).toEqual({ type: "string", enum: ["a", "b"] });
    expect(plainSchema({ enum: ["a", null] })).toEqual({
      type: ["string", "null"],
      enum: ["a", null],
    });
    expect(plainSchema({ const: 3 })).toEqual({ type: "integer", const: 3 });
    expect(plainSchema({ properties: { a: true } })).toEqual({
      type: "object",
      properties: { a: {} },
    });
    expect(plainSchema({ items: { type: ["string"] } })).toEqual({
      type: "array",
      items: { type: "string" },
    });
    expect(plainSchema({ description: "anything" })).toEqual({ description: "anything" });
  });

  it("brings older ways of writing to today's", () => {
    expect(plainSchema({ type: "string", nullable: true })).toEqual({ type: ["string", "null"] });
    expect(plainSchema({ items: [{ type: "string" }, { type: "number" }] })).toEqual({
      type: "array",
      prefixItems: [{ type: "string" }, { type: "number" }],
    });
    expect(
      plainSchema({ $ref: "#/definitions/A", definitions: { A: { type: "boolean" } } }),
    ).toEqual({ type: "boolean" });
  });

  it("merges schemas that must all hold where one schema says the same, and only there", () => {
    const a = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    const b = { type: "object", properties: { b: { type: "number" } }, required: ["b"] };
    expect(plainSchema({ allOf: [a, b] })).toEqual({
      type: "object",
      properties: { a: { type: "string" }, b: { type: "number" } },
      required: ["a", "b"],
    });
    expect(plainSchema({ description: "said", allOf: [a] })).toEqual({ ...a, description: "said" });
    const closed = { ...b, additionalProperties: false };
    expect(plainSchema({ allOf: [a, closed] })).toHaveProperty("allOf");
    const other = { type: "object", properties: { a: { type: "number" } } };
    expect(plainSchema({ allOf: [a, other] })).toHaveProperty("allOf");
    expect(
      plainSchema({
        allOf: [
          { type: "string", minLength: 1 },
          { type: "string", minLength: 2 },
        ],
      }),
    ).toHaveProperty("allOf");
  });

  it("gives what it gave, when it is given that", () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const once = plainSchema({ ...schema, $defs: { D: { type: "number" } } });
        expect(plainSchema(once)).toEqual(once);
      }),
    );
  });

  it("never throws anything but InputError", () => {
    fc.assert(
      fc.property(fc.anything(), (schema) => {
        try {
          plainSchema(schema);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });
});

const { schema: schemas } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(
      { type: "string" },
      { enum: ["a", null] },
      { type: ["integer", "null"], minimum: 1 },
      { const: "x" },
      { type: "boolean", nullable: true },
      { $ref: "#/$defs/D" },
    ),
    tie("schema").map((items) => ({ type: "array", items })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 2 }).map((allOf) => ({ allOf })),
    fc.array(tie("schema"), { minLength: 1, maxLength: 2 }).map((anyOf) => ({ anyOf })),
    fc
      .dictionary(fc.string(), tie("schema"), { maxKeys: 3 })
      .map((properties) => ({ properties, required: Object.keys(properties).slice(0, 1) })),
  ),
}));

describe("withNull", () => {
  it.each<[string, object, object]>([
    ["a type", { type: "string" }, { type: ["string", "null"] }],
    ["types", { type: ["string", "number"] }, { type: ["string", "number", "null"] }],
    [
      "an enum",
      { type: "string", enum: ["a"], description: "d" },
      { type: ["string", "null"], enum: ["a", null], description: "d" },
    ],
    [
      "a fixed value",
      { type: "string", const: "a", description: "d" },
      { anyOf: [{ type: "string", const: "a" }, { type: "null" }], description: "d" },
    ],
    [
      "branches",
      { anyOf: [{ type: "string" }, { type: "number" }] },
      { anyOf: [{ type: "string" }, { type: "number" }, { type: "null" }] },
    ],
    ["what takes null already", { type: ["string", "null"] }, { type: ["string", "null"] }],
    ["what takes anything", {}, {}],
  ])("permits null besides %s", (_what, schema, nullable) => {
    const made = withNull(schema as Parameters<typeof withNull>[0]);
    expect(made).toEqual(nullable);
    expect(takesNull(made)).toBe(true);
  });
});
