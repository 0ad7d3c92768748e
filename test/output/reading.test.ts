import { describe, expect, it } from "vitest";
import { asMeant, matchingWord } from "../../src/output/reading.ts";

const SCHEMA = {
  type: "object",
  properties: {
    must: { type: ["string", "null"] },
    may: { type: "string" },
    mayBeNull: { type: ["string", "null"] },
    word: { type: "string", enum: ["Red", "blue"] },
    list: { type: "array", items: { type: "string", enum: ["A"] } },
    pair: { type: "array", prefixItems: [{ const: "X" }], items: { type: "string" } },
  },
  required: ["must"],
};

describe("asMeant", () => {
  it("leaves out an optional property that is null, unless null is one of its values", () => {
    const value = { must: null, may: null, mayBeNull: null, unknown: null };
    expect(asMeant(SCHEMA, value)).toEqual({ must: null, mayBeNull: null, unknown: null });
  });

  it("gives words of an enum the case they were given in, however deep", () => {
    expect(asMeant(SCHEMA, { word: "RED", list: ["a", "b"], pair: ["x", "x"] })).toEqual({
      word: "Red",
      list: ["A", "b"],
      pair: ["X", "x"],
    });
  });

  it("reads a union as the branch the value is meant by, and leaves what fits none", () => {
    const branch = (kind: string, name: string): object => ({
      type: "object",
      properties: { kind: { const: kind }, [name]: { type: "string" }, note: { type: "string" } },
      required: ["kind", name],
      additionalProperties: false,
    });
    const union = { anyOf: [branch("a", "x"), branch("b", "y"), { type: "null" }] } as object;
    const read = (value: Parameters<typeof asMeant>[1]): unknown =>
      asMeant(union as Parameters<typeof asMeant>[0], value);
    expect(read({ kind: "B", y: "1", note: null })).toEqual({ kind: "b", y: "1" });
    expect(read(null)).toBeNull();
    expect(read({ kind: "c", note: null })).toEqual({ kind: "c", note: null });
  });

  it("keeps names that every object has, and changes no other value", () => {
    const value = JSON.parse('{"__proto__":null,"constructor":1,"word":3}') as object;
    expect(JSON.stringify(asMeant(SCHEMA, value as Parameters<typeof asMeant>[1]))).toBe(
      '{"__proto__":null,"constructor":1,"word":3}',
    );
  });
});

describe("matchingWord", () => {
  it("prefers the exact word, and takes another case only when it is the only one", () => {
    expect(matchingWord("us", ["US", "us"])).toBe("us");
    expect(matchingWord("Us", ["US", "us"])).toBeNull();
    expect(matchingWord("THEM", ["US", "them"])).toBe("them");
    expect(matchingWord("they", ["US", "them"])).toBeNull();
  });
});
