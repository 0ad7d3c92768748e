/** The rows of a job: executed, and written down as replies. */
import type { Target } from "./fault-state.ts";
import type { GoogleFailure } from "./google-errors.ts";
import { execute, type Executed } from "./google-execute.ts";
import { parseJson } from "./json.ts";
import { spoiledLines } from "./line-faults.ts";
import { shuffledOrder } from "./random.ts";
import { runSlices, type RunEnd } from "./row-slices.ts";
import { openRows, type RowSource } from "./row-source.ts";
import { after, allOf, type Soon } from "./soon.ts";
import { rowOf, type VertexPlan, type VertexRow } from "./vertex-import.ts";
import { modelNameOf, type VertexJob } from "./vertex-job.ts";
import type { VertexOutput } from "./vertex-output.ts";
import type { World } from "./world.ts";

/** A job whose rows are to be executed. */
export interface VertexRun {
  readonly world: World;
  readonly job: VertexJob;
  readonly plan: VertexPlan;
  readonly output: VertexOutput;
}

/** Executes every row, in an order that follows from the seed, until the job must stop. */
export async function runVertexRows(run: VertexRun): Promise<RunEnd> {
  const { world, job, plan, output } = run;
  const inputs = await Promise.all(plan.paths.map(openRows));
  const order = shuffledOrder(plan.count, world.settings.seed + job.sequence);
  const execute = async (from: number, to: number): Promise<void> => {
    const rows = Array.from(order.subarray(from, to), (index) =>
      executeRow(run, readRow(plan, inputs, index), index),
    );
    const ends = await allOf(rows);
    if (world.closing.aborted) return;
    for (const { customId, finish } of ends) {
      const full = output.write(finish(), customId);
      if (full !== undefined) await full;
    }
  };
  try {
    return await runSlices({ world, batch: job, count: plan.count, execute });
  } finally {
    for (const input of inputs) await input.close();
  }
}

function readRow(plan: VertexPlan, inputs: readonly RowSource[], index: number): VertexRow {
  const input = inputs[plan.files[index] ?? 0];
  const text = input?.text(plan.offsets[index] ?? 0, plan.lengths[index] ?? 0) ?? "";
  return rowOf(parseJson(text.replace(/^\uFEFF/, "")));
}

interface RowEnd {
  readonly customId: string;
  /** Counts the row and makes its lines; does not throw. */
  readonly finish: () => readonly string[];
}

function executeRow(run: VertexRun, row: VertexRow, index: number): Soon<RowEnd> {
  const { world, job } = run;
  const { request } = row;
  const customId = row.customId ?? `${job.id}#${String(index)}`;
  const attempt = world.ledger.appearances(customId);
  const text = (): string => JSON.stringify(request);
  const target: Target = { key: [customId, attempt], customId, text };
  if (world.faults.strike("expireRows", target) !== null) {
    const finish = (): readonly string[] => {
      job.someExpired = true;
      return [];
    };
    return { customId, finish };
  }
  const model = modelNameOf(job.request.model);
  return after(execute(world, { model, request, customId, target }), (finishExecution) => {
    const finish = (): readonly string[] => {
      const done = finishExecution();
      if ("failure" in done) {
        job.counts.failed += 1;
        world.ledger.countFailedRow();
      } else {
        job.counts.succeeded += 1;
      }
      return spoiledLines(world, { text: replyLine(run, row, done), customId, target });
    };
    return { customId, finish };
  });
}

/** The line of one row: the echo of its request and of what stood beside it, and the response or why there is none. */
function replyLine({ world }: VertexRun, { request, siblings }: VertexRow, done: Executed): string {
  const processed_time = new Date(world.nowMs()).toISOString().replace("Z", "+00:00");
  const status = "failure" in done ? statusText(done.failure) : "";
  const response = "failure" in done ? {} : { response: done.response };
  return JSON.stringify({ status, processed_time, request, ...siblings, ...response });
}

const PHRASES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

function statusText({ status, error }: GoogleFailure): string {
  return `${PHRASES[status] ?? "Error"}: ${JSON.stringify({ error })}`;
}
