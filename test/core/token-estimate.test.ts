import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  addEstimates,
  averageEstimate,
  NO_TOKENS,
  scaleEstimate,
  type TokenEstimate,
} from "../../src/core/token-estimate.ts";

const ONE: TokenEstimate = {
  inputTokens: 100,
  inputError: 0.1,
  outputTokens: { low: 1, expected: 10, high: 30 },
};

describe("token estimates", () => {
  it("add up, the uncertainty weighed by what it belongs to", () => {
    expect(addEstimates(ONE, { ...ONE, inputTokens: 300, inputError: 0.3 })).toEqual({
      inputTokens: 400,
      inputError: 0.25,
      outputTokens: { low: 2, expected: 20, high: 60 },
    });
    expect(addEstimates(NO_TOKENS, NO_TOKENS).inputError).toBe(0);
  });

  it("keep what lies in long prompts apart", () => {
    const long = { ...ONE, inputTokens: 90 };
    expect(addEstimates({ ...ONE, long }, ONE).long).toEqual(long);
    expect(averageEstimate({ ...ONE, long }, 10).long?.inputTokens).toBe(9);
  });

  it("are never less in pieces than whole, however they are divided", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.nat(100_000), fc.nat(100_000), (pieces, input, high) => {
        const requests = pieces.reduce((sum, piece) => sum + piece, 0);
        const whole = { ...ONE, inputTokens: input, outputTokens: { low: 0, expected: 1, high } };
        const each = averageEstimate(whole, requests);
        const sum = pieces
          .map((piece) => scaleEstimate(each, piece))
          .reduce(addEstimates, NO_TOKENS);
        // What floating point leaves behind is no token.
        expect(sum.inputTokens).toBeGreaterThan(input - 1e-6);
        expect(sum.outputTokens.high).toBeGreaterThan(high - 1e-6);
        expect(sum.inputTokens).toBeLessThanOrEqual(input + pieces.length + 1e-6);
      }),
    );
  });
});
