import { describe, expect, it } from "vitest";
import type { AnswerForm } from "../../src/core/form.ts";
import { combinedAnswer } from "../../src/output/combine.ts";

const labels = (multi?: true): AnswerForm => ({
  kind: "labels",
  labels: [{ name: "a" }, { name: "b" }],
  ...(multi === undefined ? {} : { multi }),
});
const object: AnswerForm = { kind: "object", schema: { type: "object" } };

describe("answers to pieces", () => {
  it("are joined where they are text, and voted on where they are labels", () => {
    expect(combinedAnswer({ kind: "text" }, ["one", "two"])).toBe("one\ntwo");
    expect(combinedAnswer(labels(), ["b", "a", "a"])).toBe("a");
    expect(combinedAnswer(labels(), ["b", "a"])).toBe("b");
    expect(combinedAnswer(labels(true), [["b"], [], ["a", "b"]])).toEqual(["b", "a"]);
  });

  it("give each field from the first piece that has it, and lists together", () => {
    const values = [
      { name: null, amount: 0, tags: ["x"], urgent: false },
      { name: "Ann", amount: 7, tags: ["y", "x"], urgent: true },
    ];
    expect(combinedAnswer(object, values)).toEqual({
      name: "Ann",
      amount: 0,
      tags: ["x", "y"],
      urgent: true,
    });
  });

  it("are averaged where they are numbers or vectors alone", () => {
    expect(combinedAnswer(object, [2, 5])).toBe(4);
    expect(combinedAnswer(object, [0.5, 1])).toBe(0.75);
    expect(combinedAnswer(object, [false, true])).toBe(true);
    const vectors = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
    expect(combinedAnswer({ kind: "embedding", dimensions: null }, vectors)).toEqual(
      Float32Array.of(0.5, 0.5),
    );
  });

  it("stay as they are where there is one", () => {
    expect(combinedAnswer(labels(), ["a"])).toBe("a");
    expect(combinedAnswer(object, [{ a: null }])).toEqual({ a: null });
  });
});
