import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import * as z from "zod";
import { answerForm, askedOutput, optionOf, type OutputOption } from "../../src/output/form.ts";

describe("answerForm", () => {
  it("is free text when nothing is asked for", () => {
    expect(answerForm(undefined, "m")).toEqual({ kind: "text" });
  });

  it("keeps labels in their order, with their descriptions where there are any", () => {
    expect(answerForm({ labels: ["b", "a"] }, "m")).toEqual({
      kind: "labels",
      labels: [{ name: "b" }, { name: "a" }],
    });
    expect(answerForm({ labels: { b: "second", a: " " } }, "m")).toEqual({
      kind: "labels",
      labels: [{ name: "b", description: "second" }, { name: "a" }],
    });
  });

  it.each<[string, OutputOption, string]>([
    ["one given twice", { labels: ["a", "b", "a"] }, '"a" is given twice'],
    ["a blank one", { labels: ["a", " "] }, "blank"],
    ["only one", { labels: ["a"] }, "at least two"],
    ["none", { labels: {} }, "at least two"],
  ])("refuses %s", (_what, option, problem) => {
    expect(() => answerForm(option, "m")).toThrow(InputError);
    expect(() => answerForm(option, "m")).toThrow(problem);
  });
});

describe("optionOf", () => {
  it.each<OutputOption>([
    undefined,
    { labels: ["b", "a"] },
    { labels: { b: "second", a: "" } },
    { labels: { b: "second", a: "first" } },
    { labels: ["a"], multi: true },
    { labels: { a: "first" }, allowOther: true, multi: true },
    { embedding: true },
    { embedding: { dimensions: 8 } },
    "a: int, b?: str[]",
    { jsonSchema: { type: "array", items: { type: "string" } } },
  ])("of the form of %j makes that form again", (option) => {
    const form = answerForm(option, "m");
    expect(answerForm(optionOf(form), "m")).toEqual(form);
  });
});

describe("askedOutput", () => {
  it("has a check of its own only where a library's schema does the checking", async () => {
    expect(await askedOutput("a: int", "m")).toMatchObject({ validate: null });
    const asked = await askedOutput(z.object({ a: z.int() }), "m");
    expect(asked.form).toMatchObject({ kind: "object", schema: { type: "object" } });
    expect(await asked.validate?.({ a: 1 })).toEqual({ value: { a: 1 } });
    expect(await asked.validate?.({ a: "1" })).toHaveProperty("issues");
  });

  it("keeps what comes out apart only where its columns would be others", async () => {
    const same = await askedOutput(z.object({ a: z.string().default("x") }), "m");
    expect(same.form).not.toHaveProperty("result");
    const other = z.object({ a: z.string().transform(Number).pipe(z.number()) });
    expect((await askedOutput(other, "m")).form).toMatchObject({
      schema: { properties: { a: { type: "string" } } },
      result: { properties: { a: { type: "number" } } },
    });
  });

  it.each<[string, unknown, string]>([
    ["a pattern that is none", { jsonSchema: { type: "string", pattern: "(" } }, "schema_invalid"],
    ["something else", { lables: ["a", "b"] }, "option_invalid"],
    ["a schema that is text", { jsonSchema: "object" }, "schema_invalid"],
  ])("refuses %s before anything is sent", async (_what, option, code) => {
    await expect(askedOutput(option as OutputOption, "m")).rejects.toMatchObject({ code });
  });
});
