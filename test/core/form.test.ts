import { describe, expect, it } from "vitest";
import { answerSchema } from "../../src/core/form.ts";

describe("answerSchema", () => {
  it("is null for free text", () => {
    expect(answerSchema({ kind: "text" })).toBeNull();
  });

  it("is a closed object with one of the labels, in their order", () => {
    expect(answerSchema({ kind: "labels", labels: [{ name: "b" }, { name: "a" }] })).toEqual({
      type: "object",
      properties: { label: { type: "string", enum: ["b", "a"] } },
      required: ["label"],
      additionalProperties: false,
    });
  });

  it("puts descriptions where every strict mode keeps them", () => {
    const labels = [
      { name: "a", description: "first" },
      { name: "b" },
      { name: "c", description: "x" },
    ];
    expect(answerSchema({ kind: "labels", labels })).toMatchObject({
      properties: { label: { enum: ["a", "b", "c"], description: "a: first\nc: x" } },
    });
  });
});
