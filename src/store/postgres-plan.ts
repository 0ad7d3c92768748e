/** The plan in PostgreSQL: rows, identities of requests, and the chunks they complete. */

import { NOTHING_COLLECTED } from "../core/chunk.ts";
import { admittedTokens } from "./postgres-admission.ts";
import type { Queryable } from "./postgres-client.ts";
import { idPages, idsUpTo, requestIdFinder } from "./request-ids.ts";
import { bytesOf, jsonText } from "./sqlite-values.ts";
import type { PlannedChunk, PlanSoFar, PlanStep, RecalledChunk } from "./store.ts";

/** Whose plan it is, and against which account its chunks count. */
export interface PlanOwner {
  readonly run: string;
  readonly account: string;
}

/** Records a piece of the plan; part of the caller's transaction. */
export async function recordPlanStep(
  connection: Queryable,
  owner: PlanOwner,
  { rows, ids, cutRows, chunk, recalled }: PlanStep,
): Promise<void> {
  const { run } = owner;
  await connection.change(
    `insert into batchframe.planned_rows (run, first_row, requests)
     select $1, * from unnest($2::integer[], $3::bytea[])`,
    [run, rows.map(({ firstRow }) => firstRow), rows.map((row) => buffer(row.requests))],
  );
  const pages = idPages(ids, await requestCount(connection, run));
  await connection.change(
    `insert into batchframe.request_ids (run, first_ordinal, ids)
     select $1, * from unnest($2::integer[], $3::bytea[])`,
    [run, pages.map(({ first }) => first), pages.map((page) => buffer(page.ids))],
  );
  if (cutRows > 0)
    await connection.change("update batchframe.run set cut_rows = cut_rows + $2 where id = $1", [
      run,
      cutRows,
    ]);
  if (chunk !== null) await insertChunk(connection, owner, chunk);
  if (recalled !== null) await insertRecalled(connection, owner, recalled);
}

async function insertChunk(
  connection: Queryable,
  { run, account }: PlanOwner,
  chunk: PlannedChunk,
): Promise<void> {
  const { number, lane, ordinals, bytes, estimate = null } = chunk;
  await connection.change(
    `insert into batchframe.chunk (run, number, account, state, lane, ordinals, request_count,
       bytes, estimate, tokens)
     values ($1, $2, $3, 'planned', $4, $5, $6, $7, $8, $9)`,
    [
      ...[run, number, account, lane, bytesOf(ordinals), ordinals.length, bytes],
      ...[jsonText(estimate), admittedTokens(estimate)],
    ],
  );
}

async function insertRecalled(
  connection: Queryable,
  { run, account }: PlanOwner,
  { number, index, bytes }: RecalledChunk,
): Promise<void> {
  const succeeded = index.ordinals.length;
  await connection.change(
    `insert into batchframe.chunk (run, number, account, state, origin, lane, ordinals,
       request_count, bytes, collection, reply_ordinals, reply_offsets, reply_lengths)
     values ($1, $2, $3, 'collected', 'cache', 'batch', $4, $5, $6, $7, $4, $8, $9)`,
    [
      ...[run, number, account, bytesOf(index.ordinals), succeeded, bytes],
      JSON.stringify({ ...NOTHING_COLLECTED, succeeded }),
      ...[bytesOf(index.offsets), bytesOf(index.lengths)],
    ],
  );
}

/** What has been recorded of the plan. */
export async function readPlanSoFar(database: Queryable, run: string): Promise<PlanSoFar> {
  const [last] = await database.rows(
    `select first_row, length(requests) as bytes from batchframe.planned_rows
     where run = $1 order by first_row desc limit 1`,
    [run],
  );
  const [record] = await database.rows("select cut_rows from batchframe.run where id = $1", [run]);
  return {
    rows: last === undefined ? 0 : Number(last["first_row"]) + Number(last["bytes"]) / 4,
    requests: await requestCount(database, run),
    cutRows: Number(record?.["cut_rows"] ?? 0),
  };
}

async function requestCount(database: Queryable, run: string): Promise<number> {
  const [last] = await database.rows(
    `select first_ordinal, length(ids) as bytes from batchframe.request_ids
     where run = $1 order by first_ordinal desc limit 1`,
    [run],
  );
  if (last === undefined) return 0;
  return idsUpTo({ first: Number(last["first_ordinal"]), bytes: Number(last["bytes"]) });
}

/** The identities of all requests of a run, by ordinal, a page at a time. */
export async function* readRequestIds(
  database: Queryable,
  run: string,
): AsyncGenerator<Uint8Array> {
  for (let last = -1; ;) {
    const rows = await database.rows(
      `select first_ordinal, ids from batchframe.request_ids
       where run = $1 and first_ordinal > $2 order by first_ordinal limit 64`,
      [run, last],
    );
    for (const row of rows) {
      last = Number(row["first_ordinal"]);
      yield row["ids"] as Uint8Array;
    }
    if (rows.length === 0) return;
  }
}

/** Finds the identities of a run's requests by ordinal. */
export function requestIdReader(
  database: Queryable,
  run: string,
): (ordinals: readonly number[]) => Promise<Uint8Array> {
  return requestIdFinder(async (ordinal) => {
    const [row] = await database.rows(
      `select first_ordinal, ids from batchframe.request_ids
       where run = $1 and first_ordinal <= $2 order by first_ordinal desc limit 1`,
      [run, ordinal],
    );
    if (row === undefined) return null;
    return { first: Number(row["first_ordinal"]), ids: row["ids"] as Uint8Array };
  });
}

function buffer({ buffer: bytes, byteOffset, byteLength }: Uint8Array | Int32Array): Buffer {
  return Buffer.from(bytes, byteOffset, byteLength);
}
