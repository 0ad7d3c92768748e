import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { atMost } from "../../src/core/hypergeometric.ts";

/** Binomial coefficients, exact. */
function choose(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let result = 1n;
  for (let at = 1; at <= k; at++) result = (result * BigInt(n - k + at)) / BigInt(at);
  return result;
}

const draws = fc.integer({ min: 1, max: 120 }).chain((total) =>
  fc.record({
    total: fc.constant(total),
    marked: fc.integer({ min: 0, max: total }),
    drawn: fc.integer({ min: 0, max: total }),
    most: fc.integer({ min: -1, max: total }),
  }),
);

describe("the probability of few among the drawn", () => {
  it("is what counting every draw gives", () => {
    fc.assert(
      fc.property(draws, ({ most, ...draw }) => {
        const { total, marked, drawn } = draw;
        let ways = 0n;
        for (let at = 0; at <= most; at++)
          ways += choose(marked, at) * choose(total - marked, drawn - at);
        const exact = Number((ways * 10n ** 15n) / choose(total, drawn)) / 1e15;
        expect(atMost(most, draw)).toBeCloseTo(exact, 9);
      }),
      { numRuns: 500 },
    );
  });

  it("holds for millions of rows, where it is nearly that of drawing with replacement", () => {
    const draw = { total: 10_000_000, marked: 500_000, drawn: 400 };
    let binomial = 0;
    let term = 0.95 ** 400;
    for (let at = 0; at <= 12; at++) {
      binomial += term;
      term *= ((400 - at) / (at + 1)) * (0.05 / 0.95);
    }
    expect(atMost(12, draw)).toBeCloseTo(binomial, 5);
    expect(atMost(0, { total: 10_000_000, marked: 9_999_999, drawn: 5000 })).toBe(0);
  });
});
