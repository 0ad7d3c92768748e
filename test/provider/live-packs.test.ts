import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { packedBody, packsOf, unpacked } from "../../src/provider/live-packs.ts";
import type { LiveRequest } from "../../src/provider/live-replies.ts";

const embed = (input: unknown, model = "m"): LiveRequest => ({
  customId: JSON.stringify(input),
  path: "/embeddings",
  body: { model, input },
});
const chat: LiveRequest = { customId: "chat", path: "/chat/completions", body: { model: "m" } };
const LIMITS = { maxInputs: 3, maxCharacters: 10 };

describe("packs", () => {
  it("hold what differs in its text alone, within the limits, in order", () => {
    const packs = packsOf(
      [embed("a"), embed("b"), embed("c"), embed("d"), embed("e", "n"), chat, embed(["x"])],
      LIMITS,
    );
    expect(packs.map((pack) => pack.map(({ customId }) => customId))).toEqual([
      ['"a"', '"b"', '"c"'],
      ['"d"'],
      ['"e"'],
      ["chat"],
      ['["x"]'],
    ]);
    expect(packsOf([embed("123456"), embed("7890"), embed("1")], LIMITS)).toHaveLength(2);
    expect(packsOf([embed("more than ten letters")], LIMITS)).toHaveLength(1);
  });

  it("lose and repeat nothing", () => {
    const one = fc.oneof(
      fc.string().map((text) => embed(text)),
      fc.constant(chat),
    );
    fc.assert(
      fc.property(fc.array(one), fc.integer({ min: 1, max: 5 }), (requests, maxInputs) => {
        const packs = packsOf(requests, { ...LIMITS, maxInputs });
        expect(packs.flat()).toEqual(requests);
        expect(packs.every((pack) => pack.length >= 1 && pack.length <= maxInputs)).toBe(true);
      }),
    );
  });
});

describe("the reply to a pack", () => {
  const pack = [embed("long text"), embed("b"), embed("")];
  const vector = (index: number): object => ({ object: "embedding", index, embedding: [index] });

  it("comes apart by index, whatever the order, with tokens that add up", () => {
    const usage = { prompt_tokens: 11, total_tokens: 11 };
    const reply = { model: "m", data: [vector(2), vector(0), vector(1)], usage };
    const bodies = unpacked(reply, pack);
    expect(bodies?.map((body) => body["data"])).toEqual(
      [0, 1, 2].map((place) => [{ object: "embedding", index: 0, embedding: [place] }]),
    );
    expect(bodies?.map((body) => body["usage"])).toEqual([
      { prompt_tokens: 10, total_tokens: 10 },
      { prompt_tokens: 1, total_tokens: 1 },
      { prompt_tokens: 0, total_tokens: 0 },
    ]);
    expect(packedBody(pack)).toEqual({ model: "m", input: ["long text", "b", ""] });
  });

  it("shares out every token", () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1 }), fc.nat(1e6), (texts, total) => {
        const data = texts.map((_, at) => vector(at));
        const all = texts.map((text) => embed(text));
        const bodies = unpacked({ data, usage: { prompt_tokens: total } }, all) ?? [];
        const shares = bodies.map(
          (body) => (body["usage"] as { total_tokens: number }).total_tokens,
        );
        expect(shares.every((share) => share >= 0)).toBe(true);
        const isEmpty = texts.every((text) => text === "");
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(isEmpty ? 0 : total);
      }),
    );
  });

  it.each([
    ["too few", { data: [vector(0)] }],
    ["one twice", { data: [vector(0), vector(0), vector(1)] }],
    ["no list", { data: "none" }],
    ["nothing", null],
  ])("is not taken with %s", (_, reply) => {
    expect(unpacked(reply, pack)).toBeNull();
  });
});
