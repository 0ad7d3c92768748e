/** When a run is to be done, and when what is left of its batches must be asked in realtime for that. Pure. */

/** A run's deadline, kept with it. */
export interface Deadline {
  /** When the run is to be done, in epoch milliseconds. */
  readonly atMs: number;
  /** How long the run was given when it began, in milliseconds. */
  readonly givenMs: number;
  /** Whether what is left has been handed over to the realtime lane; never taken back. */
  readonly handedOver: boolean;
}

/** A batch, as far as its own rate is known. */
export interface UnderWay {
  readonly total: number;
  /** Requests the provider says it has worked on; null where it does not count. */
  readonly done: number | null;
  /** When it was accepted, in epoch milliseconds; null while it is not. */
  readonly sinceMs: number | null;
}

// What a service answers a second in realtime until this run has seen it: 16 at once, 1.6 s each.
const USUAL_PER_SECOND = 10;
const USUAL_ANSWER_S = 1.6;
// Rates change, and the last requests of a chunk are slower than the average.
const CAUTION = 1.25;
const MARGIN_SHARE = 0.1;

/** The latest moment to begin asking so many requests in realtime, in epoch milliseconds. */
export function handOverAtMs(
  { atMs, givenMs }: Deadline,
  requestsLeft: number,
  perSecond: number = USUAL_PER_SECOND,
): number {
  const restMs = (requestsLeft / perSecond) * 1000 * CAUTION;
  return atMs - Math.max(restMs, givenMs * MARGIN_SHARE);
}

/**
 * When a batch that was cancelled is waited for no longer, in epoch milliseconds: half way from the hand-over
 * to the deadline, so that the other half is left to ask what it has not given back.
 */
export function giveUpAtMs(
  deadline: Deadline,
  requestsLeft: number,
  perSecond: number = USUAL_PER_SECOND,
): number {
  return (handOverAtMs(deadline, requestsLeft, perSecond) + deadline.atMs) / 2;
}

/** How many requests a second are answered in realtime within such bounds, as far as can be known beforehand. */
export function realtimePerSecond(bounds: {
  /** The most requests under way at once. */
  readonly concurrency: number;
  /** Null where nothing bounds it. */
  readonly requestsPerMinute: number | null;
}): number {
  const { concurrency, requestsPerMinute } = bounds;
  return Math.min(
    concurrency / USUAL_ANSWER_S,
    (requestsPerMinute ?? Number.POSITIVE_INFINITY) / 60,
  );
}

/** Whether a batch will be done before the deadline at its own rate; one of which no rate is known will not. */
export function makesIt(
  { atMs, givenMs }: Deadline,
  { total, done, sinceMs }: UnderWay,
  nowMs: number,
): boolean {
  if (done === null || done === 0 || sinceMs === null) return false;
  const tookMs = Math.max(1, nowMs - sinceMs);
  const doneAtMs = nowMs + (tookMs / done) * Math.max(0, total - done) * CAUTION;
  return doneAtMs <= atMs - (givenMs * MARGIN_SHARE) / 2;
}
