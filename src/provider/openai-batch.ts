/** A batch as any host of OpenAI's protocol describes it, read without trusting that it is all there. */

import type { BatchOutcome, EndingReason, RemoteNames } from "../core/chunk.ts";
import { asRecord, numberOf, textOf } from "./json-values.ts";
import type { BatchStatus, Tag } from "./provider.ts";

/** One batch, in our words. */
export interface HostBatch {
  readonly id: string;
  readonly status: BatchStatus;
  /** The files it was made from. */
  readonly inputs: readonly string[];
  /** The tag in its metadata; null where it carries none. */
  readonly tag: Tag | null;
  /** Null where the host does not say when it was made. */
  readonly createdAtMs: number | null;
}

// OpenAI, Azure, Groq, Parasail and Doubleword say the first word, Mistral and Together the others.
const OUTCOMES: Readonly<Record<string, BatchOutcome>> = {
  completed: "completed",
  success: "completed",
  succeeded: "completed",
  failed: "failed",
  expired: "expired",
  timeout_exceeded: "expired",
  cancelled: "cancelled",
  canceled: "cancelled",
};

type RunningPhase = Exclude<BatchStatus["phase"], "ended">;

const PHASES: Readonly<Record<string, RunningPhase>> = {
  validating: "validating",
  submitted: "validating",
  queued: "validating",
  finalizing: "finalizing",
  cancelling: "cancelling",
  canceling: "cancelling",
  cancellation_requested: "cancelling",
};

/**
 * The batch a reply describes, bare or inside `job`; null when it is no object with an id.
 *
 * Hosts leave out fields, write states in capitals, times as seconds or ISO 8601, and `""` for a file
 * that is none. A state that is not known to be final counts as running.
 */
export function readBatch(reply: unknown): HostBatch | null {
  const outer = asRecord(reply);
  const batch = asRecord(outer?.["job"]) ?? outer;
  const id = nameOf(batch?.["id"]);
  if (batch === null || id === null) return null;
  return {
    id,
    status: statusOf(batch),
    inputs: inputsOf(batch),
    tag: tagOf(asRecord(batch["metadata"])),
    createdAtMs: timeOf(batch["created_at"]),
  };
}

/** The metadata that marks a batch as ours. */
export function tagMetadata({ run, chunk, intent }: Tag): Readonly<Record<string, string>> {
  return { batchframe_run: run, batchframe_chunk: String(chunk), batchframe_intent: intent };
}

/** The moment a host wrote as seconds or as ISO 8601, in epoch milliseconds; null when it is neither. */
export function timeOf(value: unknown): number | null {
  const seconds = numberOf(value);
  if (seconds !== null) return seconds * 1000;
  const parsed = Date.parse(textOf(value) ?? "");
  return Number.isFinite(parsed) ? parsed : null;
}

function nameOf(value: unknown): string | null {
  const text = textOf(value);
  return text === "" ? null : text;
}

function tagOf(metadata: Readonly<Record<string, unknown>> | null): Tag | null {
  const run = nameOf(metadata?.["batchframe_run"]);
  if (run === null) return null;
  const chunk = Number(metadata?.["batchframe_chunk"]);
  return { run, chunk, intent: textOf(metadata?.["batchframe_intent"]) ?? "" };
}

function inputsOf(batch: Readonly<Record<string, unknown>>): readonly string[] {
  const many = batch["input_files"];
  return [batch["input_file_id"], ...(Array.isArray(many) ? (many as unknown[]) : [])].flatMap(
    (name) => nameOf(name) ?? [],
  );
}

function statusOf(batch: Readonly<Record<string, unknown>>): BatchStatus {
  const status = (textOf(batch["status"]) ?? "").toLowerCase();
  const outcome = OUTCOMES[status];
  if (outcome !== undefined)
    return {
      phase: "ended",
      ending: { outcome, results: resultFiles(batch), reason: reasonOf(batch) },
    };
  return { phase: PHASES[status] ?? "running", done: doneOf(batch) };
}

function doneOf(batch: Readonly<Record<string, unknown>>): number | null {
  const counts = asRecord(batch["request_counts"]);
  const completed = numberOf(counts?.["completed"]);
  // Mistral counts failed requests among the completed ones.
  if (completed === null) return numberOf(batch["completed_requests"]);
  return completed + (numberOf(counts?.["failed"]) ?? 0);
}

function resultFiles(batch: Readonly<Record<string, unknown>>): RemoteNames {
  const output = nameOf(batch["output_file_id"]) ?? nameOf(batch["output_file"]);
  const error = nameOf(batch["error_file_id"]) ?? nameOf(batch["error_file"]);
  return { ...(output === null ? {} : { output }), ...(error === null ? {} : { error }) };
}

// What would be refused again however often it is sent. Anything else may pass another time.
const FINAL_CODES = new Set([
  "invalid_json_line",
  "duplicate_custom_id",
  "missing_required_parameter",
  "mismatched_model",
  "model_mismatch",
  "invalid_url",
  "url_mismatch",
  "model_not_found",
  "streaming_unsupported",
  "empty_file",
  "empty_batch",
  "too_many_tasks",
]);

/** Why it failed: OpenAI lists what it found first, Mistral lists texts, Together gives one text. */
function reasonOf(batch: Readonly<Record<string, unknown>>): EndingReason | null {
  const plain = nameOf(batch["error"]);
  if (plain !== null) return reason("unknown", plain);
  const listed = asRecord(batch["errors"])?.["data"] ?? batch["errors"];
  const first = asRecord(Array.isArray(listed) ? listed[0] : null);
  if (first === null) return null;
  const code = nameOf(first["code"]) ?? "unknown";
  const line = numberOf(first["line"]);
  const where = line === null ? "" : ` (line ${String(line)})`;
  return reason(code, `${nameOf(first["message"]) ?? code}${where}`);
}

function reason(code: string, message: string): EndingReason {
  // Hosts without codes say the same in words.
  const isRoomless =
    code === "token_limit_exceeded" || (code === "unknown" && /enqueued token/i.test(message));
  return { code, message, again: isRoomless ? "room" : FINAL_CODES.has(code) ? "never" : "later" };
}
