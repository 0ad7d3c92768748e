/** How a run is doing, as numbers. */

import { isRecalled, type Chunk, type ChunkOrigin } from "./chunk.ts";
import type { Lane } from "./lane.ts";
import type { Look } from "./look.ts";
import { bandUsd } from "./plan-cost.ts";
import { roundedUsd, spentUsd, type Price } from "./price.ts";
import { timeLeft, type TimeRange } from "./time-left.ts";

/**
 * What a run is busy with; several chunks may be in different phases, the one that decides is told.
 *
 * `planning` rows are read · `submitting` chunks are uploaded · `validating`, `running`, `finalizing` as
 * the provider says of its batches · `downloading` replies are read · `retrying` all that is left are
 * requests that are asked again · `paused` nothing is under way and nothing is being sent · `done`.
 */
export type Phase =
  | "planning"
  | "submitting"
  | "validating"
  | "running"
  | "finalizing"
  | "downloading"
  | "retrying"
  | "paused"
  | "done";

/** A batch under way. */
export interface BatchProgress {
  /** The column of its step, in a run of several. */
  readonly step?: string;
  readonly chunk: number;
  /** `plan` unless its requests are asked again: `resend` no reply came, `again` it was unusable, `retry` the user wishes it. */
  readonly origin: ChunkOrigin;
  readonly lane: Lane;
  /** The provider's name for it; null while it is being made. */
  readonly id: string | null;
  readonly phase:
    "submitting" | "validating" | "running" | "finalizing" | "cancelling" | "downloading";
  /** Requests the provider has worked on; null where it does not say. */
  readonly done: number | null;
  readonly total: number;
}

/** A snapshot of a run. Requests, not rows: duplicates share one. */
export interface Progress {
  readonly phase: Phase;
  /** Distinct requests; while planning, those met so far. */
  readonly requests: number;
  /** Requests with an accepted answer. */
  readonly answered: number;
  /** Those among them that a cache answered, for nothing. */
  readonly cached: number;
  /** Requests that ended without one. */
  readonly failed: number;
  /** Requests the provider says it has worked on in batches that have not ended. */
  readonly underway: number;
  readonly chunks: number;
  readonly chunksCollected: number;
  /** The batches that were sent and are not collected, by chunk. */
  readonly batches: readonly BatchProgress[];
  /** US dollars for the replies collected so far; null when the model's price is not known. */
  readonly spentUsd: number | null;
  /** The most that may be spent, by this run and all others of the same call; left out where there is no cap. */
  readonly capUsd?: number;
  /** US dollars for the whole run, as the replies collected so far let it be expected, and before the first the plan; null without a price. */
  readonly projectedUsd: number | null;
  /** How long until all requests are worked on; null while there is too little to judge by. */
  readonly timeLeft: TimeRange | null;
}

/** What a progress is made of. */
export interface ProgressInput {
  /** Distinct requests. */
  readonly requests: number;
  readonly chunks: readonly Chunk[];
  /** The last look at each submitted chunk, where it is newer than what the chunk remembers. */
  readonly looks?: ReadonlyMap<number, Look>;
  /** False where nobody sends what waits. */
  readonly sends: boolean;
  /** Whether the provider charges nothing. */
  readonly free: boolean;
  readonly price: Price | null;
}

/** The progress of a planned run. */
export function progressOf(input: ProgressInput): Progress {
  const { requests, chunks } = input;
  const looks = newestLooks(input);
  let answered = 0;
  let cached = 0;
  let failed = 0;
  let underway = 0;
  let collected = 0;
  for (const chunk of chunks) {
    answered += chunk.collection?.succeeded ?? 0;
    failed += chunk.collection?.failed ?? 0;
    if (isRecalled(chunk.number)) cached += chunk.requestCount;
    // What the user asks to try again had been counted as failed before.
    if (chunk.origin === "retry") failed -= chunk.requestCount;
    if (chunk.state === "collected") collected += 1;
    else if (chunk.state === "ended") underway += chunk.requestCount;
    else if (chunk.state === "submitted") underway += looks.get(chunk.number)?.done ?? 0;
  }
  const batches = chunks.flatMap((chunk) => batchProgress(chunk, looks.get(chunk.number)) ?? []);
  const phase = phaseOf(input, batches);
  return {
    phase,
    requests,
    answered,
    cached,
    failed,
    underway,
    chunks: chunks.length,
    chunksCollected: collected,
    batches,
    ...moneyOf(input, { answered, cached, failed }),
    timeLeft:
      phase === "paused" || phase === "done"
        ? null
        : timeLeft(chunks, looks, requests - answered - failed - underway),
  };
}

function newestLooks({ chunks, looks }: ProgressInput): ReadonlyMap<number, Look> {
  return new Map(
    chunks.flatMap(({ number, look }) => {
      const newest = looks?.get(number) ?? look;
      return newest === null ? [] : [[number, newest] as const];
    }),
  );
}

function batchProgress(chunk: Chunk, look: Look | undefined): BatchProgress | null {
  const { number, state, origin, lane, batchId, requestCount: total } = chunk;
  const base = { chunk: number, origin, lane, id: batchId, total };
  switch (state) {
    case "submitting":
      return { ...base, phase: "submitting", done: 0 };
    case "submitted":
      return {
        ...base,
        phase: look?.phase ?? "validating",
        done: look === undefined ? 0 : look.done,
      };
    case "ended":
      return { ...base, phase: "downloading", done: total };
    default:
      return null;
  }
}

function phaseOf({ chunks, sends }: ProgressInput, batches: readonly BatchProgress[]): Phase {
  const open = chunks.filter(({ state }) => state !== "collected");
  if (open.length === 0) return "done";
  if (batches.length === 0 && !sends) return "paused";
  if (open.every(({ origin }) => origin !== "plan")) return "retrying";
  const is = (phase: BatchProgress["phase"]): boolean =>
    batches.some((batch) => batch.phase === phase);
  if (is("running") || is("cancelling")) return "running";
  if (is("validating")) return "validating";
  if (is("finalizing")) return "finalizing";
  return is("downloading") ? "downloading" : "submitting";
}

/** What was spent, and what the whole will come to at the price of what there is. */
function moneyOf(
  { chunks, requests, free, price }: ProgressInput,
  counts: { readonly answered: number; readonly cached: number; readonly failed: number },
): Pick<Progress, "spentUsd" | "projectedUsd"> {
  if (free) return { spentUsd: 0, projectedUsd: 0 };
  if (price === null) return { spentUsd: null, projectedUsd: null };
  const spent = roundedUsd(
    chunks.reduce(
      (sum, { collection, lane }) =>
        collection === null ? sum : sum + spentUsd([collection], price, lane),
      0,
    ),
  );
  const paid = counts.answered - counts.cached + Math.max(0, counts.failed);
  const toPay = requests - counts.cached;
  const projectedUsd =
    toPay === 0
      ? 0
      : paid <= 0
        ? expectedUsd(chunks, price)
        : roundedUsd((spent / paid) * Math.max(paid, toPay));
  return { spentUsd: spent, projectedUsd };
}

/** What chunks of which no reply has come are expected to cost; null where one has no estimate. */
function expectedUsd(chunks: readonly Chunk[], price: Price): number | null {
  const open = chunks.filter(({ state }) => state !== "collected");
  const known = open.flatMap(({ estimate, lane }) =>
    estimate === null ? [] : bandUsd(estimate, price, lane).expected,
  );
  if (known.length < open.length) return null;
  return roundedUsd(known.reduce((sum, usd) => sum + usd, 0));
}

/** A batch that has come, gone on to another phase, or been collected. */
export interface BatchChange extends Omit<BatchProgress, "phase"> {
  readonly phase: BatchProgress["phase"] | "collected";
}

/** What has become of batches between two snapshots of one run; phases that came and went unseen are not told. */
export function batchChanges(before: Progress | null, after: Progress): readonly BatchChange[] {
  const key = ({ step, chunk, id }: BatchProgress): string => JSON.stringify([step, chunk, id]);
  const known = new Map((before?.batches ?? []).map((batch) => [key(batch), batch]));
  const now = new Set(after.batches.map(key));
  // One without a name is gone because it has one now, or because the provider took no batch.
  const gone = [...known].filter(([name, { id }]) => id !== null && !now.has(name));
  return [
    ...gone.map(([, batch]) => ({ ...batch, done: batch.total, phase: "collected" as const })),
    ...after.batches.filter((batch) => known.get(key(batch))?.phase !== batch.phase),
  ];
}

/** The progress of a run that is being planned and has met so many requests. */
export function planningProgress(requests: number): Progress {
  return {
    phase: "planning",
    requests,
    ...{ answered: 0, cached: 0, failed: 0, underway: 0, chunks: 0, chunksCollected: 0 },
    batches: [],
    spentUsd: 0,
    projectedUsd: null,
    timeLeft: null,
  };
}

// From the beginning of a run to its end.
const PHASES: readonly Phase[] = [
  "planning",
  "submitting",
  "validating",
  "running",
  "finalizing",
  "downloading",
  "retrying",
  "paused",
  "done",
];

/** The progress of one step of several. */
export function stepProgress(step: string, progress: Progress): Progress {
  return { ...progress, batches: progress.batches.map((batch) => ({ ...batch, step })) };
}

/**
 * The progress of several runs that are driven together: their sums, and the phase of the one that is
 * least far. What is not known of one of them is not known of all; the slowest decides the time.
 */
export function mergedProgress(all: readonly Progress[]): Progress {
  const sum = (count: (progress: Progress) => number): number =>
    all.reduce((total, progress) => total + count(progress), 0);
  const sumKnown = (count: (progress: Progress) => number | null): number | null =>
    all.reduce<number | null>((total, progress) => {
      const part = count(progress);
      return total === null || part === null ? null : roundedUsd(total + part);
    }, 0);
  const least = Math.min(...all.map(({ phase }) => PHASES.indexOf(phase)));
  const capUsd = all.find((progress) => progress.capUsd !== undefined)?.capUsd;
  return {
    phase: PHASES[least] ?? "planning",
    requests: sum(({ requests }) => requests),
    answered: sum(({ answered }) => answered),
    cached: sum(({ cached }) => cached),
    failed: sum(({ failed }) => failed),
    underway: sum(({ underway }) => underway),
    chunks: sum(({ chunks }) => chunks),
    chunksCollected: sum(({ chunksCollected }) => chunksCollected),
    batches: all.flatMap(({ batches }) => batches),
    spentUsd: sumKnown((progress) => progress.spentUsd),
    // One purse holds the runs of a call together.
    ...(capUsd === undefined ? {} : { capUsd }),
    projectedUsd: sumKnown((progress) => progress.projectedUsd),
    timeLeft: mergedTime(all.filter(({ phase }) => phase !== "done")),
  };
}

function mergedTime(open: readonly Progress[]): TimeRange | null {
  const known = open.flatMap((progress) => progress.timeLeft ?? []);
  if (known.length === 0 || known.length < open.length) return null;
  return {
    lowMs: Math.max(...known.map(({ lowMs }) => lowMs)),
    highMs: Math.max(...known.map(({ highMs }) => highMs)),
  };
}
