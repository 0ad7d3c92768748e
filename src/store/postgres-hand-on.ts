/** What a chunk leaves behind in PostgreSQL: failures, and requests handed on to later chunks. */

import { isNoAttempt, type ChunkOrigin, type Ending, type FailedRequest } from "../core/chunk.ts";
import type { Lane } from "../core/lane.ts";
import {
  addEstimates,
  averageEstimate,
  NO_TOKENS,
  scaleEstimate,
  type TokenEstimate,
} from "../core/token-estimate.ts";
import { askedAgain } from "./moves.ts";
import { admittedTokens } from "./postgres-admission.ts";
import type { DatabaseRow, Queryable } from "./postgres-client.ts";
import { bytesOf, jsonOf, jsonText, text, uint32 } from "./sqlite-values.ts";
import type { CollectedChunk, Judgement } from "./store.ts";

/** The columns of a collected chunk. */
export function collectedColumns(collected: CollectedChunk): Record<string, unknown> {
  return {
    collection: JSON.stringify(collected.collection),
    reply_ordinals: bytesOf(collected.index.ordinals),
    reply_offsets: bytesOf(collected.index.offsets),
    reply_lengths: bytesOf(collected.index.lengths),
  };
}

/** Records a collected chunk's failures and hands on what may still be answered; part of the caller's transaction. */
export async function handOn(
  connection: Queryable,
  at: { readonly run: string; readonly chunk: number },
  collected: CollectedChunk,
): Promise<void> {
  const { run } = at;
  // An answer to what had failed before takes the failure away.
  const [failed] = await connection.rows(
    "select 1 from batchframe.failure where run = $1 limit 1",
    [run],
  );
  if (failed !== undefined) await forgetFailures(connection, run, [...collected.index.ordinals]);
  await recordFailures(connection, run, collected.failures);
  if (collected.resend.length + collected.again.length === 0) return;
  const [source] = await connection.rows(
    "select lane, attempt, resends, ending from batchframe.chunk where run = $1 and number = $2",
    [run, at.chunk],
  );
  const ending = jsonOf(source?.["ending"]) as Ending | null;
  const lane = collected.lane ?? (text(source?.["lane"]) as Lane);
  const attempt = Number(source?.["attempt"] ?? 1);
  const resends = Number(source?.["resends"] ?? 0);
  // Room that was lacking is no attempt at all.
  const spent = isNoAttempt(ending) ? 0 : 1;
  const maxRequests = await largestChunk(connection, run);
  const each = await estimateOfEach(connection, run, at.chunk);
  await addChunks(connection, run, collected.resend, {
    origin: "resend",
    lane,
    attempt,
    resends: resends + spent,
    maxRequests,
    each,
  });
  await addChunks(connection, run, collected.again, {
    origin: "again",
    lane,
    attempt: attempt + 1,
    resends: 0,
    maxRequests,
    each: askedAgain(each),
  });
}

/** Records failures in place of those known of the same requests. A message is kept as JSON, since it may hold a NUL. */
export async function recordFailures(
  connection: Queryable,
  run: string,
  failures: readonly FailedRequest[],
): Promise<void> {
  if (failures.length === 0) return;
  await connection.change(
    `insert into batchframe.failure (run, ordinal, code, message, retryable)
     select $1, * from unnest($2::bigint[], $3::text[], $4::text[], $5::boolean[])
     on conflict (run, ordinal) do update
     set code = excluded.code, message = excluded.message, retryable = excluded.retryable`,
    [
      run,
      failures.map(({ ordinal }) => ordinal),
      failures.map(({ code }) => code),
      failures.map(({ message }) => JSON.stringify(message)),
      failures.map(({ retryable }) => retryable),
    ],
  );
}

/** Records what a later reading made of stored answers; part of the caller's transaction. */
export async function recordJudgements(
  connection: Queryable,
  run: string,
  judgements: readonly Judgement[],
): Promise<void> {
  const accepted = judgements.filter(({ failure }) => failure === null);
  const refused = judgements.flatMap(({ ordinal, failure }) =>
    failure === null ? [] : [{ ordinal, ...failure }],
  );
  await forgetFailures(
    connection,
    run,
    accepted.map(({ ordinal }) => ordinal),
  );
  await recordFailures(connection, run, refused);
}

async function forgetFailures(
  connection: Queryable,
  run: string,
  ordinals: readonly number[],
): Promise<void> {
  if (ordinals.length === 0) return;
  await connection.change(
    "delete from batchframe.failure where run = $1 and ordinal = any($2::bigint[])",
    [run, ordinals],
  );
}

/** Puts a chunk's requests into new chunks of at most `maxRequests`; part of the caller's transaction. */
export async function divideChunk(
  connection: Queryable,
  at: { readonly run: string; readonly chunk: number },
  maxRequests: number,
): Promise<void> {
  const [source] = await connection.rows(
    "select ordinals, origin, lane, attempt, resends from batchframe.chunk where run = $1 and number = $2",
    [at.run, at.chunk],
  );
  const origin = text(source?.["origin"]) as ChunkOrigin;
  await addChunks(connection, at.run, uint32(source?.["ordinals"]), {
    // Its own request file stays the place the lines are copied from.
    origin: origin === "again" ? "again" : "resend",
    lane: text(source?.["lane"]) as Lane,
    attempt: Number(source?.["attempt"] ?? 1),
    resends: Number(source?.["resends"] ?? 0),
    maxRequests,
    each: await estimateOfEach(connection, at.run, at.chunk),
    merges: false,
  });
}

/** What new chunks have in common. */
export interface ChunkKind {
  readonly origin: ChunkOrigin;
  readonly lane: Lane;
  readonly attempt: number;
  readonly resends: number;
  readonly maxRequests: number;
  /** What each request is expected to use, on average and not rounded; null where nobody has estimated it. */
  readonly each: TokenEstimate | null;
  /** False puts nothing into a chunk that waits already; it is filled up first when left out. */
  readonly merges?: boolean;
}

/** What a request of this chunk, or of the plan's chunks together, is expected to use on average. */
export async function estimateOfEach(
  connection: Queryable,
  run: string,
  chunk: number | null,
): Promise<TokenEstimate | null> {
  const rows = await connection.rows(
    `select request_count, estimate from batchframe.chunk
     where run = $1 and case when $2::integer is null then origin = 'plan' else number = $2 end`,
    [run, chunk],
  );
  const known = rows.flatMap((row) => estimateIn(row) ?? []);
  const requests = rows.reduce((sum, row) => sum + Number(row["request_count"]), 0);
  if (requests === 0 || known.length < rows.length) return null;
  return averageEstimate(known.reduce(addEstimates, NO_TOKENS), requests);
}

function estimateIn(row: DatabaseRow): TokenEstimate | null {
  return jsonOf(row["estimate"]) as TokenEstimate | null;
}

/** Puts requests into the waiting chunk of their kind that has not been written yet, then into new ones. */
export async function addChunks(
  connection: Queryable,
  run: string,
  ordinals: Uint32Array,
  kind: ChunkKind,
): Promise<void> {
  const { origin, lane, attempt, resends, maxRequests, each, merges = true } = kind;
  const rest = merges ? await fillWaiting(connection, run, ordinals, kind) : ordinals;
  for (let at = 0; at < rest.length; at += maxRequests) {
    const piece = rest.slice(at, at + maxRequests);
    const estimate = each === null ? null : scaleEstimate(each, piece.length);
    await connection.change(
      `insert into batchframe.chunk
         (run, number, account, state, ordinals, request_count, origin, lane, attempt, resends,
          estimate, tokens)
       select $1, coalesce(max(c.number), 0) + 1, r.account, 'planned', $2, $3, $4, $5, $6, $7,
         $8, $9
       from batchframe.run r left join batchframe.chunk c on c.run = r.id
       where r.id = $1 group by r.account`,
      [
        ...[run, bytesOf(piece), piece.length, origin, lane, attempt, resends],
        ...[jsonText(estimate), admittedTokens(estimate)],
      ],
    );
  }
}

/** Fills up the waiting chunk of the same kind, if there is one; gives what did not fit. */
async function fillWaiting(
  connection: Queryable,
  run: string,
  ordinals: Uint32Array,
  kind: ChunkKind,
): Promise<Uint32Array> {
  if (ordinals.length === 0) return ordinals;
  const [waiting] = await connection.rows(
    `select number, ordinals, estimate from batchframe.chunk
     where run = $1 and state = 'planned' and bytes is null
       and origin = $2 and lane = $3 and attempt = $4 and resends = $5 and request_count < $6
     limit 1`,
    [run, kind.origin, kind.lane, kind.attempt, kind.resends, kind.maxRequests],
  );
  if (waiting === undefined) return ordinals;
  const held = uint32(waiting["ordinals"]);
  const fits = Math.min(ordinals.length, kind.maxRequests - held.length);
  const merged = Uint32Array.from([...held, ...ordinals.subarray(0, fits)]).sort();
  const before = estimateIn(waiting);
  const estimate =
    before === null || kind.each === null
      ? null
      : addEstimates(before, scaleEstimate(kind.each, fits));
  await connection.change(
    `update batchframe.chunk set ordinals = $3, request_count = $4, estimate = $5, tokens = $6
     where run = $1 and number = $2`,
    [
      ...[run, Number(waiting["number"]), bytesOf(merged), merged.length],
      ...[jsonText(estimate), admittedTokens(estimate)],
    ],
  );
  return ordinals.slice(fits);
}

/** The size of the largest chunk of the plan, which the provider's limits allowed. */
async function largestChunk(connection: Queryable, run: string): Promise<number> {
  const [row]: readonly DatabaseRow[] = await connection.rows(
    "select max(request_count) as most from batchframe.chunk where run = $1 and origin = 'plan'",
    [run],
  );
  return Math.max(1, Number(row?.["most"] ?? 1));
}
