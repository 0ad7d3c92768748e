import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { canonicalJson, contentHash, rollingHash, type Json } from "../../src/core/hash.ts";

const anyJson = fc.jsonValue() as fc.Arbitrary<Json>;

/** The same value with the keys of every object the other way round. */
function reversed(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(reversed);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value as Readonly<Record<string, Json>>).reverse();
  return Object.fromEntries(entries.map(([key, member]) => [key, reversed(member)]));
}

describe("canonicalJson", () => {
  it("sorts keys by code unit, at every depth, and writes no spaces", () => {
    expect(canonicalJson({ b: [{ d: 1, c: null }], a: "é\n", B: true })).toBe(
      '{"B":true,"a":"é\\n","b":[{"c":null,"d":1}]}',
    );
  });

  it("leaves out members that are undefined", () => {
    expect(canonicalJson({ a: undefined, b: 1 })).toBe(canonicalJson({ b: 1 }));
  });

  it("does not depend on the order of keys", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it("loses nothing: it reads back as the value", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe("contentHash", () => {
  it("is the first half of SHA-256, so that ids made earlier stay valid", () => {
    expect(contentHash("")).toBe("e3b0c44298fc1c149afbf4c8996fb924");
    expect(contentHash("abc")).toBe("ba7816bf8f01cfea414140de5dae2223");
  });

  it("tells texts apart", () => {
    expect(contentHash("é")).not.toBe(contentHash("e\u0301"));
  });
});

describe("rollingHash", () => {
  const digest = (texts: readonly string[]): string => {
    const hash = rollingHash();
    for (const text of texts) hash.add(text);
    return hash.digest();
  };

  it("differs wherever the list of texts differs, boundaries included", () => {
    const lists = fc.array(fc.string({ unit: fc.constantFrom("a", "1", ":") }), { maxLength: 5 });
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        expect(digest(one) === digest(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
      { numRuns: 500 },
    );
    expect(digest(["ab", "c"])).not.toBe(digest(["a", "bc"]));
    expect(digest([""])).not.toBe(digest([]));
  });
});
