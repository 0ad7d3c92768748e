/** A message batch as the emulator remembers it, and as Anthropic shows it. */
import type { JsonObject } from "./json.ts";
import type { World } from "./world.ts";

/** The states of a message batch, in Anthropic's words; how each request ended is told row by row. */
export type MessageBatchStatus = "in_progress" | "canceling" | "ended";

/** How many requests ended in each way. */
export interface RowCounts {
  succeeded: number;
  errored: number;
  canceled: number;
  expired: number;
}

/** Where the requests of a batch lie on disk, one JSON line each. */
export interface StoredRows {
  readonly path: string;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
}

/** One batch. Only its life and its routes change it. */
export interface MessageBatch {
  readonly id: string;
  /** Counts batches from 1. */
  readonly sequence: number;
  /** What the create call's `anthropic-version` named. */
  readonly version: string;
  readonly rows: StoredRows;
  readonly count: number;
  /** By the skewed clock, as clients see it. */
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
  status: MessageBatchStatus;
  /** True to the work done; clients see them only once the batch has ended. */
  readonly counts: RowCounts;
  cancelRequestedAtMs: number | null;
  endedAtMs: number | null;
  results: { readonly path: string; readonly bytes: number } | null;
  cancelRequested: boolean;
  /** Held in its state by a fault until released. */
  held: boolean;
  /** Fired, and replaced by a fresh one, whenever a sleeping batch should look around. */
  wake: AbortController;
}

/** How long results can be downloaded, counted from the creation of their batch. */
export const RESULTS_LIFE_MS = 29 * 24 * 60 * 60 * 1000;

/** A new batch in `in_progress`. */
export function newMessageBatch(world: World, rows: StoredRows, version: string): MessageBatch {
  const createdAtMs = world.nowMs();
  return {
    id: world.newId("msgbatch_", 24),
    sequence: world.next("message batch"),
    version,
    rows,
    count: rows.offsets.length,
    createdAtMs,
    expiresAtMs: createdAtMs + world.settings.windowMs,
    status: "in_progress",
    counts: { succeeded: 0, errored: 0, canceled: 0, expired: 0 },
    cancelRequestedAtMs: null,
    endedAtMs: null,
    results: null,
    cancelRequested: false,
    held: false,
    wake: new AbortController(),
  };
}

/** True once the results of the batch are kept no longer. */
export function isArchived(world: World, batch: MessageBatch): boolean {
  return world.nowMs() >= batch.createdAtMs + RESULTS_LIFE_MS;
}

/**
 * The batch object of Anthropic's API. While the batch is under way every request counts as
 * `processing`; the other counts are set all at once when it has ended.
 */
export function batchOnWire(world: World, batch: MessageBatch, origin: string): JsonObject {
  const hasEnded = batch.status === "ended";
  const counts = hasEnded ? batch.counts : { succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  const archivedAtMs = isArchived(world, batch) ? batch.createdAtMs + RESULTS_LIFE_MS : null;
  return {
    id: batch.id,
    type: "message_batch",
    processing_status: batch.status,
    request_counts: { processing: hasEnded ? 0 : batch.count, ...counts },
    created_at: timestamp(batch.createdAtMs),
    expires_at: timestamp(batch.expiresAtMs),
    ended_at: timestampOrNull(batch.endedAtMs),
    cancel_initiated_at: timestampOrNull(batch.cancelRequestedAtMs),
    archived_at: timestampOrNull(archivedAtMs),
    results_url: hasEnded ? `${origin}/v1/messages/batches/${batch.id}/results` : null,
  };
}

function timestampOrNull(atMs: number | null): string | null {
  return atMs === null ? null : timestamp(atMs);
}

/** RFC 3339 with microseconds, as Anthropic writes it. */
function timestamp(atMs: number): string {
  return new Date(atMs).toISOString().replace("Z", "000+00:00");
}
