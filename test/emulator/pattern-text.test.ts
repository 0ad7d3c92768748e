import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { patternText } from "../../src/emulator/pattern-text.ts";
import { randomSource } from "../../src/emulator/random.ts";

describe("patternText", () => {
  it.each([
    "^[A-Z]{3}-\\d{4}$",
    "^(?:red|green|blue) \\w+$",
    "^#[0-9a-f]{6}$",
    "^[^\\s@]+@[a-z]+\\.(com|org)$",
    "^\\+?[1-9]\\d{1,14}$",
    "^(?<year>\\d{4})/(?<week>[0-5]\\d)?$",
    "a.c",
    "^[äöü☃😀]{2,}$",
    "^$",
    "^[\\d\\-_]+?$",
    "x*y+z?",
  ])("writes texts that match %j", (pattern) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(patternText(pattern, randomSource(seed))).toMatch(new RegExp(pattern, "u"));
      }),
    );
  });

  it("writes more than one, and the same one again for the same seed", () => {
    const texts = Array.from({ length: 40 }, (_, seed) =>
      patternText("^[a-z]{4}\\d?$", randomSource(seed)),
    );
    expect(new Set(texts).size).toBeGreaterThan(30);
    expect(patternText("^[a-z]{4}\\d?$", randomSource(7))).toBe(texts[7]);
  });

  it.each(["^(?=a).*$", "(?<!a)b", "(a)\\1", "\\bword\\b", "[", "a{2,1}", "^\\p{L}+$"])(
    "gives none for %j",
    (pattern) => {
      expect(patternText(pattern, randomSource(1))).toBeNull();
    },
  );
});
