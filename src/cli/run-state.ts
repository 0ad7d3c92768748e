/** Where a run on disk stands, in one word and as data. */

import type { RunStatus } from "../index.ts";
import type { RunData } from "./json-output.ts";

/** `planning` rows are being read · `planned` nothing was sent · `underway` something was · `finished` nothing is left to do. */
export type RunState = "planning" | "planned" | "underway" | "finished";

/** The state of a run as its store tells it. */
export function stateOf({ finishedAt, plan, chunks }: RunStatus): RunState {
  if (finishedAt !== null) return "finished";
  if (plan === null) return "planning";
  return chunks.every(({ state, intent }) => state === "planned" && intent === null)
    ? "planned"
    : "underway";
}

/** A run as scripts read it; members are added in later versions, never changed. */
export function runData(run: RunStatus): RunData {
  const { id, directory, model, column, input, output, createdAt, finishedAt, plan } = run;
  const { requests, answered, cached, failed, underway, chunks, chunksCollected } = run.progress;
  const { phase, spentUsd, capUsd = null, projectedUsd, timeLeft } = run.progress;
  return {
    run: id,
    status: stateOf(run),
    model,
    column,
    input,
    output,
    directory,
    rows: plan?.rows ?? null,
    phase,
    requests: { total: requests, answered, cached, failed, underway },
    chunks: { total: chunks, collected: chunksCollected },
    spentUsd,
    capUsd,
    projectedUsd,
    timeLeft,
    createdAt: createdAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}
