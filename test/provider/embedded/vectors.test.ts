import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import { centred, dot, unitSum } from "../../../src/provider/embedded/vectors.ts";

const vectors = fc
  .array(fc.integer({ min: -9, max: 9 }), { minLength: 3, maxLength: 3 })
  .map((values) => Float32Array.from(values));

describe("dot", () => {
  it("sums products", () => {
    expect(dot(Float32Array.of(1, 2, 3), Float32Array.of(4, -5, 6))).toBe(12);
  });
});

describe("centred", () => {
  it("points from the centre to the vector, with length 1", () => {
    const seen = centred(Float32Array.of(4, 6, 0), [1, 2, 0]);
    expect([...seen].map((value) => value.toFixed(4))).toEqual(["0.6000", "0.8000", "0.0000"]);
  });

  it("gives length 1, or zeros at the centre, and leaves its argument alone", () => {
    fc.assert(
      fc.property(vectors, vectors, (vector, centre) => {
        const before = [...vector];
        const seen = centred(vector, [...centre]);
        const same = vector.every((value, at) => value === centre[at]);
        expect(dot(seen, seen)).toBeCloseTo(same ? 0 : 1, 5);
        expect([...vector]).toEqual(before);
      }),
    );
  });
});

describe("unitSum", () => {
  it("lies between what it sums", () => {
    const sum = unitSum([Float32Array.of(3, 0), Float32Array.of(0, 4)]);
    expect([...sum].map((value) => value.toFixed(4))).toEqual(["0.6000", "0.8000"]);
    expect(unitSum([])).toHaveLength(0);
  });
});
