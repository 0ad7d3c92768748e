/** Reading a run back from PostgreSQL, a page at a time where there may be much of it. */

import type { Chunk, FailedRequest } from "../core/chunk.ts";
import { StoreError } from "../core/errors.ts";
import type { PlannedRows } from "../core/plan.ts";
import type { RowErrorCode } from "../core/result.ts";
import type { IndexedFile } from "./object-files.ts";
import type { Queryable } from "./postgres-client.ts";
import { CHUNK_FIELDS, chunkOf, runOf, type Row } from "./sqlite-read.ts";
import { float64, int32, text, uint32 } from "./sqlite-values.ts";
import type { ReplyIndex, RunRecord } from "./store.ts";

/** The object that the name of a run's file stands for; null where there is no such file. */
export async function readFile(
  database: Queryable,
  at: { readonly run: string; readonly name: string },
): Promise<IndexedFile | null> {
  const [row] = await database.rows(
    "select key, bytes from batchframe.file where run = $1 and name = $2",
    [at.run, at.name],
  );
  return row === undefined ? null : { key: text(row["key"]), bytes: Number(row["bytes"]) };
}

/** The run of this id. What it has learnt is its account's; that it is to be cancelled, its dataset's too. */
export async function readRun(database: Queryable, run: string): Promise<RunRecord> {
  const [row] = await database.rows(
    `select r.*, a.learnt, d.cancel_requested_at_ms
     from batchframe.run r join batchframe.account a on a.id = r.account
       left join batchframe.part p on p.run = r.id
       left join batchframe.dataset d on d.id = p.dataset
     where r.id = $1`,
    [run],
  );
  if (row !== undefined) return runOf(row);
  throw new StoreError("run_missing", `There is no run ${run} any more.`, {
    hint: "batchframe ls shows the runs there are.",
  });
}

/** Every chunk of a run, by number. */
export async function readChunks(database: Queryable, run: string): Promise<readonly Chunk[]> {
  const rows = await database.rows(
    `select ${CHUNK_FIELDS} from batchframe.chunk where run = $1 order by number`,
    [run],
  );
  return rows.map(chunkOf);
}

/** The requests a chunk carries, strictly increasing; none for a chunk that does not exist. */
export async function readOrdinals(
  database: Queryable,
  at: { readonly run: string; readonly chunk: number },
): Promise<Uint32Array> {
  const [row] = await database.rows(
    "select ordinals from batchframe.chunk where run = $1 and number = $2",
    [at.run, at.chunk],
  );
  return uint32(row?.["ordinals"]);
}

/** The planned rows in order. */
export async function* readPlannedRows(
  database: Queryable,
  run: string,
): AsyncGenerator<PlannedRows> {
  for (let next = 0; ;) {
    const rows = await database.rows(
      `select first_row, requests from batchframe.planned_rows
       where run = $1 and first_row >= $2 order by first_row limit 64`,
      [run, next],
    );
    for (const row of rows) {
      const requests = int32(row["requests"]);
      const firstRow = Number(row["first_row"]);
      next = firstRow + Math.max(1, requests.length);
      yield { firstRow, requests };
    }
    if (rows.length === 0) return;
  }
}

/** The reply indexes of collected chunks, by chunk. */
export async function* readReplyIndexes(
  database: Queryable,
  run: string,
): AsyncGenerator<{ readonly chunk: number; readonly index: ReplyIndex }> {
  // Recalled chunks have numbers below zero.
  for (let last = -(2 ** 31); ;) {
    const rows = await database.rows(
      `select number, reply_ordinals, reply_offsets, reply_lengths from batchframe.chunk
       where run = $1 and state = 'collected' and number > $2 order by number limit 8`,
      [run, last],
    );
    for (const row of rows) {
      last = Number(row["number"]);
      yield { chunk: last, index: indexOf(row) };
    }
    if (rows.length === 0) return;
  }
}

/** The reply index of one chunk; an empty one where it is not collected. */
export async function readReplyIndex(
  database: Queryable,
  run: string,
  chunk: number,
): Promise<ReplyIndex> {
  const [row = {}] = await database.rows(
    `select reply_ordinals, reply_offsets, reply_lengths from batchframe.chunk
     where run = $1 and number = $2`,
    [run, chunk],
  );
  return indexOf(row);
}

function indexOf(row: Row): ReplyIndex {
  return {
    ordinals: uint32(row["reply_ordinals"]),
    offsets: float64(row["reply_offsets"]),
    lengths: uint32(row["reply_lengths"]),
  };
}

/** The requests that ended without an answer, by ordinal. */
export async function* readFailures(
  database: Queryable,
  run: string,
): AsyncGenerator<FailedRequest> {
  for (let last = -1; ;) {
    const rows = await database.rows(
      `select ordinal, code, message, retryable from batchframe.failure
       where run = $1 and ordinal > $2 order by ordinal limit 1000`,
      [run, last],
    );
    for (const row of rows) {
      last = Number(row["ordinal"]);
      yield {
        ordinal: last,
        code: text(row["code"]) as RowErrorCode,
        message: JSON.parse(text(row["message"])) as string,
        retryable: Boolean(row["retryable"]),
      };
    }
    if (rows.length === 0) return;
  }
}
