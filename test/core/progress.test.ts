import { describe, expect, it } from "vitest";
import { NOTHING_COLLECTED, type Chunk, type ChunkState } from "../../src/core/chunk.ts";
import { progressOf, type LastLook } from "../../src/core/progress.ts";
import { chunkOf } from "./chunks.ts";

function chunk(number: number, state: ChunkState, part: Partial<Chunk> = {}): Chunk {
  const collection =
    state === "collected" ? { ...NOTHING_COLLECTED, succeeded: 8, failed: 1 } : null;
  return chunkOf(number, { state, requestCount: 10, collection, ...part });
}

const looks = (...entries: [number, LastLook][]): ReadonlyMap<number, LastLook> => new Map(entries);

describe("progressOf", () => {
  it("counts answered, failed and under way requests", () => {
    const chunks = [
      chunk(1, "collected"),
      chunk(2, "ended"),
      chunk(3, "submitted"),
      chunk(4, "submitted"),
      chunk(5, "planned"),
    ];
    const seen = looks(
      [3, { phase: "running", done: 4 }],
      [4, { phase: "validating", done: null }],
    );
    expect(progressOf(50, chunks, seen)).toEqual({
      phase: "running",
      requests: 50,
      answered: 8,
      failed: 1,
      underway: 14,
      chunks: 5,
      chunksCollected: 1,
    });
  });

  it("takes requests that are tried again out of the failed ones", () => {
    const failed = { ...NOTHING_COLLECTED, succeeded: 7, failed: 3 };
    const before = [chunk(1, "collected", { collection: failed })];
    const retry = chunk(2, "planned", { origin: "retry", requestCount: 3 });
    expect(progressOf(10, before, looks()).failed).toBe(3);
    expect(progressOf(10, [...before, retry], looks()).failed).toBe(0);
  });

  it.each<[string, Chunk[], ReadonlyMap<number, LastLook>, string]>([
    ["no chunk is open", [chunk(1, "collected")], looks(), "done"],
    ["nothing was sent yet", [chunk(1, "planned")], looks(), "submitting"],
    ["a create call is open", [chunk(1, "submitting")], looks(), "submitting"],
    ["a batch was not looked at yet", [chunk(1, "submitted")], looks(), "validating"],
    [
      "one batch runs and another validates",
      [chunk(1, "submitted"), chunk(2, "submitted")],
      looks([2, { phase: "running", done: 0 }]),
      "running",
    ],
    [
      "a batch is being cancelled",
      [chunk(1, "submitted")],
      looks([1, { phase: "cancelling", done: 0 }]),
      "running",
    ],
    [
      "a batch writes its results",
      [chunk(1, "submitted"), chunk(2, "ended")],
      looks([1, { phase: "finalizing", done: 9 }]),
      "finalizing",
    ],
    ["a batch has ended", [chunk(1, "ended"), chunk(2, "planned")], looks(), "collecting"],
  ])("when %s", (_when, chunks, seen, phase) => {
    expect(progressOf(20, chunks, seen).phase).toBe(phase);
  });
});
