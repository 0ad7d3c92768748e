/** The plan in the database: rows, identities of requests, and the chunks they complete. */

import type { DatabaseSync } from "node:sqlite";
import { NOTHING_COLLECTED, type Collection } from "../core/chunk.ts";
import { idPages, idsUpTo, requestIdFinder } from "./request-ids.ts";
import { bytesOf, jsonText } from "./sqlite-values.ts";
import type { PlannedChunk, PlanSoFar, PlanStep, RecalledChunk } from "./store.ts";

/** Records a piece of the plan; part of the caller's transaction. */
export function recordPlanStep(database: DatabaseSync, step: PlanStep): void {
  const insert = database.prepare("insert into planned_rows (first_row, requests) values (?, ?)");
  for (const block of step.rows) insert.run(block.firstRow, bytesOf(block.requests));
  insertIds(database, step.ids);
  if (step.cutRows > 0)
    database.prepare("update run set cut_rows = cut_rows + ?").run(step.cutRows);
  if (step.chunk !== null) insertChunk(database, step.chunk);
  if (step.recalled !== null) insertRecalled(database, step.recalled);
}

function insertIds(database: DatabaseSync, ids: Uint8Array): void {
  const insert = database.prepare("insert into request_ids (first_ordinal, ids) values (?, ?)");
  for (const page of idPages(ids, requestCount(database))) insert.run(page.first, page.ids);
}

function requestCount(database: DatabaseSync): number {
  const last = database
    .prepare(
      "select first_ordinal, length(ids) as bytes from request_ids order by first_ordinal desc limit 1",
    )
    .get();
  if (last === undefined) return 0;
  return idsUpTo({ first: Number(last["first_ordinal"]), bytes: Number(last["bytes"]) });
}

function insertChunk(database: DatabaseSync, chunk: PlannedChunk): void {
  database
    .prepare(
      `insert into chunk (number, state, lane, ordinals, request_count, bytes, estimate)
       values (?, 'planned', ?, ?, ?, ?, ?)`,
    )
    .run(
      chunk.number,
      chunk.lane,
      bytesOf(chunk.ordinals),
      chunk.ordinals.length,
      chunk.bytes,
      jsonText(chunk.estimate ?? null),
    );
}

function insertRecalled(database: DatabaseSync, { number, index, bytes }: RecalledChunk): void {
  const succeeded = index.ordinals.length;
  const collection: Collection = { ...NOTHING_COLLECTED, succeeded };
  database
    .prepare(
      `insert into chunk (number, state, origin, lane, ordinals, request_count, bytes, collection,
         reply_ordinals, reply_offsets, reply_lengths)
       values (?, 'collected', 'cache', 'batch', ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      number,
      bytesOf(index.ordinals),
      succeeded,
      bytes,
      JSON.stringify(collection),
      bytesOf(index.ordinals),
      bytesOf(index.offsets),
      bytesOf(index.lengths),
    );
}

/** What has been recorded of the plan. */
export function readPlanSoFar(database: DatabaseSync): PlanSoFar {
  const last = database
    .prepare(
      "select first_row, length(requests) as bytes from planned_rows order by first_row desc limit 1",
    )
    .get();
  const run = database.prepare("select cut_rows from run").get();
  return {
    rows: last === undefined ? 0 : Number(last["first_row"]) + Number(last["bytes"]) / 4,
    requests: requestCount(database),
    cutRows: Number(run?.["cut_rows"] ?? 0),
  };
}

/** The identities of all requests, by ordinal, a page at a time. */
export async function* readRequestIds(database: DatabaseSync): AsyncGenerator<Uint8Array> {
  const page = database.prepare(
    "select first_ordinal, ids from request_ids where first_ordinal > ? order by first_ordinal limit 1",
  );
  for (let last = -1; ;) {
    const row = page.get(last);
    if (row === undefined) return;
    last = Number(row["first_ordinal"]);
    yield await Promise.resolve(row["ids"] as Uint8Array);
  }
}

/** Finds identities by ordinal. */
export function requestIdReader(
  database: DatabaseSync,
): (ordinals: ArrayLike<number>) => Promise<Uint8Array> {
  const find = database.prepare(
    "select first_ordinal, ids from request_ids where first_ordinal <= ? order by first_ordinal desc limit 1",
  );
  return requestIdFinder((ordinal) => {
    const row = find.get(ordinal);
    if (row === undefined) return Promise.resolve(null);
    return Promise.resolve({
      first: Number(row["first_ordinal"]),
      ids: row["ids"] as Uint8Array,
    });
  });
}
