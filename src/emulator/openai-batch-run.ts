/** The running of a batch: its rows, a few at a time, in an order that follows from the seed. */
import { addUsage, type BatchRecord } from "./openai-batch.ts";
import type { BatchPlan } from "./openai-batch-plan.ts";
import type { ResultFiles } from "./openai-batch-results.ts";
import { executeRow, unexecutedLine, type RowOutcome, type RowTask } from "./openai-batch-rows.ts";
import type { RowSource } from "./row-source.ts";
import { runSlices, type RunEnd } from "./row-slices.ts";
import type { HostWorld } from "./openai-world.ts";
import { allOf } from "./soon.ts";

/** A batch in progress. */
export interface Run {
  readonly world: HostWorld;
  readonly batch: BatchRecord;
  readonly plan: BatchPlan;
  readonly input: RowSource;
  readonly results: ResultFiles;
  /** The order in which rows are executed and delivered. */
  readonly order: Uint32Array;
}

/** Executes rows until all are done, the window is over, or the batch is cancelled. */
export function runRows(run: Run): Promise<RunEnd> {
  const { world, batch, plan } = run;
  const execute = (from: number, to: number): Promise<void> => executeRows(run, from, to);
  return runSlices({ world, batch, count: plan.count, execute });
}

async function executeRows(run: Run, from: number, to: number): Promise<void> {
  const rows = Array.from(run.order.subarray(from, to), (index) => executeRow(taskOf(run, index)));
  const finishes = await allOf(rows);
  if (run.world.closing.aborted) return;
  for (const finish of finishes) {
    const outcome = finish();
    note(run, outcome);
    for (const line of outcome.lines) {
      const full = run.results.write(outcome.file, line);
      if (full !== undefined) await full;
    }
  }
}

function note({ batch }: Run, outcome: RowOutcome): void {
  if (outcome.ended === "completed") batch.counts.completed += 1;
  else batch.counts.failed += 1;
  if (outcome.usage !== null) addUsage(batch, outcome.usage);
  if (!outcome.usageSent) batch.usageKnown = false;
  if (outcome.ended === "expired") batch.someExpired = true;
}

/** Writes an error line for every row of the order from `from` on, and counts it as failed. */
export async function writeUnexecuted(
  run: Run,
  from: number,
  code: "batch_expired" | "batch_cancelled",
): Promise<void> {
  for (const index of run.order.subarray(from)) {
    await run.results.write("error", unexecutedLine(taskOf(run, index), code));
    run.batch.counts.failed += 1;
  }
}

function taskOf(run: Run, index: number): RowTask {
  const { world, batch, plan, input } = run;
  const text = input.text(plan.offsets[index] ?? 0, plan.lengths[index] ?? 0);
  return { world, batch, plan, index, text };
}
