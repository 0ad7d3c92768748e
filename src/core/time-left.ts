/** How long a run will still take, judged by how fast it went. */

import type { Chunk } from "./chunk.ts";
import type { Look } from "./look.ts";

/** A span of time that lies between two, in milliseconds. */
export interface TimeRange {
  readonly lowMs: number;
  readonly highMs: number;
}

/** Requests a millisecond, slow and fast, and how many observations that rests on. */
interface Rate {
  readonly slow: number;
  readonly fast: number;
  readonly seen: number;
}

/**
 * How long until `remaining` requests are worked on; null while there is too little to judge by.
 *
 * Judged by the counts that batches under way told, over all their time and over its later half, and by
 * what batches took from being sent to having ended. The range spans what these say, and is wider the
 * fewer observations there are. What comes after the work, such as writing out results, is not in it.
 */
export function timeLeft(
  chunks: readonly Chunk[],
  looks: ReadonlyMap<number, Look>,
  remaining: number,
): TimeRange | null {
  if (remaining <= 0) return null;
  const rates = [runningRate(chunks, looks), endedRate(chunks)].filter((rate) => rate !== null);
  const seen = rates.reduce((sum, rate) => sum + rate.seen, 0);
  const slow = Math.min(...rates.map((rate) => rate.slow));
  const fast = Math.max(...rates.map((rate) => rate.fast));
  if (seen < FEWEST || !(slow > 0)) return null;
  const doubt = 1 + 1 / Math.sqrt(seen);
  return { lowMs: remaining / fast / doubt, highMs: (remaining / slow) * doubt };
}

const FEWEST = 2;

/** What all batches that run now do together. */
function runningRate(chunks: readonly Chunk[], looks: ReadonlyMap<number, Look>): Rate | null {
  const rates = chunks.flatMap(({ number, state }) => {
    const look = looks.get(number);
    return state === "submitted" && look?.phase === "running" ? (rateOf(look) ?? []) : [];
  });
  if (rates.length === 0) return null;
  return {
    slow: rates.reduce((sum, rate) => sum + rate.slow, 0),
    fast: rates.reduce((sum, rate) => sum + rate.fast, 0),
    seen: rates.reduce((sum, rate) => sum + rate.seen, 0),
  };
}

function rateOf({ marks, atMs }: Look): Rate | null {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.done <= first.done) return null;
  const middle = marks[Math.floor((marks.length - 1) / 2)] ?? first;
  // Up to the last look, not the last rise: a batch that stands still has become slower.
  const since = (mark: typeof first): number =>
    (last.done - mark.done) / Math.max(1, atMs - mark.atMs);
  const both = [since(first), since(middle)];
  return { slow: Math.min(...both), fast: Math.max(...both), seen: marks.length - 1 };
}

/** What batches that have ended did from the first being sent to the last being seen to have ended. */
function endedRate(chunks: readonly Chunk[]): Rate | null {
  let requests = 0;
  let ended = 0;
  let firstMs = Number.POSITIVE_INFINITY;
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const { submittedAtMs, ending, requestCount } of chunks) {
    if (submittedAtMs === null || ending?.seenAtMs === undefined) continue;
    requests += requestCount;
    ended += 1;
    firstMs = Math.min(firstMs, submittedAtMs);
    lastMs = Math.max(lastMs, ending.seenAtMs);
  }
  if (ended === 0 || lastMs <= firstMs) return null;
  const rate = requests / (lastMs - firstMs);
  return { slow: rate, fast: rate, seen: ended };
}
