/** How a run is doing, as numbers. */

import type { Chunk } from "./chunk.ts";

/** What a run is busy with, in the order it happens; several chunks may be in different phases, the earliest is told. */
export type Phase =
  "planning" | "submitting" | "validating" | "running" | "finalizing" | "collecting" | "done";

/** A snapshot of a run. Requests, not rows: duplicates share one. */
export interface Progress {
  readonly phase: Phase;
  /** Distinct requests; while planning, those met so far. */
  readonly requests: number;
  /** Requests with an accepted answer. */
  readonly answered: number;
  /** Requests that ended without one. */
  readonly failed: number;
  /** Requests the provider says it has worked on in batches that have not ended. */
  readonly underway: number;
  readonly chunks: number;
  readonly chunksCollected: number;
}

/** What the last look at a chunk's batch showed. */
export interface LastLook {
  readonly phase: "validating" | "running" | "finalizing" | "cancelling";
  readonly done: number | null;
}

/** The progress of a planned run; `looks` holds the last look at each submitted chunk. */
export function progressOf(
  requests: number,
  chunks: readonly Chunk[],
  looks: ReadonlyMap<number, LastLook>,
): Progress {
  let answered = 0;
  let failed = 0;
  let underway = 0;
  let collected = 0;
  for (const chunk of chunks) {
    answered += chunk.collection?.succeeded ?? 0;
    failed += chunk.collection?.failed ?? 0;
    // What the user asks to try again had been counted as failed before.
    if (chunk.origin === "retry") failed -= chunk.requestCount;
    if (chunk.state === "collected") collected += 1;
    else if (chunk.state === "ended") underway += chunk.requestCount;
    else if (chunk.state === "submitted") underway += looks.get(chunk.number)?.done ?? 0;
  }
  return {
    phase: phaseOf(chunks, looks),
    requests,
    answered,
    failed,
    underway,
    chunks: chunks.length,
    chunksCollected: collected,
  };
}

function phaseOf(chunks: readonly Chunk[], looks: ReadonlyMap<number, LastLook>): Phase {
  const open = chunks.filter((chunk) => chunk.state !== "collected");
  if (open.length === 0) return "done";
  const seen = open.flatMap((chunk) =>
    chunk.state === "submitted" ? [looks.get(chunk.number)?.phase ?? "validating"] : [],
  );
  if (seen.some((phase) => phase === "running" || phase === "cancelling")) return "running";
  if (seen.includes("validating")) return "validating";
  if (seen.includes("finalizing")) return "finalizing";
  return open.some((chunk) => chunk.state === "ended") ? "collecting" : "submitting";
}

// From the beginning of a run to its end.
const PHASES: readonly Phase[] = [
  "planning",
  "submitting",
  "validating",
  "running",
  "finalizing",
  "collecting",
  "done",
];

/** The progress of several runs that are driven together: their sums, and the phase of the one that is least far. */
export function mergedProgress(all: readonly Progress[]): Progress {
  const sum = (count: (progress: Progress) => number): number =>
    all.reduce((total, progress) => total + count(progress), 0);
  const least = Math.min(...all.map(({ phase }) => PHASES.indexOf(phase)));
  return {
    phase: PHASES[least] ?? "planning",
    requests: sum(({ requests }) => requests),
    answered: sum(({ answered }) => answered),
    failed: sum(({ failed }) => failed),
    underway: sum(({ underway }) => underway),
    chunks: sum(({ chunks }) => chunks),
    chunksCollected: sum(({ chunksCollected }) => chunksCollected),
  };
}
