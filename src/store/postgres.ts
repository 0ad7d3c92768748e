/** The shared store: a run in PostgreSQL, driven by one worker at a time under a lease, by whichever is free. */

import { NOTHING_COLLECTED, type ChunkState } from "../core/chunk.ts";
import { canonicalJson } from "../core/hash.ts";
import { wrongState } from "./moves.ts";
import { objectFiles, removeSpool, spoolOf, type FileIndex } from "./object-files.ts";
import type { Objects } from "./objects.ts";
import { admit, admittedTokens, knowAccount, type Account } from "./postgres-admission.ts";
import type { Database, Queryable } from "./postgres-client.ts";
import { affordable, spend, type PartPurse } from "./postgres-purse.ts";
import {
  addChunks,
  collectedColumns,
  divideChunk,
  estimateOfEach,
  handOn,
  recordFailures,
  recordJudgements,
} from "./postgres-hand-on.ts";
import { NOW_MS, takeLease, type Lease } from "./postgres-lease.ts";
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
import { readPlanSoFar, readRequestIds, recordPlanStep, requestIdReader } from "./postgres-plan.ts";
import type { NewRun } from "./sqlite.ts";
import { text } from "./sqlite-values.ts";
import type { CollectedChunk, Store } from "./store.ts";

/** Where a run's memory is, and how it is held. */
export interface SharedPlace {
  readonly database: Database;
  readonly objects: Objects;
  /** What the keys of the run's chunk files begin with. */
  readonly prefix: string;
  /** A folder of this process for copies of chunk files. */
  readonly spool: string;
  readonly leaseMs: number;
  readonly account: Account;
  /** What its chunks are paid from; null where nobody knows a price, or nothing is charged. */
  readonly purse: PartPurse | null;
}

/** A run that many machines share, held by this one. */
export interface SharedStore extends Store {
  /** Does more work on the database in one transaction, while the run is held. @throws {StoreError} `lock_lost` */
  guarded<T>(work: (connection: Queryable) => Promise<T>): Promise<T>;
  /** The number of the lease it is held under; greater than that of everybody who held it before. */
  readonly fence: number;
}

/**
 * Opens a run for driving, making it when there is none, and takes its lease.
 *
 * Times are the database's. Every change checks the lease's fence in its own transaction, so a worker
 * that was frozen and has lost the run cannot write over its successor.
 *
 * @throws {StoreError} `run_locked`, `state_unreachable`, `state_refused`, `state_not_migrated`.
 */
export async function openPostgresStore(place: SharedPlace, fresh: NewRun): Promise<SharedStore> {
  const { database, account } = place;
  await database.transaction(async (connection) => {
    await knowAccount(connection, account.id);
    await connection.change(
      `insert into batchframe.run (id, token, spec, identity, account, created_at_ms)
       values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing`,
      [
        ...[fresh.id, fresh.token, canonicalJson(fresh.spec), fresh.identity],
        ...[account.id, fresh.createdAtMs],
      ],
    );
  });
  const lease = await takeLease(database, fresh.id, place.leaseMs);
  return postgresStore(place, lease, spoolOf(place.spool, fresh.id));
}

function postgresStore(place: SharedPlace, lease: Lease, spool: string): SharedStore {
  const { database, account, purse } = place;
  const { run } = lease;
  const write = <T>(change: (connection: Queryable) => Promise<T>): Promise<T> =>
    database.transaction(async (connection) => {
      await lease.assertHeld(connection);
      return await change(connection);
    });
  const move = (
    connection: Queryable,
    chunk: number,
    step: { readonly from: ChunkState; readonly to: ChunkState },
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<void> => moveChunk(connection, { run, chunk }, step, fields);
  const close = async (
    connection: Queryable,
    chunk: number,
    end: { readonly outcome: string; readonly batchId?: string; readonly note?: string },
  ): Promise<void> => {
    await connection.change(
      `update batchframe.submission set outcome = $3, batch_id = $4, note = $5
       where run = $1 and intent_id =
         (select intent_id from batchframe.chunk where run = $1 and number = $2)`,
      [run, chunk, end.outcome, end.batchId ?? null, JSON.stringify(end.note ?? null)],
    );
  };
  const charge = async (
    connection: Queryable,
    chunk: number,
    collected: CollectedChunk,
  ): Promise<void> => {
    if (purse !== null) await spend(connection, purse, { run, chunk }, collected);
  };
  const given = async (
    connection: Queryable,
    chunk: number,
    gift: { readonly intentId: string; readonly batchId: string | null; readonly note: string },
  ): Promise<void> => {
    await connection.change(
      `insert into batchframe.submission
         (intent_id, run, chunk, account, is_sole, fence, at_ms, outcome, batch_id, note)
       values ($1, $2, $3, $4, false, $5, ${NOW_MS}, 'adopted', $6, $7)`,
      [gift.intentId, run, chunk, account.id, lease.fence, gift.batchId, JSON.stringify(gift.note)],
    );
  };
  const index: FileIndex = {
    find: (name) => readFile(database, { run, name }),
    set: (name, { key, bytes }) =>
      write(async (connection) => {
        await connection.change(
          `insert into batchframe.file (run, name, key, bytes) values ($1, $2, $3, $4)
           on conflict (run, name) do update set key = excluded.key, bytes = excluded.bytes`,
          [run, name, key, bytes],
        );
      }),
  };

  return {
    guarded: write,
    fence: lease.fence,
    files: objectFiles({ objects: place.objects, index, prefix: place.prefix, spool }),
    run: () => readRun(database, run),
    addToPlan: (step) =>
      write((connection) => recordPlanStep(connection, { run, account: account.id }, step)),
    planSoFar: () => readPlanSoFar(database, run),
    requestIds: () => readRequestIds(database, run),
    idsOf: requestIdReader(database, run),
    finishPlan: (counts, estimates) =>
      write(async (connection) => {
        await connection.change("update batchframe.run set plan = $2 where id = $1", [
          run,
          JSON.stringify(counts),
        ]);
        for (const [chunk, estimate] of estimates ?? [])
          await connection.change(
            "update batchframe.chunk set estimate = $3, tokens = $4 where run = $1 and number = $2",
            [run, chunk, JSON.stringify(estimate), admittedTokens(estimate)],
          );
      }),
    plannedRows: () => readPlannedRows(database, run),
    chunks: () => readChunks(database, run),
    ordinals: (chunk) => readOrdinals(database, { run, chunk }),
    written: (chunk, { bytes, requestCount }) =>
      write(async (connection) => {
        const held = await readOrdinals(connection, { run, chunk });
        const isWhole = held.length === requestCount;
        await move(connection, chunk, STAY_PLANNED, isWhole ? { bytes } : {});
        return isWhole;
      }),
    intend: (chunk, intentId) =>
      write(async (connection) => {
        const asked = { run, chunk, intentId, fence: lease.fence };
        // Asked first, so that what is not planned is told so, whatever room there is.
        await move(connection, chunk, STAY_PLANNED);
        const mostUsd = purse === null ? 0 : await affordable(connection, purse, { run, chunk });
        if (mostUsd === null || !(await admit(connection, account, asked))) return false;
        const set = { intent_id: intentId, intent_at_ms: await nowMs(connection), staged: null };
        await move(
          connection,
          chunk,
          { from: "planned", to: "submitting" },
          { ...set, ...(purse === null ? {} : { most_usd: mostUsd }) },
        );
        return true;
      }),
    staged: (chunk, staged) =>
      write(async (connection) => {
        const fields = {
          staged: JSON.stringify(staged),
          intent_at_ms: await nowMs(connection),
        };
        await move(connection, chunk, { from: "submitting", to: "submitting" }, fields);
      }),
    withdraw: (chunk, note) =>
      write(async (connection) => {
        await close(connection, chunk, { outcome: "withdrawn", note });
        await move(connection, chunk, { from: "submitting", to: "planned" }, NO_INTENT);
      }),
    submitted: (chunk, batchId, outcome) =>
      write(async (connection) => {
        await close(connection, chunk, { outcome, batchId });
        const fields = { batch_id: batchId, submitted_at_ms: await nowMs(connection) };
        await move(connection, chunk, { from: "submitting", to: "submitted" }, fields);
      }),
    adopted: (chunk, intentId, batchId) =>
      write(async (connection) => {
        const atMs = await nowMs(connection);
        const intent = { lane: "batch", intent_id: intentId, intent_at_ms: atMs, staged: "{}" };
        const fields = { ...intent, batch_id: batchId, submitted_at_ms: atMs };
        await move(connection, chunk, { from: "planned", to: "submitted" }, fields);
        await given(connection, chunk, { intentId, batchId, note: "Given by its id." });
      }),
    released: (chunk, note) =>
      write(async (connection) => {
        await close(connection, chunk, { outcome: "withdrawn", note });
        const fields = { ...NO_INTENT, batch_id: null, submitted_at_ms: null };
        const unseen = { look: null, ending: null };
        await move(connection, chunk, { from: "ended", to: "planned" }, { ...fields, ...unseen });
      }),
    looked: (chunk, look) =>
      write(async (connection) => {
        await connection.change(
          `update batchframe.chunk set look = $3
           where run = $1 and number = $2 and state = 'submitted'`,
          [run, chunk, JSON.stringify(look)],
        );
      }),
    ended: (chunk, ending) =>
      write(async (connection) => {
        const fields = { ending: JSON.stringify(ending) };
        await move(connection, chunk, { from: "submitted", to: "ended" }, fields);
      }),
    collected: (chunk, collected) =>
      write(async (connection) => {
        const fields = { ...collectedColumns(collected), most_usd: null };
        await move(connection, chunk, { from: "ended", to: "collected" }, fields);
        await charge(connection, chunk, collected);
        await handOn(connection, { run, chunk }, collected);
      }),
    answered: (chunk, intentId, collected) =>
      write(async (connection) => {
        const fields = { lane: "batch", ...collectedColumns(collected) };
        await move(connection, chunk, { from: "planned", to: "collected" }, fields);
        await charge(connection, chunk, collected);
        await handOn(connection, { run, chunk }, collected);
        await given(connection, chunk, { intentId, batchId: null, note: "Given as replies." });
      }),
    abandoned: (chunk) =>
      write(async (connection) => {
        const ordinals = [...(await readOrdinals(connection, { run, chunk }))];
        const collection = { ...NOTHING_COLLECTED, failed: ordinals.length };
        const fields = { collection: JSON.stringify(collection) };
        await move(connection, chunk, { from: "planned", to: "collected" }, fields);
        const message = "The run was cancelled before this was sent.";
        const why = { code: "cancelled", message, retryable: true } as const;
        await recordFailures(
          connection,
          run,
          ordinals.map((ordinal) => ({ ordinal, ...why })),
        );
      }),
    divided: (chunk, maxRequests) =>
      write(async (connection) => {
        const fields = { collection: JSON.stringify(NOTHING_COLLECTED) };
        await move(connection, chunk, { from: "planned", to: "collected" }, fields);
        await divideChunk(connection, { run, chunk }, maxRequests);
      }),
    rejudged: (judgements) => write((connection) => recordJudgements(connection, run, judgements)),
    retry: (ordinals, { maxRequests, lane }) =>
      write(async (connection) => {
        const each = await estimateOfEach(connection, run, null);
        const kind = { origin: "retry", lane, attempt: 1, resends: 0, maxRequests, each } as const;
        await addChunks(connection, run, ordinals, kind);
        await connection.change(
          "update batchframe.run set finished_at_ms = null, deadline = null where id = $1",
          [run],
        );
      }),
    switchLane: (lane) =>
      write(async (connection) => {
        await connection.change(
          "update batchframe.chunk set lane = $2 where run = $1 and state = 'planned'",
          [run, lane],
        );
      }),
    learn: (learnt) =>
      write(async (connection) => {
        await connection.change("update batchframe.account set learnt = $2 where id = $1", [
          account.id,
          JSON.stringify(learnt),
        ]);
      }),
    setDeadline: (deadline) =>
      write(async (connection) => {
        await connection.change("update batchframe.run set deadline = $2 where id = $1", [
          run,
          JSON.stringify(deadline),
        ]);
      }),
    setCap: (capUsd) =>
      write(async (connection) => {
        await connection.change("update batchframe.run set cap_usd = $2 where id = $1", [
          run,
          capUsd,
        ]);
      }),
    finished: () =>
      write(async (connection) => {
        await connection.change(
          `update batchframe.run set finished_at_ms = coalesce(finished_at_ms, ${NOW_MS}) where id = $1`,
          [run],
        );
      }),
    replyIndexes: () => readReplyIndexes(database, run),
    replyIndex: (chunk) => readReplyIndex(database, run, chunk),
    failures: () => readFailures(database, run),
    holdsLock: () => lease.isHeld(),
    clockMs: () => nowMs(database),
    claimedBatches: async () => {
      const rows = await database.rows(
        `select batch_id from batchframe.chunk
         where account = $1 and batch_id is not null and submitted_at_ms > ${NOW_MS} - $2`,
        [account.id, CLAIMS_KEPT_MS],
      );
      return new Set(rows.map((row) => text(row["batch_id"])));
    },
    [Symbol.asyncDispose]: async () => {
      await removeSpool(spool);
      await lease.release();
    },
  };
}

const STAY_PLANNED = { from: "planned", to: "planned" } as const;
const NO_INTENT = { intent_id: null, intent_at_ms: null, staged: null, most_usd: null } as const;
// An intent is resolved within the day that a batch may take; nobody looks for one made longer ago.
const CLAIMS_KEPT_MS = 3 * 24 * 60 * 60 * 1000;

async function moveChunk(
  connection: Queryable,
  { run, chunk }: { readonly run: string; readonly chunk: number },
  { from, to }: { readonly from: ChunkState; readonly to: ChunkState },
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  const names = Object.keys(fields);
  const set = ["state = $4", ...names.map((name, at) => `${name} = $${String(at + 5)}`)];
  const changed = await connection.change(
    `update batchframe.chunk set ${set.join(", ")} where run = $1 and number = $2 and state = $3`,
    [run, chunk, from, to, ...Object.values(fields)],
  );
  if (changed !== 1) throw wrongState(chunk, from, to);
}

async function nowMs(connection: Queryable): Promise<number> {
  const [row] = await connection.rows(`select ${NOW_MS} as now_ms`);
  return Number(row?.["now_ms"]);
}
