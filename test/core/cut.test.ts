import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutText } from "../../src/core/cut.ts";

const long = fc.integer({ min: 1, max: 40 });

describe("cutText", () => {
  it("gives a text that is short enough as it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(cutText(text, Math.max(1, Array.from(text).length))).toBe(text);
      }),
    );
  });

  it("gives a beginning of the text, never longer than it may be, never empty, never half a character", () => {
    const texts = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(
      fc.property(texts, long, (text, maxChars) => {
        fc.pre(text.trim() !== "");
        const cut = cutText(text, maxChars);
        expect(Array.from(cut).length).toBeLessThanOrEqual(maxChars);
        expect(text.startsWith(cut) || text.trimStart().startsWith(cut)).toBe(true);
        expect(cut.trim()).not.toBe("");
        expect(cut.isWellFormed()).toBe(true);
      }),
    );
  });

  it("cuts where a word ends, or between two characters where no word does", () => {
    expect(cutText("one two three", 7)).toBe("one two");
    expect(cutText("one two three", 9)).toBe("one two");
    expect(cutText("one two three", 13)).toBe("one two three");
    expect(cutText("one incomprehensibilities", 12)).toBe("one incompre");
    expect(cutText("一二三四五六七", 3)).toBe("一二三");
    expect(cutText("👍👍👍👍", 2)).toBe("👍👍");
    expect(cutText("     leading blanks", 4)).toBe("lead");
  });
});
