/** What is thought of a provider to which no connection comes about. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Chunk } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";

/** What one process's drives of a run have met with. */
export interface Reach {
  /** Times in a row that no connection came about, with a wait between them. */
  misses: number;
  /** When the next try counts, on a monotonic clock in milliseconds. */
  nextAtMs: number;
  /** When it was last told. */
  toldAtMs: number | null;
}

/** Nothing is known yet. */
export function unknownReach(): Reach {
  return { misses: 0, nextAtMs: 0, toldAtMs: null };
}

/** What can be told of the run, and how patient it is. */
interface Trying {
  readonly host: string;
  readonly chunks: () => Promise<readonly Chunk[]>;
  /** Whether this process has seen an answer. */
  readonly hasAnswered: boolean;
  /** Whether this process waits for the run's end; one that only looks in leaves the trying to the next. */
  readonly isWaiting: boolean;
  readonly pollEveryMs: number;
  readonly signal: AbortSignal;
  readonly warn: (message: string) => void;
}

const MOST_MISSES = 5;
const FIRST_WAIT_MS = 1000;
const TELL_EVERY_MS = 10 * 60_000;

/**
 * Notes a call that failed; gives `none` where another trouble shows that somebody is there. Where no
 * connection came about it has told of it, and has `waited` unless the run is to be `patient`.
 *
 * A run that has sent something goes on trying for as long as it takes, and says so every ten minutes. One
 * that has not ends after a few tries: an address where nobody ever was is more likely than a lost network.
 *
 * @throws {ProviderError} `provider_unreachable`, not retryable.
 */
export async function noteMiss(
  reach: Reach,
  error: ProviderError,
  { host, chunks, hasAnswered, isWaiting, pollEveryMs, signal, warn }: Trying,
): Promise<"none" | "waited" | "patient"> {
  if (!error.neverConnected) {
    reach.misses = 0;
    return "none";
  }
  const isFresh = isWaiting && !hasAnswered && !(await chunks()).some(hasReached);
  const nowMs = performance.now();
  // Chunks that are tried at the same time are one try.
  if (nowMs >= reach.nextAtMs) {
    reach.misses += 1;
    reach.nextAtMs =
      nowMs + Math.min(FIRST_WAIT_MS, pollEveryMs) * 2 ** Math.min(reach.misses - 1, 12);
  }
  if (isFresh && reach.misses >= MOST_MISSES)
    throw new ProviderError(
      "provider_unreachable",
      `${error.message}${/[.!?]$/.test(error.message) ? "" : "."} ${String(MOST_MISSES)} tries in a row came to nothing. Nothing was sent, and nothing was spent on them.`,
      {
        hint: `Check the network and the address of ${host} (--base-url); batchframe doctor tries it. The same command goes on with the plan as it is.`,
      },
    );
  if (reach.toldAtMs === null || nowMs - reach.toldAtMs >= TELL_EVERY_MS) {
    reach.toldAtMs = nowMs;
    warn(
      `${error.message}${/[.!?]$/.test(error.message) ? "" : "."} ${isFresh ? `It is tried ${String(MOST_MISSES)} times.` : "It is tried again until it works."}`,
    );
  }
  if (!isFresh) return "patient";
  const waitMs = Math.max(0, reach.nextAtMs - performance.now());
  await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  return "waited";
}

/** Whether a chunk shows that the provider was reached; what a cache has answered was asked of nobody. */
function hasReached({ number, lane, state, batchId, intent }: Chunk): boolean {
  if (number < 1) return false;
  if (lane === "realtime") return state === "ended" || state === "collected";
  return batchId !== null || (intent?.staged ?? null) !== null || state === "collected";
}
