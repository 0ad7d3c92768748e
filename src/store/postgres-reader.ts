/** A shared run as it stands, read without taking it from the worker that holds it. */

import { readObjectFiles } from "./object-files.ts";
import type { Objects } from "./objects.ts";
import type { Queryable } from "./postgres-client.ts";
import {
  readChunks,
  readFailures,
  readFile,
  readOrdinals,
  readPlannedRows,
  readReplyIndex,
  readReplyIndexes,
  readRun,
} from "./postgres-read.ts";
import { readRequestIds } from "./postgres-plan.ts";
import type { StoreReader } from "./sqlite-reader.ts";

/** Reads the run of one part; copies of its files are made below `spool`, which is the caller's to remove. */
export function postgresReader(
  database: Queryable,
  from: { readonly run: string; readonly objects: Objects; readonly spool: string },
): Omit<StoreReader, keyof Disposable> {
  const { run, objects, spool } = from;
  const index = { find: (name: string) => readFile(database, { run, name }) };
  return {
    run: () => readRun(database, run),
    chunks: () => readChunks(database, run),
    ordinals: (chunk) => readOrdinals(database, { run, chunk }),
    plannedRows: () => readPlannedRows(database, run),
    requestIds: () => readRequestIds(database, run),
    replyIndexes: () => readReplyIndexes(database, run),
    replyIndex: (chunk) => readReplyIndex(database, run, chunk),
    failures: () => readFailures(database, run),
    files: readObjectFiles({ objects, index, spool }),
  };
}
