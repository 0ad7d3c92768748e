import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { cutText, piecesOf } from "../../src/core/cut.ts";

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

describe("pieces", () => {
  it("are short enough, end where words end, and leave no word out", () => {
    const word = fc.stringMatching(/^[a-z]{1,8}$/u);
    const text = fc.array(word, { minLength: 1, maxLength: 200 }).map((words) => words.join(" "));
    fc.assert(
      fc.property(text, fc.integer({ min: 25, max: 120 }), (whole, maxChars) => {
        const pieces = piecesOf(whole, maxChars);
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(maxChars);
        const words = whole.split(" ");
        let next = 0;
        // Read one after another, with what they repeat, the pieces say every word in order.
        for (const piece of pieces) {
          const said = piece.split(" ");
          const at = words.slice(0, next).length;
          const back = Array.from({ length: at + 1 }, (_, less) => at - less).find((from) =>
            said.every((one, index) => words[from + index] === one),
          );
          expect(back).toBeDefined();
          next = Math.max(next, (back ?? 0) + said.length);
        }
        expect(next).toBe(words.length);
      }),
    );
  });

  it("of a text without spaces are cut all the same, and of a short text are the text", () => {
    expect(piecesOf("abcdefghij", 4).join("")).toBe("abcdefghij");
    expect(piecesOf("short", 10)).toEqual(["short"]);
    expect(piecesOf(" ".repeat(50), 10).length).toBeGreaterThan(0);
  });
});
