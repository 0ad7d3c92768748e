/** A Gemini batch as the emulator remembers it, and as its operation shows it. */
import type { JsonObject } from "./json.ts";
import type { Pausable } from "./batch-pause.ts";
import type { World } from "./world.ts";

/** The states of a batch, without the `BATCH_STATE_` they carry on the wire. */
export type GoogleBatchState =
  "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "EXPIRED";

/** What a client asked for when it created a batch. */
export interface GoogleBatchRequest {
  readonly kind: "generate" | "embed";
  /** Without `models/`. */
  readonly model: string;
  readonly displayName: string;
  /** The input file, such as `files/abc`; null for requests that came inline. */
  readonly fileName: string | null;
  readonly priority: string;
}

/** One batch. Only its life and its cancel and delete routes change it. */
export interface GoogleBatch extends Pausable {
  /** Such as `batches/abc`. */
  readonly id: string;
  /** Counts batches from 1. */
  readonly sequence: number;
  readonly request: GoogleBatchRequest;
  /** By the skewed clock, as clients see it. */
  readonly createdAtMs: number;
  /** Requests in it. */
  readonly total: number;
  updatedAtMs: number;
  state: GoogleBatchState;
  error: { readonly code: number; readonly message: string } | null;
  /** The results: a file's name, the replies themselves, or null while there are none. */
  output: { readonly file: string } | { readonly inlined: readonly unknown[] } | null;
  readonly counts: { succeeded: number; failed: number };
  cancelRequested: boolean;
  /** True once a row was left unexecuted by a fault; the batch then ends as expired, with nothing. */
  someExpired: boolean;
  /** Held in its state by a fault until released. */
  held: boolean;
  wake: AbortController;
}

/** A new batch in `PENDING`. It expires after twice the window: 48 hours where 24 are aimed at. */
export function newGoogleBatch(
  world: World,
  request: GoogleBatchRequest,
  total: number,
): GoogleBatch {
  const createdAtMs = world.nowMs();
  return {
    id: `batches/${world.newId("", 36)}`,
    sequence: world.next("gemini batch"),
    request,
    createdAtMs,
    expiresAtMs: createdAtMs + 2 * world.settings.windowMs,
    total,
    updatedAtMs: createdAtMs,
    state: "PENDING",
    error: null,
    output: null,
    counts: { succeeded: 0, failed: 0 },
    cancelRequested: false,
    someExpired: false,
    held: false,
    wake: new AbortController(),
  };
}

/** Puts the batch in `state` and notes when. */
export function enterState(world: World, batch: GoogleBatch, state: GoogleBatchState): void {
  batch.state = state;
  batch.updatedAtMs = world.nowMs();
}

/** True when nothing further will happen to the batch. */
export function isOver({ state }: GoogleBatch): boolean {
  return state !== "PENDING" && state !== "RUNNING";
}

/** Wakes the batch if it sleeps. */
export function wakeUp(batch: GoogleBatch): void {
  const { wake } = batch;
  batch.wake = new AbortController();
  wake.abort();
}

const TYPES = "type.googleapis.com/google.ai.generativelanguage.v1main";

function typeOf({ request }: GoogleBatch): string {
  return `${TYPES}.${request.kind === "embed" ? "EmbedContentBatch" : "GenerateContentBatch"}`;
}

/** The long-running operation that stands for a batch. 64-bit numbers are texts, and zeros are left out. */
export function operationOnWire(batch: GoogleBatch): JsonObject {
  const output = batch.state === "SUCCEEDED" ? outputOnWire(batch) : null;
  return {
    name: batch.id,
    metadata: metadataOnWire(batch, output),
    ...(isOver(batch) ? { done: true } : {}),
    ...(batch.error === null ? {} : { error: batch.error }),
    ...(output === null ? {} : { response: { "@type": `${typeOf(batch)}Output`, ...output } }),
  };
}

function metadataOnWire(batch: GoogleBatch, output: JsonObject | null): JsonObject {
  const { model, displayName, fileName, priority } = batch.request;
  const time = (ms: number): string => new Date(ms).toISOString();
  return {
    "@type": typeOf(batch),
    model: `models/${model}`,
    displayName,
    state: `BATCH_STATE_${batch.state}`,
    createTime: time(batch.createdAtMs),
    ...(isOver(batch) ? { endTime: time(batch.updatedAtMs) } : {}),
    updateTime: time(batch.updatedAtMs),
    inputConfig: fileName === null ? {} : { fileName },
    ...(output === null ? {} : { output }),
    batchStats: statsOnWire(batch),
    name: batch.id,
    priority,
  };
}

function statsOnWire(batch: GoogleBatch): JsonObject {
  const { succeeded, failed } = batch.counts;
  const counts = {
    requestCount: batch.total,
    pendingRequestCount: isOver(batch) ? 0 : batch.total - succeeded - failed,
    successfulRequestCount: succeeded,
    failedRequestCount: failed,
  };
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  return Object.fromEntries(shown.map(([name, count]) => [name, String(count)]));
}

function outputOnWire({ output }: GoogleBatch): JsonObject {
  if (output === null) return {};
  if ("file" in output) return { responsesFile: output.file };
  return { inlinedResponses: { inlinedResponses: output.inlined } };
}
