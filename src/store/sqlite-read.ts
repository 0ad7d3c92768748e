/** Reading a run back from its database. */

import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type {
  Chunk,
  ChunkOrigin,
  ChunkState,
  Learnt,
  Collection,
  Ending,
  FailedRequest,
  RemoteNames,
} from "../core/chunk.ts";
import { StoreError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import type { Deadline } from "../core/deadline.ts";
import type { Lane } from "../core/lane.ts";
import type { Look } from "../core/look.ts";
import type { PlanCounts, PlannedRows } from "../core/plan.ts";
import type { RowErrorCode } from "../core/result.ts";
import type { TokenEstimate } from "../core/token-estimate.ts";
import { float64, int32, jsonOf, numberOrNull, text, textOrNull, uint32 } from "./sqlite-values.ts";
import type { ReplyIndex, RunRecord } from "./store.ts";

const NOTHING_LEARNT: Learnt = { maxBatchesInFlight: null, maxRequestsPerBatch: null };

/** The run a database holds. */
export function readRun(database: DatabaseSync): RunRecord {
  const row = database.prepare("select * from run").get();
  if (row === undefined)
    throw new StoreError("store_damaged", "The run store holds no run. No money was spent.", {
      hint: "Remove the run directory and run again.",
    });
  return runOf(row);
}

/** The run that a row describes. */
export function runOf(row: Row): RunRecord {
  const plan = textOrNull(row["plan"]);
  return {
    id: text(row["id"]),
    token: text(row["token"]),
    spec: JSON.parse(text(row["spec"])) as Json,
    identity: text(row["identity"]),
    createdAtMs: Number(row["created_at_ms"]),
    plan: plan === null ? null : (JSON.parse(plan) as PlanCounts),
    finishedAtMs: numberOrNull(row["finished_at_ms"]),
    cancelRequestedAtMs: numberOrNull(row["cancel_requested_at_ms"]),
    learnt: (jsonOf(row["learnt"]) as Learnt | null) ?? NOTHING_LEARNT,
    deadline: jsonOf(row["deadline"]) as Deadline | null,
    capUsd: numberOrNull(row["cap_usd"]),
  };
}

/** The columns a chunk is read from. */
export const CHUNK_FIELDS =
  "number, state, request_count, origin, lane, attempt, resends, bytes, estimate, intent_id, intent_at_ms, staged, batch_id, submitted_at_ms, look, ending, collection";

/** Every chunk, by number. */
export function readChunks(database: DatabaseSync): readonly Chunk[] {
  return database.prepare(`select ${CHUNK_FIELDS} from chunk order by number`).all().map(chunkOf);
}

/** The batches that chunks hold. */
export function readClaimedBatches(database: DatabaseSync): ReadonlySet<string> {
  const rows = database.prepare("select batch_id from chunk where batch_id is not null").all();
  return new Set(rows.map((row) => text(row["batch_id"])));
}

/** A row of a database, its columns named as in {@link CHUNK_FIELDS} and the like. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The chunk that a row with the {@link CHUNK_FIELDS} describes. */
export function chunkOf(row: Row): Chunk {
  return {
    number: Number(row["number"]),
    state: text(row["state"]) as ChunkState,
    requestCount: Number(row["request_count"]),
    origin: text(row["origin"]) as ChunkOrigin,
    lane: text(row["lane"]) as Lane,
    attempt: Number(row["attempt"]),
    resends: Number(row["resends"]),
    bytes: numberOrNull(row["bytes"]),
    estimate: jsonOf(row["estimate"]) as TokenEstimate | null,
    intent: intentOf(row),
    batchId: textOrNull(row["batch_id"]),
    submittedAtMs: numberOrNull(row["submitted_at_ms"]),
    look: jsonOf(row["look"]) as Look | null,
    ending: jsonOf(row["ending"]) as Ending | null,
    collection: jsonOf(row["collection"]) as Collection | null,
  };
}

function intentOf(row: Row): Chunk["intent"] {
  const id = textOrNull(row["intent_id"]);
  if (id === null) return null;
  return {
    id,
    atMs: Number(row["intent_at_ms"]),
    staged: jsonOf(row["staged"]) as RemoteNames | null,
  };
}

/** The planned rows in order, a page at a time. */
export async function* readPlannedRows(database: DatabaseSync): AsyncGenerator<PlannedRows> {
  const page = database.prepare(
    "select first_row, requests from planned_rows where first_row >= ? order by first_row limit 64",
  );
  for (let next = 0; ;) {
    const rows = page.all(next);
    for (const row of rows) {
      const requests = int32(row["requests"]);
      const firstRow = Number(row["first_row"]);
      next = firstRow + Math.max(1, requests.length);
      yield await Promise.resolve({ firstRow, requests });
    }
    if (rows.length === 0) return;
  }
}

/** The reply indexes of collected chunks, by chunk. */
export async function* readReplyIndexes(
  database: DatabaseSync,
): AsyncGenerator<{ chunk: number; index: ReplyIndex }> {
  const chunks = database
    .prepare("select number from chunk where state = 'collected' order by number")
    .all();
  for (const { number } of chunks) {
    const chunk = Number(number);
    yield await Promise.resolve({ chunk, index: readReplyIndex(database, chunk) });
  }
}

/** The reply index of one chunk; an empty one where it is not collected. */
export function readReplyIndex(database: DatabaseSync, chunk: number): ReplyIndex {
  const row = database
    .prepare("select reply_ordinals, reply_offsets, reply_lengths from chunk where number = ?")
    .get(chunk);
  return {
    ordinals: uint32(row?.["reply_ordinals"]),
    offsets: float64(row?.["reply_offsets"]),
    lengths: uint32(row?.["reply_lengths"]),
  };
}

/** The requests that ended without an answer, by ordinal, a page at a time. */
export async function* readFailures(database: DatabaseSync): AsyncGenerator<FailedRequest> {
  const page = database.prepare(
    "select ordinal, code, message, retryable from failure where ordinal > ? order by ordinal limit 1000",
  );
  for (let last = -1; ;) {
    const rows = page.all(last);
    for (const row of rows) {
      last = Number(row["ordinal"]);
      yield await Promise.resolve({
        ordinal: last,
        code: text(row["code"]) as RowErrorCode,
        message: text(row["message"]),
        retryable: Number(row["retryable"]) === 1,
      });
    }
    if (rows.length === 0) return;
  }
}
