import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InvariantError } from "../../src/core/errors.ts";
import { checklist, customId, readCustomId } from "../../src/core/tracker.ts";

const letters = Array.from("abcdefghijklmnopqrstuvwxyz");
const tokens = fc
  .tuple(
    fc.constantFrom(...letters),
    fc.array(fc.constantFrom(...letters, ...Array.from("0123456789")), {
      minLength: 7,
      maxLength: 7,
    }),
  )
  .map(([first, rest]) => [first, ...rest].join(""));
const addresses = fc.record({
  chunk: fc.integer({ min: 0, max: 999_999_999 }),
  ordinal: fc.integer({ min: 0, max: 4_294_967_295 }),
});

describe("customId", () => {
  it("keeps to the narrowest rules of any provider", () => {
    fc.assert(
      fc.property(tokens, addresses, (token, address) => {
        expect(customId(token, address)).toMatch(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/);
      }),
    );
  });

  it("reads back as its address, and only under its own run's token", () => {
    fc.assert(
      fc.property(tokens, tokens, addresses, (token, other, address) => {
        const id = customId(token, address);
        expect(readCustomId(token, id)).toEqual(address);
        expect(readCustomId(other, id)).toEqual(other === token ? address : null);
      }),
    );
  });
});

describe("readCustomId", () => {
  it.each([
    "",
    "rabcdefg",
    "rabcdefg-1",
    "rabcdefg-1-2-3",
    "rabcdefg-01-2",
    "rabcdefg-1-02",
    "rabcdefg-1--2",
    "rabcdefg-1-2 ",
    "rabcdefg-1-2\n",
    " rabcdefg-1-2",
    "RABCDEFG-1-2",
    "rabcdefg-1-٣",
    "rabcdefg-1e1-2",
    "request-1",
  ])("does not take %j for one of its ids", (id) => {
    expect(readCustomId("rabcdefg", id)).toBeNull();
  });
});

describe("a checklist", () => {
  const token = "rabcdefg";

  it("ticks each request off once, by its place in the chunk", () => {
    const list = checklist(token, 2, Uint32Array.of(3, 7, 4_000_000_000));
    expect(list.tick("rabcdefg-2-7")).toBe(1);
    expect(list.tick("rabcdefg-2-4000000000")).toBe(2);
    expect(list.tick("rabcdefg-2-7")).toBeNull();
    expect(list.missing()).toEqual([0]);
    expect(list.match()).toEqual({ answered: 2, missing: 1, duplicates: 1, unknown: 0 });
  });

  it("counts ids of other chunks, other runs and no id at all as unknown", () => {
    const list = checklist(token, 2, Uint32Array.of(3));
    for (const id of ["rabcdefg-1-3", "rxxxxxxx-2-3", "rabcdefg-2-4", "r0", null])
      expect(list.tick(id)).toBeNull();
    expect(list.match()).toEqual({ answered: 0, missing: 1, duplicates: 0, unknown: 5 });
  });

  it("refuses ordinals that repeat or go down", () => {
    expect(() => checklist(token, 1, Uint32Array.of(1, 1))).toThrow(InvariantError);
    expect(() => checklist(token, 1, Uint32Array.of(2, 1))).toThrow(InvariantError);
  });

  it("accounts for every request and every line, however the stream is shuffled, cut and repeated", () => {
    const ordinals = fc.uniqueArray(fc.integer({ min: 0, max: 500 }), { maxLength: 60 });
    const streams = fc.array(fc.integer({ min: -20, max: 520 }), { maxLength: 150 });
    fc.assert(
      fc.property(ordinals, streams, (unsorted, stream) => {
        const sent = Uint32Array.from(unsorted).sort();
        const list = checklist(token, 9, sent);
        const answered = new Set<number>();
        for (const ordinal of stream) {
          const id = ordinal < 0 ? null : customId(token, { chunk: 9, ordinal });
          const place = list.tick(id);
          const isFirst = unsorted.includes(ordinal) && !answered.has(ordinal);
          expect(place).toBe(isFirst ? sent.indexOf(ordinal) : null);
          if (isFirst) answered.add(ordinal);
        }
        const match = list.match();
        expect(match.answered).toBe(answered.size);
        expect(match.answered + match.missing).toBe(sent.length);
        expect(match.answered + match.duplicates + match.unknown).toBe(stream.length);
        const missing = [...sent].filter((ordinal) => !answered.has(ordinal));
        expect(list.missing().map((place) => sent[place])).toEqual(missing);
      }),
    );
  });
});
