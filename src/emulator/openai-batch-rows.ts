/** One row of a batch: executed or not, and the lines it leaves in the result files. */
import type { Target } from "./fault-state.ts";
import { isJsonObject, parseJson } from "./json.ts";
import { spoiledLines } from "./line-faults.ts";
import type { BatchRecord } from "./openai-batch.ts";
import { requestLine, type BatchPlan } from "./openai-batch-plan.ts";
import type { RequestUsage } from "./openai-endpoint.ts";
import { execute, type Executed } from "./openai-execute.ts";
import { hexId } from "./random.ts";
import type { World } from "./world.ts";

/** How a row ended, and its lines, in order, without line ends. */
export interface RowOutcome {
  readonly ended: "completed" | "failed" | "expired";
  /** The file the lines belong in. */
  readonly file: "output" | "error";
  readonly lines: readonly string[];
  /** Null when nothing was billed. */
  readonly usage: RequestUsage | null;
  /** False when the answer was sent without its usage. */
  readonly usageSent: boolean;
}

/** What it takes to execute a row. */
export interface RowTask {
  readonly world: World;
  readonly batch: BatchRecord;
  readonly plan: BatchPlan;
  /** Counts rows of the input file from 0. */
  readonly index: number;
  /** The line of the input file. */
  readonly text: string;
}

/** Executes one row, faults included, and gives what makes its outcome; neither part throws. */
export async function executeRow(task: RowTask): Promise<() => RowOutcome> {
  const { world, plan } = task;
  const { customId, body } = requestLine(parseJson(task.text));
  const attempt = world.ledger.appearances(customId);
  const target: Target = { key: [customId, attempt], customId, text: () => JSON.stringify(body) };
  if (world.faults.strike("expireRows", target) !== null) {
    const lines = [unexecutedLine(task, "batch_expired")];
    return () => ({ ended: "expired", file: "error", lines, usage: null, usageSent: true });
  }
  const finish = await execute(world, { endpoint: plan.endpoint, body, customId, target });
  return () => outcomeOf(task, { done: finish(), customId, target });
}

interface DoneRow {
  readonly done: Executed;
  readonly customId: string;
  readonly target: Target;
}

function outcomeOf({ world, batch, index }: RowTask, row: DoneRow): RowOutcome {
  const { done } = row;
  const line = JSON.stringify({
    id: `batch_req_${hexId(world.settings.seed, 32, "row", batch.sequence, index)}`,
    custom_id: row.customId,
    response: {
      status_code: done.status,
      request_id: hexId(world.settings.seed, 32, "row request", batch.sequence, index),
      body: done.body,
    },
    error: null,
  });
  if (done.usage === null) world.ledger.countFailedRow();
  const good = done.usage !== null;
  return {
    ended: good ? "completed" : "failed",
    file: good ? "output" : "error",
    lines: spoiledLines(world, { text: line, customId: row.customId, target: row.target }),
    usage: done.usage,
    usageSent: !good || (isJsonObject(done.body) && done.body["usage"] !== undefined),
  };
}

/** The line of a row that was never executed. */
export function unexecutedLine(task: RowTask, code: "batch_expired" | "batch_cancelled"): string {
  const { customId } = requestLine(parseJson(task.text));
  const message =
    code === "batch_expired"
      ? "This request could not be executed before the completion window expired."
      : "This request was not executed because the batch was cancelled.";
  return JSON.stringify({
    id: `batch_req_${hexId(task.world.settings.seed, 32, "row", task.batch.sequence, task.index)}`,
    custom_id: customId,
    response: null,
    error: { code, message },
  });
}
