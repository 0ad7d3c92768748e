import type { Progress } from "../../src/core/progress.ts";

/** The progress of a run of 100 requests in 4 chunks, of which the given parts are known. */
export function progressAt(part: Partial<Progress>): Progress {
  return {
    phase: "running",
    requests: 100,
    answered: 0,
    cached: 0,
    failed: 0,
    underway: 0,
    chunks: 4,
    chunksCollected: 0,
    batches: [],
    spentUsd: null,
    projectedUsd: null,
    timeLeft: null,
    ...part,
  };
}
