/** What a chunk leaves behind: failures, and requests handed on to later chunks. */

import type { DatabaseSync, SQLInputValue, SQLOutputValue } from "node:sqlite";
import type { ChunkOrigin, Collection, Ending } from "../core/chunk.ts";
import { isNoAttempt, NOTHING_COLLECTED } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import {
  addEstimates,
  averageEstimate,
  NO_TOKENS,
  scaleEstimate,
  type TokenEstimate,
} from "../core/token-estimate.ts";
import { askedAgain } from "./moves.ts";
import { bytesOf, jsonOf, jsonText, text, uint32 } from "./sqlite-values.ts";
import type { CollectedChunk, Judgement } from "./store.ts";

/** The columns of a collected chunk. */
export function collectedFields(collected: CollectedChunk): Record<string, SQLInputValue> {
  return {
    collection: JSON.stringify(collected.collection),
    reply_ordinals: bytesOf(collected.index.ordinals),
    reply_offsets: bytesOf(collected.index.offsets),
    reply_lengths: bytesOf(collected.index.lengths),
  };
}

/** Records a collected chunk's failures and hands on what may still be answered; part of the caller's transaction. */
export function recordCollected(
  database: DatabaseSync,
  chunk: number,
  collected: CollectedChunk,
): void {
  const answered = database.prepare("delete from failure where ordinal = ?");
  const anyFailure = database.prepare("select 1 from failure limit 1").get() !== undefined;
  // An answer to what had failed before takes the failure away.
  if (anyFailure) for (const ordinal of collected.index.ordinals) answered.run(ordinal);
  const failure = database.prepare(
    "insert or replace into failure (ordinal, code, message, retryable) values (?, ?, ?, ?)",
  );
  for (const { ordinal, code, message, retryable } of collected.failures)
    failure.run(ordinal, code, message, retryable ? 1 : 0);
  const source = database
    .prepare("select lane, attempt, resends, ending from chunk where number = ?")
    .get(chunk);
  const each = estimateOfEach(database, chunk);
  const ending = jsonOf(source?.["ending"]) as Ending | null;
  const lane = collected.lane ?? (text(source?.["lane"]) as Lane);
  const attempt = Number(source?.["attempt"] ?? 1);
  const resends = Number(source?.["resends"] ?? 0);
  // Room that was lacking is no attempt at all.
  const spent = isNoAttempt(ending) ? 0 : 1;
  const maxRequests = largestChunk(database);
  addChunks(database, collected.resend, {
    origin: "resend",
    lane,
    attempt,
    resends: resends + spent,
    maxRequests,
    each,
  });
  addChunks(database, collected.again, {
    origin: "again",
    lane,
    attempt: attempt + 1,
    resends: 0,
    maxRequests,
    each: askedAgain(each),
  });
}

/** Notes in the ledger of submissions what was made elsewhere; part of the caller's transaction. */
export function recordGiven(
  database: DatabaseSync,
  given: {
    readonly chunk: number;
    readonly intentId: string;
    readonly batchId: string | null;
    readonly note: string;
  },
): void {
  database
    .prepare(
      `insert into submission (intent_id, chunk, at_ms, outcome, batch_id, note)
       values (?, ?, ?, 'adopted', ?, ?)`,
    )
    .run(given.intentId, given.chunk, Date.now(), given.batchId, given.note);
}

/** Records what a later reading made of stored answers; part of the caller's transaction. */
export function recordRejudged(database: DatabaseSync, judgements: readonly Judgement[]): void {
  const forget = database.prepare("delete from failure where ordinal = ?");
  const record = database.prepare(
    "insert or replace into failure (ordinal, code, message, retryable) values (?, ?, ?, ?)",
  );
  for (const { ordinal, failure } of judgements)
    if (failure === null) forget.run(ordinal);
    else record.run(ordinal, failure.code, failure.message, failure.retryable ? 1 : 0);
}

/** Records every request of a chunk that was never sent as cancelled; part of the caller's transaction. */
export function recordAbandoned(database: DatabaseSync, chunk: number): void {
  const failure = database.prepare(
    "insert or replace into failure (ordinal, code, message, retryable) values (?, 'cancelled', ?, 1)",
  );
  for (const ordinal of ordinalsOf(database, chunk))
    failure.run(ordinal, "The run was cancelled before this was sent.");
}

/** What collecting a chunk that was never sent amounts to. */
export function abandonedCollection(database: DatabaseSync, chunk: number): Collection {
  return { ...NOTHING_COLLECTED, failed: ordinalsOf(database, chunk).length };
}

/** Puts a chunk's requests into new chunks of at most `maxRequests`; part of the caller's transaction. */
export function divide(database: DatabaseSync, chunk: number, maxRequests: number): void {
  const source = database
    .prepare("select origin, lane, attempt, resends from chunk where number = ?")
    .get(chunk);
  const origin = text(source?.["origin"]) as ChunkOrigin;
  addChunks(
    database,
    ordinalsOf(database, chunk),
    {
      // Its own request file stays the place the lines are copied from.
      origin: origin === "plan" ? "resend" : origin === "retry" ? "resend" : origin,
      lane: text(source?.["lane"]) as Lane,
      attempt: Number(source?.["attempt"] ?? 1),
      resends: Number(source?.["resends"] ?? 0),
      maxRequests,
      each: estimateOfEach(database, chunk),
    },
    { merge: false },
  );
}

interface ChunkKind {
  readonly origin: ChunkOrigin;
  readonly lane: Lane;
  readonly attempt: number;
  readonly resends: number;
  readonly maxRequests: number;
  /** What each request is expected to use, on average and not rounded; null where nobody has estimated it. */
  readonly each: TokenEstimate | null;
}

/** What a request of this chunk, or of the plan's chunks together, is expected to use on average. */
export function estimateOfEach(database: DatabaseSync, chunk?: number): TokenEstimate | null {
  const rows =
    chunk === undefined
      ? database.prepare("select request_count, estimate from chunk where origin = 'plan'").all()
      : database.prepare("select request_count, estimate from chunk where number = ?").all(chunk);
  const known = rows.flatMap((row) => estimateIn(row) ?? []);
  const requests = rows.reduce((sum, row) => sum + Number(row["request_count"]), 0);
  if (requests === 0 || known.length < rows.length) return null;
  return averageEstimate(known.reduce(addEstimates, NO_TOKENS), requests);
}

function estimateIn(row: Record<string, SQLOutputValue>): TokenEstimate | null {
  return jsonOf(row["estimate"]) as TokenEstimate | null;
}

/** Puts requests into the waiting chunk of their kind that has not been written yet, then into new ones. */
export function addChunks(
  database: DatabaseSync,
  ordinals: Uint32Array,
  kind: ChunkKind,
  { merge = true }: { readonly merge?: boolean } = {},
): void {
  let rest = ordinals;
  if (merge && rest.length > 0) rest = addToWaiting(database, rest, kind);
  const insert = database.prepare(
    `insert into chunk
       (number, state, ordinals, request_count, origin, lane, attempt, resends, estimate)
     select coalesce(max(number), 0) + 1, 'planned', ?, ?, ?, ?, ?, ?, ? from chunk`,
  );
  for (let at = 0; at < rest.length; at += kind.maxRequests) {
    const piece = rest.slice(at, at + kind.maxRequests);
    const { origin, lane, attempt, resends, each } = kind;
    const estimate = jsonText(each === null ? null : scaleEstimate(each, piece.length));
    insert.run(bytesOf(piece), piece.length, origin, lane, attempt, resends, estimate);
  }
}

/** Fills up the waiting chunk of the same kind, if there is one; gives what did not fit. */
function addToWaiting(database: DatabaseSync, ordinals: Uint32Array, kind: ChunkKind): Uint32Array {
  const waiting = database
    .prepare(
      `select number, ordinals, estimate from chunk where state = 'planned' and bytes is null
       and origin = ? and lane = ? and attempt = ? and resends = ? and request_count < ? limit 1`,
    )
    .get(kind.origin, kind.lane, kind.attempt, kind.resends, kind.maxRequests);
  if (waiting === undefined) return ordinals;
  const held = uint32(waiting["ordinals"]);
  const fits = Math.min(ordinals.length, kind.maxRequests - held.length);
  const merged = Uint32Array.from([...held, ...ordinals.subarray(0, fits)]).sort();
  const before = estimateIn(waiting);
  const estimate =
    before === null || kind.each === null
      ? null
      : addEstimates(before, scaleEstimate(kind.each, fits));
  database
    .prepare("update chunk set ordinals = ?, request_count = ?, estimate = ? where number = ?")
    .run(bytesOf(merged), merged.length, jsonText(estimate), Number(waiting["number"]));
  return ordinals.slice(fits);
}

/** The requests a chunk carries, strictly increasing; none for a chunk that does not exist. */
export function ordinalsOf(database: DatabaseSync, chunk: number): Uint32Array {
  return uint32(
    database.prepare("select ordinals from chunk where number = ?").get(chunk)?.["ordinals"],
  );
}

/** The size of the largest chunk of the plan, which the provider's limits allowed. */
function largestChunk(database: DatabaseSync): number {
  const row = database
    .prepare("select max(request_count) as most from chunk where origin = 'plan'")
    .get();
  return Math.max(1, Number(row?.["most"] ?? 1));
}
