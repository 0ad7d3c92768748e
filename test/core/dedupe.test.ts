import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { dedupeIndex, type DedupeIndex } from "../../src/core/dedupe.ts";
import { checklist } from "../../src/core/tracker.ts";

/** Gives back what was outgrown, so that only what is held is counted. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** What an index says of an id given as digits. */
function findOrAdd(index: DedupeIndex, id: string): number | null {
  // Not at the start, so that the place counts.
  const bytes = Uint8Array.of(9, ...Buffer.from(id, "hex"));
  return index.findOrAdd(new DataView(bytes.buffer), 1);
}

describe("a dedupe index", () => {
  it("gives what a Map would: the earlier ordinal, or the next one", () => {
    // Few different first digits, so that ids collide in the table and differ in later words.
    const digit = fc.constantFrom("0", "1", "f");
    const ids = fc
      .array(digit, { minLength: 3, maxLength: 3 })
      .map(([a, b, c]) => `${(a ?? "").repeat(8)}${(b ?? "").repeat(8)}${(c ?? "").repeat(16)}`);
    fc.assert(
      fc.property(fc.array(ids, { maxLength: 80 }), (sequence) => {
        const index = dedupeIndex();
        const model = new Map<string, number>();
        for (const id of sequence) {
          expect(index.find(id)).toBe(model.get(id) ?? null);
          expect(findOrAdd(index, id)).toBe(model.get(id) ?? null);
          expect(index.find(id)).toBe(model.get(id) ?? model.size);
          if (!model.has(id)) model.set(id, model.size);
          expect(index.size).toBe(model.size);
        }
      }),
    );
  });

  it("keeps every ordinal through the doublings of its table", () => {
    const index = dedupeIndex();
    const count = 20_000;
    const ids = Array.from({ length: count }, (_, ordinal) => idOf(String(ordinal)));
    expect(ids.every((id) => findOrAdd(index, id) === null)).toBe(true);
    expect(index.size).toBe(count);
    expect(ids.map((id) => findOrAdd(index, id))).toEqual([...ids.keys()]);
    expect(ids.map((id) => index.find(id))).toEqual([...ids.keys()]);
    expect(index.size).toBe(count);
  });

  it("takes up ids that were known before, in their order", () => {
    const ids = Array.from({ length: 20_000 }, (_, ordinal) => idOf(String(ordinal)));
    const index = dedupeIndex();
    for (let at = 0; at < ids.length; at += 3000)
      index.restore(Buffer.from(ids.slice(at, at + 3000).join(""), "hex"));
    expect(index.size).toBe(ids.length);
    expect(ids.map((id) => findOrAdd(index, id))).toEqual([...ids.keys()]);
    expect(findOrAdd(index, idOf("another"))).toBeNull();
  });

  it("holds 10,000,000 requests in less than 200 MB, with the tracker of a large chunk", () => {
    collectGarbage();
    const before = process.memoryUsage().arrayBuffers;
    const index = dedupeIndex();
    const piece = new Uint32Array(4 * 500_000);
    let state = 1;
    for (let round = 0; round < 20; round += 1) {
      for (let at = 0; at < piece.length; at += 1) {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        piece[at] = at % 4 === 3 ? 0 : state;
      }
      index.restore(new Uint8Array(piece.buffer));
    }
    expect(index.size).toBe(10_000_000);
    // Which request answers which row is on disk; of a chunk that is read, memory holds what has come.
    const ordinals = Uint32Array.from({ length: 100_000 }, (_, at) => at);
    const tracker = checklist("abcdefgh", 1, ordinals);
    collectGarbage();
    const held = process.memoryUsage().arrayBuffers - before - piece.byteLength;
    expect(held).toBeGreaterThan(100e6);
    expect(held).toBeLessThan(200e6);
    expect(tracker.match().missing).toBe(100_000);
  }, 120_000);
});
