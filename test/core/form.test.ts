import { describe, expect, it } from "vitest";
import { answerSchema, answerText, fittedAnswer, isWrapped } from "../../src/core/form.ts";
import { ANTHROPIC_SCHEMA_DIALECT, OPENAI_SCHEMA_DIALECT } from "../../src/core/schema-dialect.ts";

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

  it("is a list of them with multi, and any text with allowOther", () => {
    const labels = [{ name: "a" }, { name: "b", description: "second" }];
    expect(answerSchema({ kind: "labels", labels, multi: true })).toMatchObject({
      properties: {
        labels: { type: "array", items: { enum: ["a", "b"], description: "b: second" } },
      },
      required: ["labels"],
    });
    const open = answerSchema({ kind: "labels", labels, allowOther: true });
    expect(open).toMatchObject({
      properties: {
        label: {
          type: "string",
          description: expect.stringContaining("a, b\nb: second") as string,
        },
      },
    });
    expect(JSON.stringify(open)).not.toContain("enum");
  });

  it("wraps what is no object at the root, since strict modes answer with objects", () => {
    const list = { type: "array", items: { type: "string" } };
    expect(answerSchema({ kind: "object", schema: list })).toEqual({
      type: "object",
      properties: { answer: list },
      required: ["answer"],
      additionalProperties: false,
    });
    const object = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
    expect(isWrapped(object)).toBe(false);
    expect(isWrapped({ ...object, anyOf: [{ required: ["a"] }] })).toBe(true);
    expect(isWrapped({ anyOf: [object, object] })).toBe(true);
  });

  it("is fitted to the dialect asked for, once for each form", () => {
    const schema = { type: "object", properties: { a: { type: "integer", minimum: 1 } } };
    const form = { kind: "object", schema } as const;
    expect(answerSchema(form, OPENAI_SCHEMA_DIALECT)).toMatchObject({
      properties: { a: { type: ["integer", "null"], minimum: 1 } },
    });
    expect(answerSchema(form, ANTHROPIC_SCHEMA_DIALECT)).toMatchObject({
      properties: { a: { type: "integer", description: "(minimum: 1)" } },
    });
    expect(fittedAnswer(form, ANTHROPIC_SCHEMA_DIALECT)?.moved).toEqual([
      { path: "#/properties/a", keyword: "minimum" },
    ]);
    expect(answerSchema(form)).toBe(answerSchema(form));
  });
});

describe("answerText", () => {
  it("is what a model would answer in the form asked for", () => {
    const labels = [{ name: "a" }, { name: "b" }];
    expect(answerText({ kind: "text" }, "words")).toBe("words");
    expect(answerText({ kind: "labels", labels }, "a")).toBe('{"label":"a"}');
    expect(answerText({ kind: "labels", labels, multi: true }, ["a"])).toBe('{"labels":["a"]}');
    const object = { type: "object", properties: { a: { type: "string" } } };
    expect(answerText({ kind: "object", schema: object }, { a: "x" })).toBe('{"a":"x"}');
    expect(answerText({ kind: "object", schema: { type: "string" } }, "x")).toBe('{"answer":"x"}');
  });
});
