import { describe, expect, it } from "vitest";
import { NOTHING_COLLECTED, type Chunk, type ChunkState } from "../../src/core/chunk.ts";
import type { Look, Seen } from "../../src/core/look.ts";
import {
  batchChanges,
  mergedProgress,
  planningProgress,
  progressOf,
  stepProgress,
  type Progress,
} from "../../src/core/progress.ts";
import { chunkOf } from "./chunks.ts";

function chunk(number: number, state: ChunkState, part: Partial<Chunk> = {}): Chunk {
  const collection =
    state === "collected" ? { ...NOTHING_COLLECTED, succeeded: 8, failed: 1 } : null;
  return chunkOf(number, { state, requestCount: 10, collection, ...part });
}

const look = (phase: Seen["phase"], done: number | null): Look => ({
  phase,
  done,
  atMs: 0,
  marks: [],
});

const PRICE = { inputPerM: 1, outputPerM: 10, batchShare: 0.5, source: "test" };

function progress(
  requests: number,
  chunks: readonly Chunk[],
  more: Partial<Parameters<typeof progressOf>[0]> = {},
): Progress {
  return progressOf({ requests, chunks, sends: true, free: false, price: null, ...more });
}

describe("progressOf", () => {
  it("counts answered, failed and under way requests, and tells of each batch", () => {
    const chunks = [
      chunk(1, "collected"),
      chunk(2, "ended", { batchId: "b2" }),
      chunk(3, "submitted", { batchId: "b3", look: look("running", 4) }),
      chunk(4, "submitted", { batchId: "b4", look: look("validating", null), origin: "resend" }),
      chunk(5, "submitting"),
      chunk(6, "planned"),
    ];
    expect(progress(60, chunks)).toEqual({
      phase: "running",
      requests: 60,
      answered: 8,
      cached: 0,
      failed: 1,
      underway: 14,
      chunks: 6,
      chunksCollected: 1,
      batches: [
        {
          chunk: 2,
          origin: "plan",
          lane: "batch",
          id: "b2",
          phase: "downloading",
          done: 10,
          total: 10,
        },
        { chunk: 3, origin: "plan", lane: "batch", id: "b3", phase: "running", done: 4, total: 10 },
        {
          chunk: 4,
          origin: "resend",
          lane: "batch",
          id: "b4",
          phase: "validating",
          done: null,
          total: 10,
        },
        {
          chunk: 5,
          origin: "plan",
          lane: "batch",
          id: null,
          phase: "submitting",
          done: 0,
          total: 10,
        },
      ],
      spentUsd: null,
      projectedUsd: null,
      timeLeft: null,
    });
  });

  it("believes this process's own look before what was written down", () => {
    const chunks = [chunk(1, "submitted", { look: look("validating", 0) })];
    const own = progress(10, chunks, { looks: new Map([[1, look("running", 7)]]) });
    expect(own).toMatchObject({ phase: "running", underway: 7 });
    expect(progress(10, chunks)).toMatchObject({ phase: "validating", underway: 0 });
  });

  it("takes requests that are tried again out of the failed ones", () => {
    const failed = { ...NOTHING_COLLECTED, succeeded: 7, failed: 3 };
    const before = [chunk(1, "collected", { collection: failed })];
    const retry = chunk(2, "planned", { origin: "retry", requestCount: 3 });
    expect(progress(10, before).failed).toBe(3);
    expect(progress(10, [...before, retry]).failed).toBe(0);
  });

  it.each<[string, Chunk[], string]>([
    ["no chunk is open", [chunk(1, "collected")], "done"],
    ["nothing was sent yet", [chunk(1, "planned")], "submitting"],
    ["a create call is open", [chunk(1, "submitting")], "submitting"],
    ["a batch was not looked at yet", [chunk(1, "submitted")], "validating"],
    [
      "one batch runs and another validates",
      [chunk(1, "submitted"), chunk(2, "submitted", { look: look("running", 0) })],
      "running",
    ],
    [
      "a batch is being cancelled",
      [chunk(1, "submitted", { look: look("cancelling", 0) })],
      "running",
    ],
    [
      "a batch writes its results",
      [chunk(1, "submitted", { look: look("finalizing", 9) }), chunk(2, "ended")],
      "finalizing",
    ],
    ["a batch has ended", [chunk(1, "ended"), chunk(2, "planned")], "downloading"],
    [
      "only what is asked again is left",
      [chunk(1, "collected"), chunk(2, "submitted", { origin: "resend" })],
      "retrying",
    ],
  ])("when %s", (_when, chunks, phase) => {
    expect(progress(20, chunks).phase).toBe(phase);
  });

  it("is paused only where nothing is under way and nobody sends what waits", () => {
    const waiting = chunk(2, "planned");
    expect(progress(20, [chunk(1, "collected"), waiting], { sends: false }).phase).toBe("paused");
    expect(progress(20, [chunk(1, "submitted"), waiting], { sends: false }).phase).not.toBe(
      "paused",
    );
  });
});

describe("the money in a progress", () => {
  const usage = {
    inputTokens: 1e6,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    outputTokens: 1e5,
    reasoningTokens: 0,
  };
  const paid = chunk(1, "collected", {
    collection: { ...NOTHING_COLLECTED, succeeded: 8, failed: 2, usage },
  });

  it("is what the replies used, and what the rest will come to at that rate", () => {
    const chunks = [paid, chunk(2, "planned")];
    // A million in and 100,000 out are $2 at the full price, and half of that in a batch.
    expect(progress(40, chunks, { price: PRICE })).toMatchObject({ spentUsd: 1, projectedUsd: 4 });
  });

  it("does not project what a cache has answered", () => {
    const recalled = chunk(0, "collected", {
      origin: "cache",
      requestCount: 20,
      collection: { ...NOTHING_COLLECTED, succeeded: 20 },
    });
    const now = progress(40, [recalled, paid, chunk(2, "planned")], { price: PRICE });
    expect(now).toMatchObject({ answered: 28, cached: 20, spentUsd: 1, projectedUsd: 2 });
  });

  it("is unknown without a price, and nothing where answers are free", () => {
    expect(progress(40, [paid])).toMatchObject({ spentUsd: null, projectedUsd: null });
    // Before the first reply the plan's estimates say it; nobody does where one is missing.
    const estimate = {
      ...{ inputTokens: 1e6, inputError: 0 },
      outputTokens: { low: 0, expected: 1e5, high: 1e6 },
    };
    const waiting = [
      chunk(1, "planned", { estimate }),
      chunk(2, "submitted", { estimate, lane: "realtime" }),
    ];
    const before = progress(20, waiting, { price: PRICE });
    expect(before).toMatchObject({ spentUsd: 0, projectedUsd: 1 + 2 });
    const unknown = progress(30, [...waiting, chunk(3, "planned")], { price: PRICE });
    expect(unknown.projectedUsd).toBeNull();
    expect(progress(40, [paid], { free: true })).toMatchObject({ spentUsd: 0, projectedUsd: 0 });
  });

  it("counts what was asked in realtime at the full price", () => {
    const live = { ...paid, lane: "realtime" } as const;
    expect(progress(10, [live], { price: PRICE }).spentUsd).toBe(2);
  });

  it("projects nothing while nothing was paid for", () => {
    const now = progress(40, [chunk(1, "submitted")], { price: PRICE });
    expect(now).toMatchObject({ spentUsd: 0, projectedUsd: null });
  });
});

describe("mergedProgress", () => {
  it("sums, tells the phase of who is least far, and knows only what is known of all", () => {
    const done = progress(10, [chunk(1, "collected")], { price: PRICE });
    const open = progress(10, [chunk(1, "submitted", { batchId: "b" })], { price: PRICE });
    const both = mergedProgress([stepProgress("a", done), stepProgress("b", open)]);
    expect(both).toMatchObject({ phase: "validating", requests: 20, answered: 8, spentUsd: 0 });
    expect(both.batches).toMatchObject([{ step: "b", chunk: 1, id: "b" }]);
    expect(mergedProgress([done, progress(10, [chunk(1, "planned")])]).spentUsd).toBeNull();
  });
});

describe("batchChanges", () => {
  const sent = (part: Partial<Chunk>): Progress => progress(10, [chunk(1, "submitted", part)]);

  it("tells a batch once in each phase, and when it is collected", () => {
    const snapshots = [
      planningProgress(10),
      progress(10, [chunk(1, "planned")]),
      progress(10, [chunk(1, "submitting")]),
      sent({ batchId: "b" }),
      sent({ batchId: "b", look: look("running", 1) }),
      sent({ batchId: "b", look: look("running", 5) }),
      progress(10, [chunk(1, "ended", { batchId: "b" })]),
      progress(10, [chunk(1, "collected", { batchId: "b" })]),
    ];
    const told = snapshots.flatMap((after, at) => batchChanges(snapshots[at - 1] ?? null, after));
    expect(told.map(({ phase }) => phase)).toEqual([
      "submitting",
      "validating",
      "running",
      "downloading",
      "collected",
    ]);
  });

  it("does not call a batch collected that the provider did not take", () => {
    const refused = batchChanges(
      progress(10, [chunk(1, "submitting")]),
      progress(10, [chunk(1, "planned")]),
    );
    expect(refused).toEqual([]);
  });
});
