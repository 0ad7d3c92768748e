/** A batch as the emulator remembers it, and as OpenAI shows it. */
import type { BatchStatus } from "./batch-status.ts";
import type { JsonObject } from "./json.ts";
import type { RequestUsage } from "./openai-endpoint.ts";
import type { WireStyle } from "./openai-rules.ts";
import { newHostId, type HostWorld } from "./openai-world.ts";
import type { World } from "./world.ts";

/** Why a batch failed validation; `line` counts from 1. */
export interface BatchProblem {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly line: number | null;
}

/** What a client asked for when it created a batch. */
export interface BatchRequest {
  readonly inputFileId: string;
  readonly endpoint: string;
  readonly completionWindow: string;
  /** How long it may take; infinite where the host lets batches go on for ever. */
  readonly windowMs: number;
  /** The model named for all requests together; null where every line names its own. */
  readonly model: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** How long the result files live; null for 30 days. */
  readonly outputLifeMs: number | null;
}

/** One batch. Only its life and its cancel route change it. */
export interface BatchRecord {
  readonly id: string;
  /** Counts batches from 1. */
  readonly sequence: number;
  readonly request: BatchRequest;
  /** By the skewed clock, as clients see it. */
  readonly createdAtMs: number;
  /** When the window is over, by the skewed clock; infinite where it never is. */
  readonly expiresAtMs: number;
  status: BatchStatus;
  /** When each state but the first was entered, in whole seconds. */
  readonly enteredAtS: Partial<Record<BatchStatus, number>>;
  model: string | null;
  problem: BatchProblem | null;
  outputFileId: string | null;
  errorFileId: string | null;
  readonly counts: { total: number; completed: number; failed: number };
  readonly usage: { input: number; cached: number; output: number; reasoning: number };
  /** False once a row was answered without usage. */
  usageKnown: boolean;
  /** True once a row was left unexecuted by a fault; the batch then ends as expired. */
  someExpired: boolean;
  cancelRequested: boolean;
  /** When a cancel that was asked for is done with, by the emulator's clock; meaningless before. */
  cancelledFromMs: number;
  /** Held in its state by a fault until released. */
  held: boolean;
  /** Fired, and replaced by a fresh one, whenever a sleeping batch should look around. */
  wake: AbortController;
}

/** A new batch in `validating`. */
export function newBatch(world: HostWorld, request: BatchRequest): BatchRecord {
  const createdAtMs = world.nowMs();
  return {
    id: newHostId(world, "batch"),
    sequence: world.next("batch"),
    request,
    createdAtMs,
    expiresAtMs: createdAtMs + request.windowMs,
    status: "validating",
    enteredAtS: {},
    model: null,
    problem: null,
    outputFileId: null,
    errorFileId: null,
    counts: { total: 0, completed: 0, failed: 0 },
    usage: { input: 0, cached: 0, output: 0, reasoning: 0 },
    usageKnown: true,
    someExpired: false,
    cancelRequested: false,
    cancelledFromMs: Infinity,
    held: false,
    wake: new AbortController(),
  };
}

/** Puts the batch in `status` and notes when. */
export function enter(world: World, batch: BatchRecord, status: BatchStatus): void {
  batch.status = status;
  batch.enteredAtS[status] = Math.floor(world.nowMs() / 1000);
}

/** True when nothing further will happen to the batch. */
export function hasEnded(batch: BatchRecord): boolean {
  return ["failed", "completed", "expired", "cancelled"].includes(batch.status);
}

/** Wakes the batch if it sleeps. */
export function nudge(batch: BatchRecord): void {
  const { wake } = batch;
  batch.wake = new AbortController();
  wake.abort();
}

/** Adds what one request used. */
export function addUsage(batch: BatchRecord, used: RequestUsage): void {
  batch.usage.input += used.input;
  batch.usage.cached += used.cached;
  batch.usage.output += used.output;
  batch.usage.reasoning += used.reasoning;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A moment as a style writes it. */
export function timeOnWire(atMs: number, { times }: WireStyle): number | string {
  return times === "iso" ? new Date(atMs).toISOString() : Math.floor(atMs / 1000);
}

/** The batch object of OpenAI's API: every field is there, null where it does not apply. */
export function batchOnWire(batch: BatchRecord, style: WireStyle): JsonObject {
  const entered = (status: BatchStatus): number | string | null => {
    const atS = batch.enteredAtS[status];
    return atS === undefined ? null : timeOnWire(atS * 1000, style);
  };
  // A host that lets batches go on tells the moment it aims at all the same.
  const isOpenEnded = !Number.isFinite(batch.expiresAtMs);
  const dueMs = isOpenEnded ? batch.createdAtMs + DAY_MS : batch.expiresAtMs;
  return {
    id: batch.id,
    object: "batch",
    endpoint: batch.request.endpoint,
    model: batch.model,
    errors: batch.problem === null ? null : { object: "list", data: [batch.problem] },
    input_file_id: batch.request.inputFileId,
    completion_window: batch.request.completionWindow,
    status: style.status(batch.status),
    output_file_id: batch.outputFileId,
    error_file_id: batch.errorFileId,
    created_at: timeOnWire(batch.createdAtMs, style),
    in_progress_at: entered("in_progress"),
    expires_at: timeOnWire(dueMs, style),
    finalizing_at: entered("finalizing"),
    completed_at: entered("completed"),
    failed_at: entered("failed"),
    expired_at: entered("expired"),
    cancelling_at: entered("cancelling"),
    cancelled_at: entered("cancelled"),
    request_counts: style.lateCounts && !hasEnded(batch) ? null : { ...batch.counts },
    ...(batch.usageKnown ? { usage: usageOnWire(batch) } : {}),
    metadata: batch.request.metadata,
  };
}

function usageOnWire({ usage }: BatchRecord): JsonObject {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
