/** Writing a plan down: its rows, its chunks, and what a cache has answered. */

import type { DatabaseSync } from "node:sqlite";
import { NOTHING_COLLECTED, RECALLED_CHUNK, type Collection } from "../core/chunk.ts";
import type { PlannedRows } from "../core/plan.ts";
import { bytesOf, jsonText } from "./sqlite-values.ts";
import type { PlannedChunk, RecalledChunk } from "./store.ts";

/** Adds chunk 0, answered from the start; part of the caller's transaction. */
export function insertRecalled(database: DatabaseSync, { index, bytes }: RecalledChunk): void {
  const succeeded = index.ordinals.length;
  const collection: Collection = { ...NOTHING_COLLECTED, succeeded };
  database
    .prepare(
      `insert into chunk (number, state, origin, lane, ordinals, request_count, bytes, collection,
         reply_ordinals, reply_offsets, reply_lengths)
       values (?, 'collected', 'cache', 'batch', ?, ?, ?, ?, ?, ?, ?)`,
    )
    .run(
      RECALLED_CHUNK,
      bytesOf(index.ordinals),
      succeeded,
      bytes,
      JSON.stringify(collection),
      bytesOf(index.ordinals),
      bytesOf(index.offsets),
      bytesOf(index.lengths),
    );
}

/** Adds rows to the plan, and the chunk they complete; part of the caller's transaction. */
export function insertPlan(
  database: DatabaseSync,
  rows: readonly PlannedRows[],
  chunk: PlannedChunk | null,
): void {
  const insert = database.prepare("insert into planned_rows (first_row, requests) values (?, ?)");
  for (const block of rows) insert.run(block.firstRow, bytesOf(block.requests));
  if (chunk === null) return;
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
