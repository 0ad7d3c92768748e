import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { fingerprint, fingerprintOfJson, hexId } from "../../src/emulator/fingerprint.ts";

describe("fingerprint", () => {
  it("is a whole number from 1 to 2^52, the same for the same text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const print = fingerprint(text);
        expect(print).toBe(fingerprint(text));
        expect(Number.isInteger(print) && print >= 1 && print <= 2 ** 52).toBe(true);
      }),
    );
  });

  it("tells a million like texts apart", () => {
    const prints = new Set<number>();
    for (let at = 0; at < 1_000_000; at += 1) prints.add(fingerprint(`row-${String(at)}`));
    // Two of a million meet by chance about once in nine thousand such sets.
    expect(prints.size).toBe(1_000_000);
  });
});

describe("fingerprintOfJson", () => {
  it("does not see the order of members, and sees everything else that JSON holds", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        expect(fingerprintOfJson(turned(one))).toBe(fingerprintOfJson(one));
        const isSame = sorted(one) === sorted(other);
        expect(fingerprintOfJson(one) === fingerprintOfJson(other)).toBe(isSame);
      }),
    );
  });

  it.each([
    ["members that changed their names", { a: 1, b: 2 }, { a: 2, b: 1 }],
    ["items in another order", [1, 2], [2, 1]],
    ["a number and its text", 1, "1"],
    ["null and nothing", { a: null }, {}],
    ["members on another level", { a: { b: 1 }, c: 2 }, { a: { b: 1, c: 2 } }],
    ["a list and an object with its indices", ["x"], { 0: "x" }],
    ["numbers beyond 32 bits", 2 ** 40, 2 ** 40 + 1],
  ])("tells %s apart", (_, one, other) => {
    expect(fingerprintOfJson(one)).not.toBe(fingerprintOfJson(other));
  });
});

describe("hexId", () => {
  it("has as many digits as are asked for, and never meets again among a million", () => {
    for (const length of [1, 12, 22, 32, 40])
      expect(hexId(7, length, "a", 1)).toMatch(new RegExp(`^[0-9a-f]{${String(length)}}$`));
    const ids = new Set<string>();
    for (let at = 0; at < 1_000_000; at += 1) ids.add(hexId(7, 24, "row", 1, at));
    expect(ids.size).toBe(1_000_000);
  });
});

/** The same value with the members of every object the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).map(([name, one]) => [name, turned(one)]);
  return Object.fromEntries(members.reverse());
}

function sorted(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}
