import { describe, expect, it } from "vitest";
import { findBySize, type Candidate, type Sought } from "../../src/provider/anthropic-find.ts";
import type { Sighting } from "../../src/provider/provider.ts";

const SENT_MS = 1_000_000_000;
const MINUTE_MS = 60_000;

const sought: Sought = {
  submission: {
    tag: { run: "rabcdefg", chunk: 3, intent: "i" },
    file: { name: "f", path: "f", bytes: 1, requestCount: 5 },
    staged: {},
    sentAtMs: SENT_MS,
  },
  claimed: new Set(),
  latestMs: SENT_MS + MINUTE_MS,
};

/** A batch of the right size and time; `first` is its first result's id, and a batch without one still runs. */
interface Shown extends Partial<Candidate> {
  readonly first?: string | null;
}

interface Found {
  readonly sighting: Sighting;
  readonly read: readonly string[];
}

/** What is found among these batches, the newest first, and whose results were looked at. */
async function found(shown: readonly Shown[], changes: Partial<Sought> = {}): Promise<Found> {
  const read: string[] = [];
  const list = shown.map(({ first, ...batch }, index): Candidate => ({
    id: `b${String(index)}`,
    createdAtMs: SENT_MS + 1000,
    requestCount: 5,
    hasEnded: first !== undefined,
    isReadable: first !== undefined,
    ...batch,
  }));
  const sighting = await findBySize(
    { ...sought, ...changes },
    {
      list: async function* () {
        yield* await Promise.resolve(list);
      },
      firstId: (id) => {
        read.push(id);
        return Promise.resolve(shown[Number(id.slice(1))]?.first ?? null);
      },
    },
  );
  return { sighting, read };
}

const OURS = "rabcdefg-3-17";

describe("findBySize", () => {
  it("finds an ended batch by the id of its first result, among strangers of the same size", async () => {
    const { sighting } = await found([
      { first: "rzzzzzzz-3-17" },
      { first: "rabcdefg-4-17" },
      { first: "rabcdefg-31-7" },
      { first: "somebody-else" },
      { first: OURS },
    ]);
    expect(sighting).toEqual({ found: "batch", batchId: "b4" });
  });

  it("finds it beside one that still runs", async () => {
    expect((await found([{}, { first: OURS }])).sighting).toEqual({
      found: "batch",
      batchId: "b1",
    });
  });

  it("cannot tell while any batch of that size runs, be it the only one", async () => {
    expect((await found([{}])).sighting).toEqual({ found: "unclear" });
    expect((await found([{ first: "somebody-else" }, {}])).sighting).toEqual({ found: "unclear" });
  });

  it("finds nothing where every candidate has proved to be another's", async () => {
    const { sighting, read } = await found([{ first: "rzzzzzzz-3-17" }, { first: "x" }]);
    expect(sighting).toEqual({ found: "nothing" });
    expect(read).toEqual(["b0", "b1"]);
  });

  it("looks neither at another size, another time, nor a batch that other chunks hold", async () => {
    const { sighting, read } = await found(
      [
        { createdAtMs: SENT_MS + 20 * MINUTE_MS },
        { requestCount: 4 },
        {},
        { createdAtMs: SENT_MS - 6 * MINUTE_MS },
        { first: OURS },
      ],
      { claimed: new Set(["b2"]) },
    );
    expect(sighting).toEqual({ found: "nothing" });
    expect(read).toEqual([]);
  });

  it("allows for clocks that differ by some minutes", async () => {
    for (const awayMs of [-4 * MINUTE_MS, 5 * MINUTE_MS])
      expect((await found([{ createdAtMs: SENT_MS + awayMs, first: OURS }])).sighting).toEqual({
        found: "batch",
        batchId: "b0",
      });
  });

  it("takes one that can no longer be read for the one that was paid for, when none is left to prove itself", async () => {
    const gone: Shown = { hasEnded: true, isReadable: false };
    expect((await found([gone, { first: "x" }])).sighting).toEqual({
      found: "batch",
      batchId: "b0",
    });
    expect((await found([gone, {}])).sighting).toEqual({ found: "unclear" });
    expect((await found([gone, { first: OURS }])).sighting).toEqual({
      found: "batch",
      batchId: "b1",
    });
    expect((await found([{ first: null }])).sighting).toEqual({ found: "batch", batchId: "b0" });
  });
});
