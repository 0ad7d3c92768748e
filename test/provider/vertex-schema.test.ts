import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import type { Json, JsonObject } from "../../src/core/hash.ts";
import { importBreach } from "../../src/provider/vertex-import.ts";
import { inlinedSchema } from "../../src/provider/vertex-schema.ts";

const inlined = (schema: Json): Json => inlinedSchema(schema, "schema");

function refusal(schema: Json): InputError {
  try {
    inlined(schema);
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error("Nothing was refused.");
}

describe("a schema for Vertex", () => {
  it("has every reference replaced by what it names, with what stands beside it", () => {
    const address = { type: "object", properties: { city: { $ref: "#/$defs/name" } } };
    const schema = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        home: { $ref: "#/$defs/address", description: "where" },
        work: { $ref: "#/definitions/old%20one/0" },
      },
      $defs: { address, name: { type: "string", $comment: "of a town" } },
      definitions: { "old one": [{ type: "integer" }] },
    };
    expect(inlined(schema)).toEqual({
      type: "object",
      properties: {
        home: {
          type: "object",
          properties: { city: { type: "string" } },
          description: "where",
        },
        work: { type: "integer" },
      },
    });
  });

  it("follows references in lists, items and alternatives, and escaped ones", () => {
    const schema = {
      anyOf: [{ $ref: "#/$defs/a~1b" }, { type: "array", items: { $ref: "#/$defs/a~1b" } }],
      $defs: { "a/b": { type: "number" } },
    };
    expect(inlined(schema)).toEqual({
      anyOf: [{ type: "number" }, { type: "array", items: { type: "number" } }],
    });
  });

  it("keeps a property that is called like a keyword", () => {
    const schema = {
      type: "object",
      properties: { default: { type: "string" }, type: { type: "string" } },
      required: ["default"],
      additionalProperties: false,
    };
    expect(inlined(schema)).toEqual(schema);
  });

  it("loses what binds nobody: defaults, examples, and objects that say nothing", () => {
    const schema = {
      type: "object",
      default: 1,
      examples: [1, "a"],
      properties: {},
      items: {},
      additionalProperties: {},
      contains: true,
    };
    expect(inlined(schema)).toEqual({ type: "object" });
  });

  it("has one type in one place: several become alternatives", () => {
    const schema = { type: ["string", "null"], description: "d", enum: ["a", null] };
    expect(inlined(schema)).toEqual({
      description: "d",
      anyOf: [{ type: "string", enum: ["a"] }, { type: "null" }],
    });
    expect(inlined({ type: ["string"], minLength: 1 })).toEqual({ type: "string", minLength: 1 });
  });

  it.each<[string, Json, string]>([
    [
      "contains itself",
      { type: "object", properties: { a: { $ref: "#" } } },
      "schema.properties.a",
    ],
    [
      "contains itself by way of another",
      {
        $ref: "#/$defs/a",
        $defs: { a: { type: "array", items: { $ref: "#/$defs/b" } }, b: { $ref: "#/$defs/a" } },
      },
      "schema.items",
    ],
    ["leads nowhere", { items: { $ref: "#/$defs/none" } }, "schema.items"],
    ["leads elsewhere", { items: { $ref: "https://example.org/a" } }, "schema.items"],
    ["leads to what all objects have", { items: { $ref: "#/toString" } }, "schema.items"],
    ["has a blank in a name", { properties: { "a b": { type: "string" } } }, "properties.a b"],
    ["has a $ in a name", { properties: { $a: { type: "string" } } }, "properties.$a"],
    ["permits anything", { properties: { a: {} } }, "schema.properties.a"],
    ["permits anything in a list", { anyOf: [{ type: "string" }, true] }, "schema.anyOf[1]"],
  ])("is refused where it %s", (_, schema, path) => {
    const error = refusal(schema);
    expect(error.code).toBe("schema_unsupported");
    expect(error.message).toContain(path);
  });

  const leaf = fc.constantFrom<Json>(
    { type: "string" },
    { type: ["number", "null"] },
    { $ref: "#/$defs/d" },
    { type: "string", enum: ["a", "b"], default: "a" },
  );
  const schemas: fc.Arbitrary<Json> = fc.letrec<{ schema: Json }>((tie) => ({
    schema: fc.oneof(
      { depthSize: "small", maxDepth: 3 },
      leaf,
      fc.record({ type: fc.constant("array"), items: tie("schema") }),
      fc
        .dictionary(fc.constantFrom("a", "b", "c"), tie("schema"), { maxKeys: 3 })
        .map((properties) => ({ type: "object", properties, additionalProperties: false })),
    ),
  })).schema;

  it("holds nothing that the importer refuses, and inlining it again changes nothing", () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        const root = { type: "object", properties: { it: schema }, $defs: { d: { type: "null" } } };
        const fitted = inlined(root);
        expect(importBreach({ schema: fitted })).toBeNull();
        expect(inlined(fitted)).toEqual(fitted);
      }),
    );
  });
});

describe("the importer's rules", () => {
  const nested = (depth: number): JsonObject => (depth === 0 ? { a: 1 } : { a: nested(depth - 1) });

  it.each<[string, JsonObject, string | null]>([
    ["a row as it should be", { a: { b: [{ c: 1 }, { d: "x" }, { c: 2.5 }] }, e: null }, null],
    ["a name with $", { a: { $ref: "x" } }, "a.$ref"],
    ["a name with a blank", { "a b": 1 }, "a b"],
    ["an empty object", { a: [{ b: {} }] }, "a[].b"],
    ["two types in one place", { a: [{ b: 1 }, { b: "1" }] }, "a[].b"],
    ["an object where a truth value stands", { a: [{ b: false }, { b: { c: 1 } }] }, "a[].b"],
    ["a list where none stands", { a: [{ b: [1] }, { b: 1 }] }, "a[].b"],
    ["nothing where something stands", { a: [{ b: null }, { b: 1 }] }, null],
    ["fifteen objects in one another", nested(14), null],
    ["sixteen objects in one another", nested(15), Array(15).fill("a").join(".")],
  ])("judge %s", (_, row, path) => {
    expect(importBreach(row)?.path ?? null).toBe(path);
  });
});
