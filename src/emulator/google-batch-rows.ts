/** The rows of a Gemini batch: executed, and written down as replies. */
import { closeSync, openSync, readSync } from "node:fs";
import type { Target } from "./fault-state.ts";
import { rpcStatus } from "./google-errors.ts";
import type { GoogleBatch } from "./google-batch.ts";
import { rowOf, type GooglePlan, type GoogleRow } from "./google-batch-plan.ts";
import { executeEmbed } from "./google-embed.ts";
import { execute, type Executed } from "./google-execute.ts";
import { parseJson } from "./json.ts";
import { spoiledLines } from "./line-faults.ts";
import { shuffledOrder } from "./random.ts";
import { runSlices, type RunEnd } from "./row-slices.ts";
import type { World } from "./world.ts";

/** A batch whose rows are to be executed. */
export interface GoogleRun {
  readonly world: World;
  readonly batch: GoogleBatch;
  readonly plan: GooglePlan;
  /** Takes the reply lines of one row; `index` counts rows of the input from 0. */
  readonly write: (lines: readonly string[], index: number) => Promise<void>;
}

/** Executes every row, in an order that follows from the seed, until the batch must stop. */
export async function runGoogleRows(run: GoogleRun): Promise<RunEnd> {
  const { world, batch, plan } = run;
  const input = openSync(plan.path, "r");
  const order = shuffledOrder(plan.count, world.settings.seed + batch.sequence);
  const execute = async (from: number, to: number): Promise<void> => {
    const indices = [...order.subarray(from, to)];
    const finishes = await Promise.all(
      indices.map((index) => executeRow(run, readRow(plan, input, index), index)),
    );
    if (world.closing.aborted) return;
    for (const [at, finish] of finishes.entries()) await run.write(finish(), indices[at] ?? 0);
  };
  try {
    return await runSlices({ world, batch, count: plan.count, execute });
  } finally {
    closeSync(input);
  }
}

function readRow(plan: GooglePlan, input: number, index: number): GoogleRow {
  const bytes = Buffer.allocUnsafe(plan.lengths[index] ?? 0);
  readSync(input, bytes, 0, bytes.length, plan.offsets[index] ?? 0);
  return rowOf(parseJson(bytes.toString("utf8")));
}

/** Executes one row, faults included, and gives what counts it and makes its lines; neither part throws. */
async function executeRow(
  run: GoogleRun,
  row: GoogleRow,
  index: number,
): Promise<() => readonly string[]> {
  const { world, batch } = run;
  const { request } = row;
  const customId = row.key ?? `${batch.id}#${String(index)}`;
  const attempt = world.ledger.appearances(customId);
  const text = (): string => JSON.stringify(request);
  const target: Target = { key: [customId, attempt], customId, text };
  if (world.faults.strike("expireRows", target) !== null) {
    return () => {
      batch.someExpired = true;
      batch.counts.failed += 1;
      return [];
    };
  }
  const act = run.plan.kind === "embed" ? executeEmbed : execute;
  const finish = await act(world, { model: batch.request.model, request, customId, target });
  return () => {
    const done = finish();
    if ("failure" in done) {
      batch.counts.failed += 1;
      world.ledger.countFailedRow();
    } else {
      batch.counts.succeeded += 1;
    }
    return spoiledLines(world, { text: replyLine(run, row, done), customId, target });
  };
}

function replyLine({ plan }: GoogleRun, row: GoogleRow, done: Executed): string {
  const said = "failure" in done ? { error: rpcStatus(done.failure) } : { response: done.response };
  const { key, metadata } = row;
  if (!plan.inline) return JSON.stringify({ ...(key === null ? {} : { key }), ...said });
  return JSON.stringify({ ...said, ...(metadata === null ? {} : { metadata }) });
}
