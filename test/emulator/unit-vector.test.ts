import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { base64OfFloats, unitVector } from "../../src/emulator/unit-vector.ts";

describe("unitVector", () => {
  it("has length 1, the dimensions asked for, and follows from the text", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 300 }), (text, dimensions) => {
        const vector = unitVector(text, dimensions);
        const length = Math.hypot(...vector);
        expect(vector).toHaveLength(dimensions);
        expect(length).toBeCloseTo(1, 5);
        expect(unitVector(text, dimensions)).toEqual(vector);
      }),
    );
    expect(unitVector("a", 8)).not.toEqual(unitVector("b", 8));
  });
});

describe("base64OfFloats", () => {
  it("is read back as little-endian 32-bit floats", () => {
    const bytes = Buffer.from(base64OfFloats([0.5, -2]), "base64");
    expect([bytes.readFloatLE(0), bytes.readFloatLE(4), bytes.length]).toEqual([0.5, -2, 8]);
  });
});
