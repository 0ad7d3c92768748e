/** What looks at a batch have shown, kept so that others may read how it goes. */

/** What a provider tells of a batch that has not ended; `done` is null where it does not count. */
export interface Seen {
  readonly phase: "validating" | "running" | "finalizing" | "cancelling";
  readonly done: number | null;
}

/** A count of requests the provider had worked on, and when it was seen, in epoch milliseconds. */
export interface Mark {
  readonly done: number;
  readonly atMs: number;
}

/** The last look at a batch, with a few of the counts seen before: how fast it goes. */
export interface Look extends Seen {
  readonly atMs: number;
  /** Rising counts, the oldest first; at most MOST_MARKS, spread over the batch's whole time. */
  readonly marks: readonly Mark[];
}

/** How many counts are kept of a batch. */
export const MOST_MARKS = 16;

// Longer than any wait between two looks: nobody watched meanwhile, and a batch of a process that was
// not there stood still.
const UNWATCHED_MS = 15 * 60_000;

/** A look that follows another one. */
export function lookedAgain(before: Look | null, seen: Seen, atMs: number): Look {
  const watched = before !== null && atMs - before.atMs < UNWATCHED_MS ? before.marks : [];
  const last = watched.at(-1)?.done ?? -1;
  const isRise = seen.phase === "running" && seen.done !== null && seen.done > last;
  const marks = isRise ? thinned([...watched, { done: seen.done, atMs }]) : watched;
  return { phase: seen.phase, done: seen.done, atMs, marks };
}

/** Every second mark where there are too many, the first and the last among them. */
function thinned(marks: readonly Mark[]): readonly Mark[] {
  if (marks.length <= MOST_MARKS) return marks;
  return marks.filter((_, at) => at % 2 === 0 || at === marks.length - 1);
}
