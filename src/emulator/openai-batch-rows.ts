/** One row of a batch: executed or not, and the lines it leaves in the result files. */
import type { Target } from "./fault-state.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { spoiledLines } from "./line-faults.ts";
import type { BatchRecord } from "./openai-batch.ts";
import type { BatchPlan } from "./openai-batch-plan.ts";
import type { RequestUsage } from "./openai-endpoint.ts";
import { execute, type Executed } from "./openai-execute.ts";
import type { HostWorld } from "./openai-world.ts";
import { hexId } from "./fingerprint.ts";
import { requestLine, type LineForm } from "./request-line.ts";
import { after, type Soon } from "./soon.ts";

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
  readonly world: HostWorld;
  readonly batch: BatchRecord;
  readonly plan: BatchPlan;
  /** Counts rows of the input file from 0. */
  readonly index: number;
  /** The line of the input file. */
  readonly text: string;
}

/** Executes one row, faults included, and gives what makes its outcome; neither part throws. */
export function executeRow(task: RowTask): Soon<() => RowOutcome> {
  const { world, plan } = task;
  const { customId, body } = requestLine(parseJson(task.text), formOf(task));
  const attempt = world.ledger.appearances(customId);
  const target: Target = { key: [customId, attempt], customId, text: () => JSON.stringify(body) };
  if (world.faults.strike("expireRows", target) !== null) {
    const lines = [unexecutedLine(task, "batch_expired")];
    return () => ({ ended: "expired", file: "error", lines, usage: null, usageSent: true });
  }
  const finishing = execute(world, { endpoint: plan.endpoint, body, customId, target });
  return after(finishing, (finish) => () => outcomeOf(task, { done: finish(), customId, target }));
}

interface DoneRow {
  readonly done: Executed;
  readonly customId: string;
  readonly target: Target;
}

function formOf({ world, batch }: RowTask): LineForm {
  return { host: world.host, model: batch.request.model };
}

function outcomeOf(task: RowTask, row: DoneRow): RowOutcome {
  const { world } = task;
  const { done } = row;
  const line = JSON.stringify(lineOf(task, row));
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

function lineOf({ world, batch, index }: RowTask, { done, customId }: DoneRow): JsonObject {
  const { seed } = world.settings;
  const id = `batch_req_${hexId(seed, 32, "row", batch.sequence, index)}`;
  const requestId = hexId(seed, 32, "row request", batch.sequence, index);
  const { envelope } = world.host;
  if (envelope === "together" && done.usage === null)
    return { id, custom_id: customId, error: togetherError(done) };
  const response = { status_code: done.status, body: done.body };
  if (envelope === "mistral") return { id, custom_id: customId, response, error: null };
  const traced = { status_code: done.status, request_id: requestId, body: done.body };
  return { id, custom_id: customId, response: traced, error: null };
}

/** Together's way of saying that a request was refused: no response, and whose fault it was. */
function togetherError({ status, body }: Executed): JsonObject {
  const error = isJsonObject(body) && isJsonObject(body["error"]) ? body["error"] : {};
  const isClients = status < 500 && status !== 429;
  const code = isClients ? "batch_client_error" : "batch_server_error";
  const { message } = error;
  return { code, message: typeof message === "string" ? message : "The request failed." };
}

/** The line of a row that was never executed. */
export function unexecutedLine(task: RowTask, code: "batch_expired" | "batch_cancelled"): string {
  const { customId } = requestLine(parseJson(task.text), formOf(task));
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
