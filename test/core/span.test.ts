import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { spanOf } from "../../src/core/span.ts";

const words = fc.array(
  fc.string({ unit: "binary", minLength: 1 }).filter((it) => !/\s/u.test(it)),
  {
    minLength: 1,
  },
);
const blank = fc.constantFrom(" ", "\n", "  \t", "\r\n");

describe("spanOf", () => {
  it("finds words that stand in the text, whatever the white space between them", () => {
    fc.assert(
      fc.property(words, words, words, blank, (before, quote, after, gap) => {
        const text = [before.join(" "), quote.join(gap), after.join(" ")].join(" ");
        const span = spanOf(`\n${quote.join(" ")} `, text);
        expect(span).not.toBeNull();
        expect(text).toContain(span);
        expect(span?.split(/\s+/u)).toEqual(quote);
      }),
    );
  });

  it("finds nothing that the text does not say", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), words, (text, quote) => {
        const span = spanOf(quote.join(" "), text);
        const folded = (it: string): string => it.split(/\s+/u).join(" ");
        expect(span === null).toBe(!folded(text).includes(folded(quote.join(" "))));
      }),
    );
    expect(spanOf("Two days", "after two days")).toBeNull();
    expect(spanOf("twodays", "two days")).toBeNull();
    expect(spanOf(".*", "anything")).toBeNull();
    expect(spanOf("(a|b)+", "so (a|b)+ it is")).toBe("(a|b)+");
  });

  it("takes white space alone for no quote", () => {
    expect(spanOf("", "text")).toBeNull();
    expect(spanOf(" \n", "some text")).toBeNull();
  });
});
