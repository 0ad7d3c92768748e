import { describe, expect, it } from "vitest";

import { overlapWith, stemsOf } from "../../../src/provider/embedded/overlap.ts";
import { compareWith, framesOf } from "../../../src/provider/embedded/similarity.ts";

const unit = (at: number): Float32Array => {
  const vector = new Float32Array(4);
  vector[at] = 1;
  return vector;
};

describe("framesOf", () => {
  it("gives every description the same number of sentences, in order", () => {
    const frames = framesOf([{ name: "isLate" }, { name: "lost", description: "gone for good" }]);
    expect(frames).toHaveLength(6);
    expect(frames.slice(0, 3).every((frame) => frame.includes("is late"))).toBe(true);
    expect(frames.slice(3).every((frame) => frame.includes("lost: gone for good"))).toBe(true);
  });
});

describe("compareWith", () => {
  const described = [{ name: "apples" }, { name: "pears" }];
  const prompts = [unit(0), unit(0), unit(0), unit(1), unit(1), unit(1)];

  it("is the cosine to each description's sentences, plus 0.15 a shared word", () => {
    const compare = compareWith(described, { prompts, centre: [], topics: [] });
    expect(compare("nothing shared", unit(0))).toEqual([1, 0]);
    const [apples, pears] = compare("the pear tree and a pears crate", unit(0));
    expect(apples).toBe(1);
    expect(pears).toBeCloseTo(0.15);
  });

  it("measures from the centre", () => {
    const compare = compareWith(described, { prompts, centre: [0, 0, 1, 0], topics: [] });
    const [near = 0, far = 1] = compare("", unit(2));
    expect([near, far]).toEqual([0, 0]);
  });
});

describe("compareWith common topics", () => {
  it("finds a text by what people write on the topic", () => {
    const thousand = (at: number): number[] => [...unit(at)].map((value) => 1000 * value);
    const topics = [{ subject: thousand(0), examples: thousand(3) }];
    const described = [{ name: "apples" }, { name: "pears" }];
    const prompts = [unit(0), unit(0), unit(0), unit(1), unit(1), unit(1)];
    const compare = compareWith(described, { prompts, centre: [], topics });
    const [apples, pears] = compare("", unit(3));
    expect(apples).toBeCloseTo(3 / Math.sqrt(10));
    expect(pears).toBe(0);
  });
});

describe("overlapWith", () => {
  it("compares beginnings of words, and leaves grammar out", () => {
    expect([...stemsOf("The deliveries, and WHY they were delivered")]).toEqual(["deliv"]);
  });

  it("counts a shared word as a fraction, and at most one and a half in all", () => {
    const overlap = overlapWith([stemsOf("red apple"), stemsOf("red pear plum cherry")]);
    expect(overlap("a red thing")).toEqual([0.5, 0.5]);
    expect(overlap("red pear plum cherry")).toEqual([0.5, 1.5]);
    expect(overlap("")).toEqual([0, 0]);
  });
});
