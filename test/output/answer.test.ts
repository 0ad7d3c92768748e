import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AnswerForm } from "../../src/core/form.ts";
import { readAnswer } from "../../src/output/answer.ts";

const TEXT: AnswerForm = { kind: "text" };
const labelled = (...names: string[]): AnswerForm => ({
  kind: "labels",
  labels: names.map((name) => ({ name })),
});
const MOOD = labelled("positive", "negative", "Neutral");

describe("free text", () => {
  it("is taken exactly as it came, and only an empty one is invalid", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        expect(readAnswer(TEXT, text)).toEqual({ value: text });
      }),
    );
    expect(readAnswer(TEXT, "")).toHaveProperty("invalid");
  });
});

describe("a label", () => {
  it.each([
    ['{"label":"positive"}', "positive"],
    [' {\n "label" : "negative" }\n', "negative"],
    ['{"label":"POSITIVE"}', "positive"],
    ['{"label":"neutral"}', "Neutral"],
    ['{"label":"positive","reason":"kind words"}', "positive"],
  ])("is read from %s", (text, value) => {
    expect(readAnswer(MOOD, text)).toEqual({ value });
  });

  it.each([
    "positive",
    '"positive"',
    "",
    "null",
    "[]",
    '["positive"]',
    '[{"label":"positive"}]',
    "{}",
    '{"label":null}',
    '{"label":["positive"]}',
    '{"label":"positive "}',
    '{"label":"posit"}',
    '{"label":"constructor"}',
    '{"__proto__":{"label":"positive"}}',
    '```json\n{"label":"positive"}\n```',
    'Sure! {"label":"positive"}',
    '{"label":"positive"',
    '{"label":"positive",}',
    "{'label':'positive'}",
    '\uFEFF{"label":"positive"}',
  ])("is never repaired out of %j", (text) => {
    expect(readAnswer(MOOD, text)).toHaveProperty("invalid");
  });

  it("that differs from two others in case only must be exact", () => {
    const form = labelled("US", "us", "them");
    expect(readAnswer(form, '{"label":"us"}')).toEqual({ value: "us" });
    expect(readAnswer(form, '{"label":"US"}')).toEqual({ value: "US" });
    expect(readAnswer(form, '{"label":"Us"}')).toHaveProperty("invalid");
    expect(readAnswer(form, '{"label":"THEM"}')).toEqual({ value: "them" });
  });

  it("may have the name of a member every object has", () => {
    const form = labelled("constructor", "__proto__");
    expect(readAnswer(form, '{"label":"__proto__"}')).toEqual({ value: "__proto__" });
    expect(readAnswer(form, '{"label":"toString"}')).toHaveProperty("invalid");
  });

  it("is always one of the labels, or invalid, whatever the text", () => {
    const json = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((label) => JSON.stringify({ label })),
    );
    fc.assert(
      fc.property(json, (text) => {
        const answer = readAnswer(MOOD, text);
        if ("value" in answer) expect(["positive", "negative", "Neutral"]).toContain(answer.value);
        else expect(answer.invalid.length).toBeLessThan(600);
      }),
    );
  });

  it("that is invalid is quoted with at most 80 characters", () => {
    const answer = readAnswer(MOOD, JSON.stringify({ label: `${"x".repeat(100)}end` }));
    expect(answer).toEqual({
      invalid: `The reply is none of the labels: "${"x".repeat(80)}…"`,
    });
  });
});
