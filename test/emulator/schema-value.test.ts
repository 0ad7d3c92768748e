import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { schemaValue } from "../../src/emulator/schema-value.ts";

const seeds = fc.integer();

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
        both: { allOf: [{ $ref: "#/$defs/unit" }, { properties: { extra: { const: 1 } } }] },
        maybe: { type: ["string", "null"] },
        either: { anyOf: [{ type: "integer" }, { type: "null" }] },
      },
      required: ["label", "inner", "unit", "both", "maybe", "either"],
      $defs: { unit: { type: "object", properties: { name: { const: "kg" } } } },
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

  it("gives the same value for the same seed", () => {
    const schema = { type: "array", items: { type: "number" }, minItems: 5 };
    expect(schemaValue(schema, 9)).toEqual(schemaValue(schema, 9));
    expect(schemaValue(schema, 9)).not.toEqual(schemaValue(schema, 10));
  });
});
