import { describe, expect, it } from "vitest";
import { didYouMean, nearMisses } from "../../src/core/suggest.ts";

describe("nearMisses", () => {
  const known = ["feedback", "zip", "product", "feedback_text", "id"];

  it.each([
    ["fedback", ["feedback"]],
    ["FEEDBACK", ["feedback", "feedback_text"]],
    ["prodcut", ["product"]],
    ["zpi", ["zip"]],
    ["text", ["feedback_text"]],
    ["quarterly_revenue", []],
  ])("of %s are %j", (name, near) => {
    expect(nearMisses(name, known)).toEqual(near);
  });

  it("are at most three, the closest first", () => {
    expect(nearMisses("col", ["coxx", "colx", "cola", "colb", "co"])).toHaveLength(3);
    expect(nearMisses("amount", ["amuont1", "amount1", "amont"])[0]).toBe("amount1");
  });

  it("count an adjacent swap as one slip", () => {
    expect(nearMisses("ab", ["cd", "ba"])[0]).toBe("ba");
  });
});

describe("didYouMean", () => {
  it("offers near misses, else what is known, else nothing", () => {
    expect(didYouMean("naem", ["name", "other_column"])).toBe('Did you mean "name"?');
    expect(didYouMean("zzzzzz", ["name", 'q"'])).toBe('Known: "name", "q\\"".');
    expect(didYouMean("x", [])).toBe("");
  });

  it("does not list a wide frame whole", () => {
    const names = Array.from({ length: 15 }, (_, index) => `column ${String(index)}`);
    expect(didYouMean("zzz", names)).toMatch(/"column 11", and 3 more\.$/);
  });
});
