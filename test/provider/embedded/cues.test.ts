import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import { CUE_NAMES, readCues } from "../../../src/provider/embedded/cues.ts";

const cue = (text: string, name: (typeof CUE_NAMES)[number]): number =>
  readCues(text)[CUE_NAMES.indexOf(name)] ?? Number.NaN;

describe("readCues", () => {
  it("counts sentiment words, and turns those a negator reaches", () => {
    expect(cue("good and nice", "positive words")).toBe(2);
    expect(cue("not a good one", "positive words")).toBe(0);
    expect(cue("not a good one", "negated positive words")).toBe(1);
    expect(cue("no problems", "negated negative words")).toBe(1);
    expect(cue("It didn\u2019t break", "negated negative words")).toBe(1);
  });

  it("lets a clause's end stop a negation", () => {
    expect(cue("not today, good", "positive words")).toBe(1);
    expect(cue("never mind but great", "positive words")).toBe(1);
  });

  it("sees questions, contrast, and signs", () => {
    expect(cue("How big is it?", "opens as a question")).toBe(1);
    expect(cue("big, though heavy", "contrast")).toBe(1);
    expect(cue("thanks 😀👍", "positive signs")).toBe(2);
    expect(cue("hmm :(", "negative signs")).toBe(1);
  });

  it("says when a text has no sentiment word, but not for an empty one", () => {
    expect(cue("the box is brown", "no sentiment word at all")).toBe(1);
    expect(cue("", "no sentiment word at all")).toBe(0);
  });

  it("gives one number from 0 to 3 for every name, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const cues = readCues(text);
        expect(cues).toHaveLength(CUE_NAMES.length);
        expect(cues.every((value) => value >= 0 && value <= 3)).toBe(true);
      }),
    );
  });
});
