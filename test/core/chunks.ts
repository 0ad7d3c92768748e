import type { Chunk } from "../../src/core/chunk.ts";

/** A planned chunk of one request, with the parts a test cares for. */
export function chunkOf(number: number, part: Partial<Chunk> = {}): Chunk {
  return {
    number,
    state: "planned",
    requestCount: 1,
    origin: "plan",
    lane: "batch",
    attempt: 1,
    resends: 0,
    bytes: 1,
    estimate: null,
    intent: null,
    batchId: null,
    submittedAtMs: null,
    look: null,
    ending: null,
    collection: null,
    ...part,
  };
}
