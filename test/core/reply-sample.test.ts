import { describe, expect, it } from "vitest";
import { replySample } from "../../src/core/reply-sample.ts";
import { NO_USAGE } from "../../src/core/usage.ts";

const usage = (inputTokens: number, outputTokens: number): typeof NO_USAGE => ({
  ...NO_USAGE,
  inputTokens,
  outputTokens,
});

/** Deterministic numbers from 0 to 1, evenly spread. */
function draws(seed: number): () => number {
  let state = seed * 2654435761 + 1;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 0x9e3779b9) >>> 0;
    return ((state ^ (state >>> 13)) >>> 0) / 2 ** 32;
  };
}

describe("a sample of replies", () => {
  it("says nothing while it is too small", () => {
    const sample = replySample();
    for (let reply = 0; reply < 4; reply++) sample.add(100, usage(25, 10));
    expect(sample.output({ requests: 10, units: 1000 })).toBeNull();
    expect(sample.input({ perRequest: 0, perUnit: 0.25 })).toBeNull();
    sample.add(100, usage(25, 10));
    expect(sample.output({ requests: 10, units: 1000 })?.expected).toBe(100);
    expect(sample.size()).toBe(5);
  });

  it("tells by how much prompts come to more than they were thought to", () => {
    const sample = replySample();
    for (let reply = 0; reply < 20; reply++) sample.add(100 + reply, usage(2 * (100 + reply), 1));
    const input = sample.input({ perRequest: 0, perUnit: 1 });
    expect(input?.factor).toBeCloseTo(2);
    expect(input?.error).toBe(0.03);
  });

  it("lets answers grow with their prompts where they do", () => {
    const sample = replySample();
    for (let reply = 1; reply <= 20; reply++) sample.add(reply * 10, usage(1, reply * 5));
    expect(sample.output({ requests: 100, units: 100 * 400 })?.expected).toBeCloseTo(20_000);
    const apart = replySample();
    const draw = draws(3);
    for (let reply = 1; reply <= 200; reply++) apart.add(reply * 10, usage(1, 10 + draw()));
    expect(apart.output({ requests: 100, units: 100 * 9000 })?.expected).toBeLessThan(1100);
  });

  it("brackets what further answers come to nearly always, and not by a wide margin", () => {
    let held = 0;
    const rounds = 300;
    for (let round = 1; round <= rounds; round++) {
      const draw = draws(round);
      // Long tails, as answers have them.
      const length = (): number => Math.ceil(20 * Math.exp(0.8 * (draw() + draw() + draw() - 1.5)));
      const sample = replySample();
      for (let reply = 0; reply < 50; reply++) sample.add(100, usage(30, length()));
      let total = 0;
      for (let reply = 0; reply < 400; reply++) total += length();
      const band = sample.output({ requests: 400, units: 40_000 });
      if (band === null) throw new Error("Fifty replies are enough.");
      if (band.low <= total && total <= band.high) held += 1;
      expect(band.high).toBeLessThan(band.expected * 1.5);
    }
    expect(held / rounds).toBeGreaterThan(0.97);
  });

  it("expects nothing of no requests", () => {
    const sample = replySample();
    for (let reply = 0; reply < 9; reply++) sample.add(10, usage(3, reply));
    expect(sample.output({ requests: 0, units: 0 })).toEqual({ low: 0, expected: 0, high: 0 });
  });
});
