/** Opening a run's database: its directory, its durability and its schema. */

import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { InvariantError, StoreError } from "../core/errors.ts";
import { MAKE_ROOM } from "../core/make-room.ts";
import { RUN_SCHEMA, type Schema } from "./schema.ts";

/** The file that keeps a run's directory out of git. */
export const GIT_IGNORE = ".gitignore";

/** What that file says. */
export const IGNORES_ITSELF = "*\n";

/**
 * Makes a run's directory, with a `.gitignore` in it that keeps it out of git. A folder that was there
 * before stays as git knows it.
 *
 * @throws {StoreError} `run_directory_unwritable`; nothing was sent.
 */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    const made = await mkdir(directory, { recursive: true });
    // Prompts and replies are never to be committed by accident.
    if (made !== undefined) await writeFile(join(directory, GIT_IGNORE), IGNORES_ITSELF);
  } catch (cause) {
    throw new StoreError(
      "run_directory_unwritable",
      `The run directory ${directory} cannot be made. Nothing was sent.`,
      { hint: "Make its parent writable, or choose another with --run-dir.", cause },
    );
  }
}

/**
 * Opens a database in write-ahead mode, synced at every commit, with its schema brought up to date.
 *
 * @throws {StoreError} `run_missing`, `run_directory_unwritable`, `store_damaged`, `store_version`.
 */
export function openDatabase(
  path: string,
  mustExist: boolean,
  schema: Schema = RUN_SCHEMA,
): DatabaseSync {
  const giveUpAt = performance.now() + BUSY_MS;
  for (;;) {
    try {
      return openOnce(path, mustExist, schema);
    } catch (cause) {
      // Turning to write-ahead mode answers "busy" at once, without the time-out other statements have,
      // while another process that was started together with this one does the same.
      if (isBusy(String(cause)) && performance.now() < giveUpAt) pauseMs(20);
      else throw cause instanceof StoreError ? cause : openError(path, mustExist, cause);
    }
  }
}

const BUSY_MS = 5000;

function pauseMs(duration: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, duration);
}

function openOnce(path: string, mustExist: boolean, schema: Schema): DatabaseSync {
  const database = new DatabaseSync(mustExist ? `file:${encodePath(path)}?mode=rw` : path, {
    timeout: BUSY_MS,
  });
  try {
    database.exec("pragma journal_mode = wal; pragma synchronous = full;");
    migrate(database, path, schema);
  } catch (error) {
    database.close();
    throw error;
  }
  return database;
}

function encodePath(path: string): string {
  return path.replaceAll("%", "%25").replaceAll("?", "%3f").replaceAll("#", "%23");
}

function openError(path: string, mustExist: boolean, cause: unknown): StoreError {
  const text = String(cause);
  // SQLite's words are the same for a file that is not there and for one that may not be opened.
  if (mustExist && /unable to open/i.test(text) && !existsSync(path))
    return new StoreError(
      "run_missing",
      `There is no run at ${dirname(path)}, or it cannot be opened.`,
      {
        hint: "batchframe ls shows the runs there are.",
        cause,
      },
    );
  const known = asStoreError(cause);
  if (known instanceof StoreError) return known;
  return new StoreError(
    "store_damaged",
    `${path} is not a readable run store: ${text}. No money was spent.`,
    {
      hint: "Restore it from a copy, or remove the run directory and run again (which pays again).",
      cause,
    },
  );
}

function migrate(database: DatabaseSync, path: string, schema: Schema): void {
  const version = Number(database.prepare("pragma user_version").get()?.["user_version"] ?? 0);
  if (version > schema.version)
    throw new StoreError(
      "store_version",
      `${path} was written by a newer batchframe (store version ${String(version)}; this one knows ${String(schema.version)}).`,
      { hint: "Update batchframe: npm install batchframe@latest" },
    );
  if (version === schema.version) return;
  // Immediate, and asked again inside, so that two processes started at once do not both make the tables.
  database.exec("begin immediate");
  try {
    const now = Number(database.prepare("pragma user_version").get()?.["user_version"] ?? 0);
    if (now === 0)
      database.exec(`${schema.statements} pragma user_version = ${String(schema.version)};`);
    database.exec("commit");
  } catch (error) {
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

/** What SQLite throws for a full disk or a lost permission as a StoreError; anything else as it is. */
export function asStoreError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof StoreError || error instanceof InvariantError)
    return error;
  if (isBusy(error.message)) return busy(error);
  if (/disk is full|disk I\/O error|^(?:ENOSPC|EDQUOT|EIO)\b/i.test(error.message))
    return new StoreError(
      "disk_full",
      `The disk is full or takes nothing more (${error.message}), so the run stopped. Everything recorded so far is kept.`,
      { hint: MAKE_ROOM, cause: error },
    );
  if (UNWRITABLE.test(error.message)) return unwritable(error);
  return error;
}

const UNWRITABLE = /readonly database|unable to open/i;

function unwritable(cause: unknown): StoreError {
  return new StoreError(
    "run_directory_unwritable",
    "The run store cannot be written. Nothing more was sent.",
    { hint: "Make the run directory writable and run the same command again.", cause },
  );
}

function isBusy(message: string): boolean {
  return /database is (locked|busy)/i.test(message);
}

function busy(cause: unknown): StoreError {
  return new StoreError(
    "store_busy",
    "Another process kept the run's store busy for 5 s. Nothing more was sent.",
    { hint: "Run the same command again; what was recorded is kept.", cause },
  );
}
