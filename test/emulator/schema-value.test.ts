import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { answerSchema } from "../../src/core/form.ts";
import type { JsonObject } from "../../src/core/hash.ts";
import {
  ANTHROPIC_SCHEMA_DIALECT,
  GEMINI_SCHEMA_DIALECT,
  GGUF_SCHEMA_DIALECT,
  OPENAI_SCHEMA_DIALECT,
  PROMPT_SCHEMA_DIALECT,
} from "../../src/core/schema-dialect.ts";
import { schemaValue } from "../../src/emulator/schema-value.ts";
import { answerForm } from "../../src/output/form.ts";
import { schemaValidator } from "../../src/output/json-schema.ts";
import { typedValues } from "../output/typed-values.ts";

const seeds = fc.integer();

const DIALECTS = [
  ...[OPENAI_SCHEMA_DIALECT, ANTHROPIC_SCHEMA_DIALECT, GEMINI_SCHEMA_DIALECT],
  ...[GGUF_SCHEMA_DIALECT, PROMPT_SCHEMA_DIALECT],
];

const formatted = (format: string): [string, JsonObject] => [
  `the format ${format}`,
  { type: "string", format },
];

/** Checks that the value drawn from `schema` passes `holds`, for many seeds. */
function always(schema: unknown, holds: (value: unknown) => boolean): void {
  fc.assert(fc.property(seeds, (seed) => holds(schemaValue(schema, seed))));
}

describe("schemaValue", () => {
  it("draws enums and constants from what they list", () => {
    always({ enum: ["a", "b", 3] }, (value) => ["a", "b", 3].includes(value as string));
    const drawn = new Set(
      Array.from({ length: 50 }, (_, seed) => schemaValue({ enum: [1, 2] }, seed)),
    );
    expect(drawn).toEqual(new Set([1, 2]));
    expect(schemaValue({ const: { x: 1 } }, 5)).toEqual({ x: 1 });
  });

  it("keeps numbers within their bounds and whole when they must be", () => {
    const bounds = fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.nat(50));
    fc.assert(
      fc.property(seeds, bounds, (seed, [minimum, width]) => {
        const maximum = minimum + width;
        const whole = schemaValue({ type: "integer", minimum, maximum }, seed) as number;
        const real = schemaValue({ type: "number", minimum, maximum }, seed) as number;
        expect(Number.isInteger(whole)).toBe(true);
        expect(Math.min(whole, real)).toBeGreaterThanOrEqual(minimum);
        expect(Math.max(whole, real)).toBeLessThanOrEqual(maximum);
      }),
    );
    always(
      { type: "integer", exclusiveMinimum: 2, exclusiveMaximum: 5 },
      (value) => value === 3 || value === 4,
    );
    always({ type: "integer", multipleOf: 5, minimum: 1, maximum: 9 }, (value) => value === 5);
    always({ type: "integer", maximum: -7 }, (value) => Number(value) <= -7);
  });

  it("keeps texts and lists within their lengths", () => {
    always({ type: "string", minLength: 30 }, (value) => String(value).length >= 30);
    always({ type: "string", maxLength: 3 }, (value) => String(value).length <= 3);
    const numbers = { type: "array", items: { type: "integer" }, minItems: 2, maxItems: 4 };
    always(numbers, (value) => {
      const list = value as readonly unknown[];
      return list.length >= 2 && list.length <= 4 && list.every(Number.isInteger);
    });
    const pair = { type: "array", prefixItems: [{ const: "a" }, { const: "b" }], items: false };
    always({ ...pair, maxItems: 2 }, (value) => JSON.stringify(value) === '["a","b"]');
  });

  it("fills nested objects, references and unions", () => {
    const schema = {
      type: "object",
      properties: {
        label: { enum: ["yes", "no"] },
        inner: { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] },
        unit: { $ref: "#/$defs/unit" },
        both: {
          allOf: [
            { $ref: "#/$defs/unit" },
            { properties: { extra: { const: 1 } }, required: ["name", "extra"] },
          ],
        },
        maybe: { type: ["string", "null"] },
        either: { anyOf: [{ type: "integer" }, { type: "null" }] },
      },
      required: ["label", "inner", "unit", "both", "maybe", "either"],
      $defs: {
        unit: { type: "object", properties: { name: { const: "kg" } }, required: ["name"] },
      },
    };
    always(schema, (value) => {
      const { label, inner, unit, both, maybe, either } = value as Record<string, unknown>;
      expect(["yes", "no"]).toContain(label);
      expect([{ ok: true }, { ok: false }]).toContainEqual(inner);
      expect(unit).toEqual({ name: "kg" });
      expect(both).toEqual({ name: "kg", extra: 1 });
      expect(maybe === null || typeof maybe === "string").toBe(true);
      return either === null || Number.isInteger(either);
    });
  });

  it("ends for a schema that refers to itself", () => {
    const schema = {
      $ref: "#/$defs/node",
      $defs: {
        node: {
          type: "object",
          properties: {
            name: { type: "string" },
            children: { type: "array", items: { $ref: "#/$defs/node" } },
          },
          required: ["name", "children"],
        },
      },
    };
    always(schema, (value) => typeof (value as { name: unknown }).name === "string");
  });

  it("leaves optional members out now and then, and never a required one", () => {
    const schema = {
      type: "object",
      properties: { a: { type: "boolean" }, b: { type: "boolean" } },
      required: ["a"],
    };
    const drawn = Array.from({ length: 40 }, (_, seed) =>
      Object.keys(schemaValue(schema, seed) as object).join(),
    );
    expect(new Set(drawn)).toEqual(new Set(["a", "a,b"]));
  });

  it.each<[string, JsonObject]>([
    ["a pattern", { type: "string", pattern: "^[A-Z]{2}\\d+$", minLength: 4, maxLength: 5 }],
    ["lengths", { type: "string", minLength: 20, maxLength: 21 }],
    ["a number's steps", { type: "number", multipleOf: 0.01, minimum: 0.05, maximum: 0.3 }],
    ["open bounds", { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 0.001 }],
    ["a map", { type: "object", additionalProperties: { type: "integer" }, minProperties: 2 }],
    ["a set", { type: "array", items: { enum: [1, 2, 3] }, uniqueItems: true, minItems: 3 }],
    ["a tuple", { type: "array", prefixItems: [{ type: "integer" }], items: false }],
    ["a nullable enum", { type: ["string", "null"], enum: ["x", null] }],
    ["a union", { anyOf: [{ type: "string", format: "uuid" }, { type: "null" }] }],
    [
      "lists of objects",
      {
        type: "array",
        minItems: 1,
        maxItems: 2,
        items: { type: "object", properties: { at: { type: "string", format: "date" } } },
      },
    ],
    ...["date", "date-time", "time", "duration", "email", "hostname"].map(formatted),
    ...["ipv4", "ipv6", "uri", "uuid"].map(formatted),
  ])("satisfies %s", async (_, schema) => {
    const check = await schemaValidator(schema);
    always(schema, (value) => "value" in (check(value) as object));
  });

  it("heeds the rules that a description says in words", async () => {
    const rules = [
      { type: "string", format: "date", pattern: "^20[0-9\\-]+$" },
      { type: "string", pattern: '^"\\d{2}"$' },
      { type: "string", minLength: 30 },
      { type: "number", minimum: -5.5, exclusiveMaximum: -5 },
      { type: "array", items: { type: "boolean" }, minItems: 5, maxItems: 6 },
    ];
    for (const rule of rules) {
      const { type, items, ...said } = rule as JsonObject;
      const words = Object.entries(said).map(
        ([name, value]) => `${name}: ${JSON.stringify(value)}`,
      );
      const told = {
        type,
        ...(items === undefined ? {} : { items }),
        description: `What it is (${words.join("; ")})`,
      };
      const check = await schemaValidator(rule);
      always(told, (value) => "value" in (check(value) as object));
    }
  });

  it("satisfies any schema, in whatever dialect it is sent", async () => {
    await fc.assert(
      fc.asyncProperty(typedValues, seeds, async ({ typed }, seed) => {
        const form = answerForm({ jsonSchema: typed.schema }, "m");
        for (const dialect of DIALECTS) {
          const schema = answerSchema(form, dialect) ?? {};
          const drawn = schemaValue(schema, seed);
          expect(await (await schemaValidator(schema))(drawn)).toEqual({ value: drawn });
        }
      }),
      { numRuns: 20 },
    );
  });

  it("gives the same value for the same seed", () => {
    const schema = { type: "array", items: { type: "number" }, minItems: 5 };
    expect(schemaValue(schema, 9)).toEqual(schemaValue(schema, 9));
    expect(schemaValue(schema, 9)).not.toEqual(schemaValue(schema, 10));
  });
});
