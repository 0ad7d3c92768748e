/** Runs as they stand on disk, read without taking them from the process that drives them. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Chunk } from "../core/chunk.ts";
import { chunkFiles } from "./chunk-files.ts";
import { isLocked } from "./lock.ts";
import { openDatabase } from "./sqlite-open.ts";
import {
  readChunks,
  readFailures,
  readPlannedRows,
  readReplyIndex,
  readReplyIndexes,
  readRun,
} from "./sqlite-read.ts";
import { ordinalsOf } from "./sqlite-hand-on.ts";
import { readRequestIds } from "./sqlite-plan.ts";
import { CHUNKS, STORE_FILE } from "./sqlite.ts";
import type { ReadableFiles, RunRecord, Store } from "./store.ts";

/** A run's memory, readable while another process drives it. */
export type StoreReader = Pick<
  Store,
  | "run"
  | "chunks"
  | "ordinals"
  | "plannedRows"
  | "requestIds"
  | "replyIndexes"
  | "replyIndex"
  | "failures"
> & { readonly files: ReadableFiles } & Disposable;

/**
 * Opens a run for reading only, without its lock.
 *
 * @throws {StoreError} `run_missing`, `store_version`, `store_damaged`.
 */
export function openSqliteReader(directory: string): StoreReader {
  const database = openDatabase(join(directory, STORE_FILE), true);
  return {
    run: () => Promise.resolve(readRun(database)),
    chunks: () => Promise.resolve(readChunks(database)),
    plannedRows: () => readPlannedRows(database),
    requestIds: () => readRequestIds(database),
    failures: () => readFailures(database),
    ordinals: (chunk) => Promise.resolve(ordinalsOf(database, chunk)),
    replyIndexes: () => readReplyIndexes(database),
    replyIndex: (chunk) => Promise.resolve(readReplyIndex(database, chunk)),
    files: chunkFiles(join(directory, CHUNKS)),
    [Symbol.dispose]: () => {
      database.close();
    },
  };
}

/**
 * Whether a run was begun in a directory. A process that was killed before it had recorded its run leaves a store
 * that holds none; nothing was sent from there, and the next one begins in its place.
 *
 * @throws {StoreError} `store_version`, `store_damaged` for a file that is no store.
 */
export function isBegun(directory: string): boolean {
  const path = join(directory, STORE_FILE);
  if (!existsSync(path)) return false;
  const files = join(directory, CHUNKS);
  // With chunk files the record of a run is lost, which whoever reads it says.
  if (existsSync(files) && readdirSync(files).length > 0) return true;
  const database = openDatabase(path, true);
  try {
    return database.prepare("select 1 from run").get() !== undefined;
  } finally {
    database.close();
  }
}

/** Asks the process that drives a run, or the next one that will, to stop its remote work. */
export function requestCancel(directory: string): void {
  const database = openDatabase(join(directory, STORE_FILE), true);
  try {
    database.prepare("update run set cancel_requested_at_ms = ?").run(Date.now());
  } finally {
    database.close();
  }
}

/**
 * Reads a run's record and chunks without taking its lock, while another process may be driving it.
 *
 * @throws {StoreError} `run_missing`, `store_version`, `store_damaged`.
 */
export function readSqliteRun(directory: string): {
  readonly run: RunRecord;
  readonly chunks: readonly Chunk[];
  /** Whether a live process drives it. */
  readonly isDriven: boolean;
} {
  const database = openDatabase(join(directory, STORE_FILE), true);
  try {
    return {
      run: readRun(database),
      chunks: readChunks(database),
      isDriven: isLocked(database),
    };
  } finally {
    database.close();
  }
}
