import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { cut, padded, printable, widthOf, wrapped } from "../../src/cli/cells.ts";

const anyText = fc.string({ unit: "binary", maxLength: 200 });
// What a terminal acts on: controls, line separators, and marks that turn the direction of writing.
const ACTED_ON = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u;

describe("printable", () => {
  it("shows breaks, escapes and turned writing", () => {
    expect(printable("a\r\nb\nc\td")).toBe("a↵b↵c→d");
    expect(printable("\u001b[31mred\u001b]0;title\u0007")).toBe("\\x1b[31mred\\x1b]0;title\\x07");
    expect(printable("abc\u202efdp.exe")).toBe("abc\\u{202e}fdp.exe");
    expect(printable("\u009b2J")).toBe("\\x9b2J");
  });

  it("leaves words, accents and joined emoji alone", () => {
    expect(printable("naïve 日本語 👩‍👩‍👧 नमस्ते")).toBe("naïve 日本語 👩‍👩‍👧 नमस्ते");
  });

  it("leaves nothing that a terminal acts on", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(ACTED_ON);
      }),
    );
  });
});

describe("cut", () => {
  it("marks what it cut, in columns and whole characters", () => {
    expect(cut("abcdef", 6)).toBe("abcdef");
    expect(cut("abcdefg", 6)).toBe("abcde…");
    expect(cut("日本語日本語", 6)).toBe("日本…");
    expect(cut("👩‍👩‍👧👩‍👩‍👧", 3)).toBe("👩‍👩‍👧…");
  });

  it("never takes more room than given", () => {
    fc.assert(
      fc.property(anyText.map(printable), fc.integer({ min: 1, max: 80 }), (text, width) => {
        expect(widthOf(cut(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it("does not measure all of a long text", () => {
    expect(cut("x".repeat(5_000_000), 10)).toBe("xxxxxxxxx…");
  });
});

describe("padded", () => {
  it("counts columns, not characters", () => {
    expect(padded("日本", 6)).toBe("日本  ");
    expect(padded("longer", 3)).toBe("longer");
  });
});

describe("wrapped", () => {
  it("breaks between words and indents what follows", () => {
    expect(wrapped("one two three four", 9, 2)).toBe("one two\n  three\n  four");
  });

  it("keeps the spaces that it does not break at, those at the start too", () => {
    expect(wrapped("  ✔ name   value more", 16, 4)).toBe("  ✔ name   value\n    more");
    expect(wrapped("  name   value", Number.POSITIVE_INFINITY, 4)).toBe("  name   value");
  });

  it("loses no word", () => {
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(words, fc.integer({ min: 4, max: 40 }), (list, width) => {
        expect(wrapped(list.join(" "), width, 2).split(/\s+/)).toEqual(list);
      }),
    );
  });
});
