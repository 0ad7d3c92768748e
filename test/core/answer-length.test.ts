import { describe, expect, it } from "vitest";
import { answerTokens, type AskedLength } from "../../src/core/answer-length.ts";
import type { AnswerForm } from "../../src/core/form.ts";
import type { Band } from "../../src/core/token-estimate.ts";

const lengthOf = (form: AnswerForm, more: Partial<AskedLength> = {}): Band =>
  answerTokens({
    form,
    settings: {},
    params: {},
    thinks: false,
    count: (text) => Math.ceil(text.length / 4),
    ...more,
  });

const TEXT: AnswerForm = { kind: "text" };
const MOOD: AnswerForm = { kind: "labels", labels: [{ name: "good" }, { name: "indifferent" }] };

describe("the length of an answer that nobody has given yet", () => {
  it("is that of the shortest and the longest label", () => {
    expect(lengthOf(MOOD)).toEqual({ low: 4, expected: 5, high: 13 });
    const multi = lengthOf({ ...MOOD, multi: true });
    expect(multi.low).toBe(4);
    expect(multi.high).toBeGreaterThan(multi.expected);
  });

  it("is nothing for a vector", () => {
    expect(lengthOf({ kind: "embedding", dimensions: null }).high).toBe(0);
  });

  it("is never above the cap, wherever that was given", () => {
    expect(lengthOf(TEXT, { settings: { maxTokens: 50 } }).high).toBe(50);
    expect(lengthOf(TEXT, { params: { max_completion_tokens: 40 } })).toEqual({
      low: 1,
      expected: 40,
      high: 40,
    });
  });

  it("has room for thoughts where the model thinks", () => {
    expect(lengthOf(MOOD, { thinks: true }).high).toBeGreaterThan(1000);
    expect(lengthOf(MOOD, { thinks: true, settings: { reasoning: "none" } })).toEqual(
      lengthOf(MOOD),
    );
    const { high } = lengthOf(MOOD, { settings: { reasoning: { budgetTokens: 3000 } } });
    expect(high).toBe(3013);
  });

  it("follows a schema's members, its lists and its bounds", () => {
    const schema = {
      type: "object",
      properties: {
        who: { type: "string", maxLength: 40 },
        mood: { enum: ["good", "bad"] },
        tags: { type: "array", items: { enum: ["a", "b"] }, maxItems: 2 },
        age: { type: ["integer", "null"] },
      },
      required: ["who", "mood"],
      additionalProperties: false,
    };
    const band = lengthOf({ kind: "object", schema });
    expect(band.low).toBeGreaterThan(8);
    expect(band.low).toBeLessThan(band.expected);
    expect(band.expected).toBeLessThan(band.high);
    const deep = (level: number): object =>
      level === 0 ? { type: "string" } : { type: "array", items: deep(level - 1), minItems: 1 };
    const nested = { type: "object", properties: { a: deep(30) }, required: ["a"] };
    expect(lengthOf({ kind: "object", schema: nested as never }).high).toBeLessThan(1e15);
  });
});
