/** The embedded store: one SQLite file per run, every change synced to disk before its promise settles. */

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { NOTHING_COLLECTED, type ChunkState } from "../core/chunk.ts";
import { StoreError } from "../core/errors.ts";
import { canonicalJson } from "../core/hash.ts";
import { chunkFiles, removeUnfinished } from "./chunk-files.ts";
import { holdLock, type HeldLock } from "./lock.ts";
import { logSync } from "./log-sync.ts";
import { wrongState } from "./moves.ts";
import { asStoreError, openDatabase, prepareDirectory } from "./sqlite-open.ts";
import {
  readChunks,
  readClaimedBatches,
  readFailures,
  readPlannedRows,
  readReplyIndex,
  readReplyIndexes,
  readRun,
} from "./sqlite-read.ts";
import {
  abandonedCollection,
  addChunks,
  collectedFields,
  divide,
  estimateOfEach,
  ordinalsOf,
  recordAbandoned,
  recordCollected,
  recordRejudged,
  recordGiven,
} from "./sqlite-hand-on.ts";
import { readPlanSoFar, readRequestIds, recordPlanStep, requestIdReader } from "./sqlite-plan.ts";
import type { RunRecord, Store } from "./store.ts";

/** A run's database file inside its directory. */
export const STORE_FILE = "run.sqlite";

/** The directory of its chunk files. */
export const CHUNKS = "chunks";

/** What a new run is recorded with. */
export type NewRun = Pick<RunRecord, "id" | "token" | "spec" | "identity" | "createdAtMs">;

/**
 * Opens the run in `directory` for driving, making it when `fresh` is given and there is none.
 *
 * Takes the run's lock; a second driver is refused. The directory gets a `.gitignore` that ignores it.
 *
 * @throws {StoreError} `run_locked`, `run_missing`, `store_version`, `store_damaged`, `run_directory_unwritable`.
 */
export async function openSqliteStore(directory: string, fresh: NewRun | null): Promise<Store> {
  if (fresh !== null) await prepareDirectory(directory);
  const database = openDatabase(join(directory, STORE_FILE), fresh === null);
  try {
    await refuseLostMemory(database, directory);
    if (fresh !== null) createRun(database, fresh);
    const lock = holdLock(database);
    await removeUnfinished(join(directory, CHUNKS));
    return sqliteStore(database, lock, directory);
  } catch (error) {
    database.close();
    throw asStoreError(error);
  }
}

/**
 * Refuses chunk files without a run that knows of them: their batches may have been paid for, and a
 * run begun anew in their place would pay again.
 */
async function refuseLostMemory(database: DatabaseSync, directory: string): Promise<void> {
  const names = await readdir(join(directory, CHUNKS)).catch(() => []);
  if (names.length === 0) return;
  // Asked after the files were seen: a run is recorded before its first file is written, so another
  // process that is just beginning it is not mistaken for a loss.
  if (database.prepare("select 1 from run").get() !== undefined) return;
  throw new StoreError(
    "store_damaged",
    `${directory} holds chunk files, and its run store has lost what is known of them. Nothing was sent.`,
    {
      hint: `Restore ${STORE_FILE} from a copy, with the files named like it; or remove the run directory and run again (which may pay again).`,
    },
  );
}

function createRun(database: DatabaseSync, run: NewRun): void {
  database
    .prepare(
      `insert into run (id, token, spec, identity, created_at_ms)
       select ?, ?, ?, ?, ? where not exists (select 1 from run)`,
    )
    .run(run.id, run.token, canonicalJson(run.spec), run.identity, run.createdAtMs);
}

function sqliteStore(database: DatabaseSync, lock: HeldLock, directory: string): Store {
  // A commit that waited for the disk itself would hold up the loop, some milliseconds each time.
  database.exec("pragma synchronous = normal");
  const log = logSync(join(directory, STORE_FILE));
  const write = async (change: () => void): Promise<void> => {
    transaction(database, lock, change);
    await log.synced().catch((error: unknown) => {
      throw asStoreError(error);
    });
  };
  const move = (
    chunk: number,
    from: ChunkState,
    to: ChunkState,
    fields: Readonly<Record<string, SQLInputValue>>,
  ): void => {
    const names = Object.keys(fields);
    const set = ["state = ?", ...names.map((name) => `${name} = ?`)].join(", ");
    const changed = database
      .prepare(`update chunk set ${set} where number = ? and state = ?`)
      .run(to, ...Object.values(fields), chunk, from);
    if (changed.changes !== 1) throw wrongState(chunk, from, to);
  };
  const closeSubmission = (
    chunk: number,
    outcome: string,
    batchId: string | null,
    note: string | null,
  ): void => {
    database
      .prepare(
        `update submission set outcome = ?, batch_id = ?, note = ?
         where intent_id = (select intent_id from chunk where number = ?)`,
      )
      .run(outcome, batchId, note, chunk);
  };

  return {
    files: chunkFiles(join(directory, CHUNKS), () => {
      lock.assertHeld();
    }),
    run: () => Promise.resolve(readRun(database)),
    addToPlan: (step) =>
      write(() => {
        recordPlanStep(database, step);
      }),
    planSoFar: () => Promise.resolve(readPlanSoFar(database)),
    requestIds: () => readRequestIds(database),
    idsOf: requestIdReader(database),
    finishPlan: (counts, estimates) =>
      write(() => {
        database.prepare("update run set plan = ?").run(JSON.stringify(counts));
        const put = database.prepare("update chunk set estimate = ? where number = ?");
        for (const [chunk, estimate] of estimates ?? []) put.run(JSON.stringify(estimate), chunk);
      }),
    plannedRows: () => readPlannedRows(database),
    chunks: () => Promise.resolve(readChunks(database)),
    ordinals: (chunk) => Promise.resolve(ordinalsOf(database, chunk)),
    written: async (chunk, { bytes, requestCount }) => {
      let isWhole = false;
      await write(() => {
        isWhole = ordinalsOf(database, chunk).length === requestCount;
        move(chunk, "planned", "planned", isWhole ? { bytes } : {});
      });
      return isWhole;
    },
    intend: async (chunk, intentId) => {
      await write(() => {
        const now = Date.now();
        move(chunk, "planned", "submitting", {
          intent_id: intentId,
          intent_at_ms: now,
          staged: null,
        });
        database
          .prepare("insert into submission (intent_id, chunk, at_ms) values (?, ?, ?)")
          .run(intentId, chunk, now);
      });
      // Who else uses the account is not known here, so the provider alone says what it has room for.
      return true;
    },
    staged: (chunk, staged) =>
      write(() => {
        move(chunk, "submitting", "submitting", {
          staged: JSON.stringify(staged),
          intent_at_ms: Date.now(),
        });
      }),
    withdraw: (chunk, reason) =>
      write(() => {
        closeSubmission(chunk, "withdrawn", null, reason);
        move(chunk, "submitting", "planned", { intent_id: null, intent_at_ms: null, staged: null });
      }),
    submitted: (chunk, batchId, how) =>
      write(() => {
        closeSubmission(chunk, how, batchId, null);
        move(chunk, "submitting", "submitted", { batch_id: batchId, submitted_at_ms: Date.now() });
      }),
    adopted: (chunk, intentId, batchId) =>
      write(() => {
        const now = Date.now();
        move(chunk, "planned", "submitted", {
          lane: "batch",
          intent_id: intentId,
          intent_at_ms: now,
          staged: "{}",
          batch_id: batchId,
          submitted_at_ms: now,
        });
        recordGiven(database, { chunk, intentId, batchId, note: "Given by its id." });
      }),
    released: (chunk, reason) =>
      write(() => {
        closeSubmission(chunk, "withdrawn", null, reason);
        move(chunk, "ended", "planned", {
          intent_id: null,
          intent_at_ms: null,
          staged: null,
          batch_id: null,
          submitted_at_ms: null,
          look: null,
          ending: null,
        });
      }),
    looked: (chunk, look) =>
      write(() => {
        database
          .prepare("update chunk set look = ? where number = ? and state = 'submitted'")
          .run(JSON.stringify(look), chunk);
      }),
    ended: (chunk, ending) =>
      write(() => {
        move(chunk, "submitted", "ended", { ending: JSON.stringify(ending) });
      }),
    collected: (chunk, collected) =>
      write(() => {
        recordCollected(database, chunk, collected);
        move(chunk, "ended", "collected", collectedFields(collected));
      }),
    answered: (chunk, intentId, collected) =>
      write(() => {
        recordCollected(database, chunk, collected);
        move(chunk, "planned", "collected", { lane: "batch", ...collectedFields(collected) });
        recordGiven(database, { chunk, intentId, batchId: null, note: "Given as replies." });
      }),
    abandoned: (chunk) =>
      write(() => {
        recordAbandoned(database, chunk);
        move(chunk, "planned", "collected", {
          collection: JSON.stringify(abandonedCollection(database, chunk)),
        });
      }),
    divided: (chunk, maxRequests) =>
      write(() => {
        divide(database, chunk, maxRequests);
        move(chunk, "planned", "collected", { collection: JSON.stringify(NOTHING_COLLECTED) });
      }),
    rejudged: (judgements) =>
      write(() => {
        recordRejudged(database, judgements);
      }),
    retry: (ordinals, { maxRequests, lane }) =>
      write(() => {
        const kind = { origin: "retry", lane, attempt: 1, resends: 0, maxRequests } as const;
        addChunks(database, ordinals, { ...kind, each: estimateOfEach(database) });
        database.exec(
          "update run set finished_at_ms = null, cancel_requested_at_ms = null, deadline = null",
        );
      }),
    switchLane: (lane) =>
      write(() => {
        database.prepare("update chunk set lane = ? where state = 'planned'").run(lane);
      }),
    learn: (learnt) =>
      write(() => {
        database.prepare("update run set learnt = ?").run(JSON.stringify(learnt));
      }),
    setDeadline: (deadline) =>
      write(() => {
        database.prepare("update run set deadline = ?").run(JSON.stringify(deadline));
      }),
    setCap: (capUsd) =>
      write(() => {
        database.prepare("update run set cap_usd = ?").run(capUsd);
      }),
    finished: () =>
      write(() => {
        database
          .prepare("update run set finished_at_ms = coalesce(finished_at_ms, ?)")
          .run(Date.now());
      }),
    replyIndexes: () => readReplyIndexes(database),
    replyIndex: (chunk) => Promise.resolve(readReplyIndex(database, chunk)),
    failures: () => readFailures(database),
    holdsLock: () => Promise.resolve(lock.isHeld()),
    clockMs: () => Promise.resolve(Date.now()),
    claimedBatches: () => Promise.resolve(readClaimedBatches(database)),
    [Symbol.asyncDispose]: async () => {
      await log.close();
      if (!database.isOpen) return;
      lock.release();
      database.close();
    },
  };
}

/** Makes a change under the run's lock, whole or not at all. */
function transaction(database: DatabaseSync, lock: HeldLock, change: () => void): void {
  try {
    database.exec("begin immediate");
    try {
      lock.assertHeld();
      change();
      database.exec("commit");
    } catch (error) {
      // SQLite has rolled back by itself when the disk failed; asking again would hide why.
      if (database.isTransaction) database.exec("rollback");
      throw error;
    }
  } catch (error) {
    throw asStoreError(error);
  }
}
