/** When each chunk's next step is due, and how many batches may be under way: patience, kept in one place. */

import type { Chunk, Learnt } from "./chunk.ts";

const LONGEST_WAIT_MS = 5 * 60_000;
const LONGEST_RESOLVE_WAIT_MS = 5000;

/** What a pace is kept with. */
export interface PaceSettings {
  /** The base of every wait, in milliseconds. */
  readonly pollEveryMs: number;
  readonly learnt: Learnt;
  /** A monotonic clock in milliseconds: the wall clock may jump. */
  readonly now: () => number;
  /** A number from 0 up to 1, drawn anew at each call. */
  readonly random: () => number;
}

/**
 * The pace of one drive. Waits are spread by a fifth either way, so that many chunks and many runs do
 * not call in step.
 */
export interface Pace {
  /** The open chunks that may take a step now: those under way, and planned ones while there is room. */
  due(open: readonly Chunk[], room: number): readonly Chunk[];
  /** How long until the next one may, in milliseconds. */
  restMs(open: readonly Chunk[], room: number): number;
  /** The chunk has moved: its next step is due at once, and its troubles are forgotten. */
  moved(chunk: number): void;
  /** A batch was looked at; gives how long it has stood still, in milliseconds. */
  looked(chunk: number, seen: { readonly moved: boolean; readonly ageMs: number }): number;
  /** A step failed and may succeed later; gives how many failed in a row. */
  trouble(chunk: number, retryAfterMs: number | undefined): number;
  waitToResolve(chunk: number): void;
  /** The provider takes no batch for now. */
  hold(retryAfterMs: number | undefined): void;
  /** The provider had no room for a batch of `requests` beside `others`. */
  refused(others: number, requests: number): void;
  /** Batches refused for lack of room since one was taken. */
  refusals(): number;
  /** A batch was answered: there may be room for more. */
  succeeded(): void;
  learnt(): Learnt;
}

// A small batch may end within a second, and then nobody wants to wait for half a minute.
const SHORTEST_LOOK_MS = 250;

/** How long a batch of this age waits at most: half as long as it has waited, about a dozen looks to the usual pace. */
function whileYoungMs(ageMs: number): number {
  return Math.max(SHORTEST_LOOK_MS, ageMs / 2);
}

/** A fresh pace. */
export function paceOf({ pollEveryMs, learnt: known, now, random }: PaceSettings): Pace {
  const jittered = (waitMs: number): number => waitMs * (0.8 + random() * 0.4);
  const dueAt = new Map<number, number>();
  const troubles = new Map<number, number>();
  const still = new Map<number, { looks: number; since: number }>();
  let learnt = known;
  let heldUntil = 0;
  let refusals = 0;
  let successes = 0;

  const after = (chunk: number, waitMs: number): void => {
    dueAt.set(chunk, now() + jittered(waitMs));
  };
  const doubled = (times: number): number =>
    Math.min(LONGEST_WAIT_MS, pollEveryMs * 2 ** Math.min(times, 12));
  const allowed = (open: readonly Chunk[], room: number): readonly Chunk[] => {
    const underway = open.filter(({ state }) => state === "submitting" || state === "submitted");
    let free = now() < heldUntil ? 0 : Math.max(0, room - underway.length);
    return open.filter(({ state }) => state !== "planned" || free-- > 0);
  };
  const holdFor = (waitMs: number): void => {
    heldUntil = Math.max(heldUntil, now() + jittered(waitMs));
  };

  return {
    due: (open, room) => {
      const at = now();
      return allowed(open, room).filter(({ number }) => (dueAt.get(number) ?? 0) <= at);
    },
    restMs: (open, room) => {
      const at = now();
      const times = allowed(open, room).map(({ number }) => dueAt.get(number) ?? 0);
      const held = heldUntil > at ? [heldUntil] : [];
      return Math.max(1, Math.min(...times, ...held, at + LONGEST_WAIT_MS) - at);
    },
    moved: (chunk) => {
      dueAt.delete(chunk);
      troubles.delete(chunk);
      still.delete(chunk);
    },
    looked: (chunk, seen) => {
      troubles.delete(chunk);
      const at = now();
      // At the first look after a start the batch may have stood still since it was sent.
      const before = still.get(chunk) ?? { looks: 0, since: at - seen.ageMs };
      const state = seen.moved && still.has(chunk) ? { looks: 0, since: at } : before;
      still.set(chunk, { looks: state.looks + 1, since: state.since });
      const usualMs = pollEveryMs * Math.min(10, 1 + state.looks / 4);
      after(chunk, Math.min(LONGEST_WAIT_MS, usualMs, whileYoungMs(seen.ageMs)));
      return at - state.since;
    },
    trouble: (chunk, retryAfterMs) => {
      const count = (troubles.get(chunk) ?? 0) + 1;
      troubles.set(chunk, count);
      after(chunk, Math.max(retryAfterMs ?? 0, doubled(count - 1)));
      return count;
    },
    waitToResolve: (chunk) => {
      after(chunk, Math.min(pollEveryMs, LONGEST_RESOLVE_WAIT_MS));
    },
    hold: (retryAfterMs) => {
      holdFor(Math.max(retryAfterMs ?? 0, pollEveryMs));
    },
    refused: (others, requests) => {
      refusals += 1;
      successes = 0;
      learnt =
        others > 0
          ? { ...learnt, maxBatchesInFlight: others }
          : { maxBatchesInFlight: 1, maxRequestsPerBatch: Math.max(1, Math.ceil(requests / 2)) };
      holdFor(doubled(others > 0 ? 0 : Math.min(refusals, 6)));
    },
    refusals: () => refusals,
    succeeded: () => {
      refusals = 0;
      successes += 1;
      const most = learnt.maxBatchesInFlight;
      // One more at a time, after as many successes as there are places: limits rise slowly too.
      if (most === null || successes < most) return;
      successes = 0;
      learnt = { ...learnt, maxBatchesInFlight: most + 1 };
    },
    learnt: () => learnt,
  };
}
