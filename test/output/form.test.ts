import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { answerForm, newColumns, optionOf, type OutputOption } from "../../src/output/form.ts";

describe("answerForm", () => {
  it("is free text when nothing is asked for", () => {
    expect(answerForm(undefined)).toEqual({ kind: "text" });
  });

  it("keeps labels in their order, with their descriptions where there are any", () => {
    expect(answerForm({ labels: ["b", "a"] })).toEqual({
      kind: "labels",
      labels: [{ name: "b" }, { name: "a" }],
    });
    expect(answerForm({ labels: { b: "second", a: " " } })).toEqual({
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
    expect(() => answerForm(option)).toThrow(InputError);
    expect(() => answerForm(option)).toThrow(problem);
  });
});

describe("optionOf", () => {
  it.each<OutputOption>([
    undefined,
    { labels: ["b", "a"] },
    { labels: { b: "second", a: "" } },
    { labels: { b: "second", a: "first" } },
  ])("of the form of %j makes that form again", (option) => {
    const form = answerForm(option);
    expect(answerForm(optionOf(form))).toEqual(form);
  });
});

describe("newColumns", () => {
  it("are the answer, its status and its error, all text", () => {
    expect(newColumns("mood")).toEqual([
      { name: "mood", type: "text" },
      { name: "mood_status", type: "text" },
      { name: "mood_error", type: "text" },
    ]);
  });
});
