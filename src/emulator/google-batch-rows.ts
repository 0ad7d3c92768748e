/** The rows of a Gemini batch: executed, and written down as replies. */
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
import { openRows, type RowSource } from "./row-source.ts";
import { after, allOf, type Soon } from "./soon.ts";
import type { World } from "./world.ts";

/** A batch whose rows are to be executed. */
export interface GoogleRun {
  readonly world: World;
  readonly batch: GoogleBatch;
  readonly plan: GooglePlan;
  /** Takes the reply lines of one row; `index` counts rows of the input from 0. */
  readonly write: (lines: readonly string[], index: number) => Promise<void> | undefined;
}

/** Executes every row, in an order that follows from the seed, until the batch must stop. */
export async function runGoogleRows(run: GoogleRun): Promise<RunEnd> {
  const { world, batch, plan } = run;
  const input = await openRows(plan.path);
  const order = shuffledOrder(plan.count, world.settings.seed + batch.sequence);
  const execute = async (from: number, to: number): Promise<void> => {
    const rows = Array.from(order.subarray(from, to), (index) =>
      executeRow(run, readRow(plan, input, index), index),
    );
    const finishes = await allOf(rows);
    if (world.closing.aborted) return;
    for (const [at, finish] of finishes.entries()) {
      const full = run.write(finish(), order[from + at] ?? 0);
      if (full !== undefined) await full;
    }
  };
  try {
    return await runSlices({ world, batch, count: plan.count, execute });
  } finally {
    await input.close();
  }
}

function readRow(plan: GooglePlan, input: RowSource, index: number): GoogleRow {
  return rowOf(parseJson(input.text(plan.offsets[index] ?? 0, plan.lengths[index] ?? 0)));
}

/** Executes one row, faults included, and gives what counts it and makes its lines; neither part throws. */
function executeRow(run: GoogleRun, row: GoogleRow, index: number): Soon<() => readonly string[]> {
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
  const finishing = act(world, { model: batch.request.model, request, customId, target });
  return after(finishing, (finish) => () => {
    const done = finish();
    if ("failure" in done) {
      batch.counts.failed += 1;
      world.ledger.countFailedRow();
    } else {
      batch.counts.succeeded += 1;
    }
    return spoiledLines(world, { text: replyLine(run, row, done), customId, target });
  });
}

function replyLine({ plan }: GoogleRun, row: GoogleRow, done: Executed): string {
  const said = "failure" in done ? { error: rpcStatus(done.failure) } : { response: done.response };
  const { key, metadata } = row;
  if (!plan.inline) return JSON.stringify({ ...(key === null ? {} : { key }), ...said });
  return JSON.stringify({ ...said, ...(metadata === null ? {} : { metadata }) });
}
