/** One process drives a run: a lock row with an owner and a heartbeat. */

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "../core/errors.ts";

// Every process on a machine that is alive and awake beats this often.
const BEAT_MS = 2000;
// A long native call may hold the event loop for seconds; a process silent for this long is dead or frozen.
const DEAD_MS = 15_000;

/** The lock of a run, held by this process until released or taken over. */
export interface HeldLock {
  isHeld(): boolean;
  /** @throws {StoreError} `lock_lost` when another process has taken the run over. */
  assertHeld(): void;
  release(): void;
}

/**
 * Takes the run's lock and keeps it alive.
 *
 * A lock whose owner is dead (its process is gone from this machine, or silent for 15 s) is taken over.
 *
 * @throws {StoreError} `run_locked` with the owner's process and machine; nothing was sent.
 */
export function holdLock(database: DatabaseSync): HeldLock {
  const owner = randomUUID();
  take(database, owner);
  const beat = database.prepare("update lock set beat_at_ms = ? where owner = ?");
  const timer = setInterval(() => {
    // A missed beat is no harm: the next write checks the owner, and a busy store is retried in 2 s.
    try {
      beat.run(Date.now(), owner);
    } catch {
      return;
    }
  }, BEAT_MS);
  timer.unref();
  const isHeld = (): boolean =>
    database.prepare("select 1 as held from lock where owner = ?").get(owner) !== undefined;
  return {
    isHeld,
    assertHeld: () => {
      if (!isHeld())
        throw new StoreError(
          "lock_lost",
          "Another process has taken over this run, so this one stopped without writing.",
          { hint: "See how it goes with: batchframe status" },
        );
    },
    release: () => {
      clearInterval(timer);
      database.prepare("delete from lock where owner = ?").run(owner);
    },
  };
}

function take(database: DatabaseSync, owner: string): void {
  database.exec("begin immediate");
  try {
    const held = database.prepare("select * from lock").get();
    if (held !== undefined && isAlive(held)) throw locked(held);
    database
      .prepare(
        "insert or replace into lock (one, owner, pid, host, beat_at_ms) values (1, ?, ?, ?, ?)",
      )
      .run(owner, process.pid, hostname(), Date.now());
    database.exec("commit");
  } catch (error) {
    // SQLite has rolled back by itself when the disk failed; asking again would hide why.
    if (database.isTransaction) database.exec("rollback");
    throw error;
  }
}

/** Whether a live process holds the run's lock. */
export function isLocked(database: DatabaseSync): boolean {
  const held = database.prepare("select * from lock").get();
  return held !== undefined && isAlive(held);
}

function isAlive(lock: Readonly<Record<string, unknown>>): boolean {
  if (lock["host"] === hostname() && !processExists(Number(lock["pid"]))) return false;
  const silentMs = Date.now() - Number(lock["beat_at_ms"]);
  // A beat from the future means the clock was set back: believe it is alive only as long as a beat lasts.
  return Math.abs(silentMs) < DEAD_MS;
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function locked(lock: Readonly<Record<string, unknown>>): StoreError {
  return new StoreError(
    "run_locked",
    `This run is being driven by process ${String(lock["pid"])} on ${String(lock["host"])}. Nothing was sent by this one.`,
    {
      hint: "Wait for it or stop it; a dead owner's lock is taken over after 15 s. Watch it with: batchframe status",
    },
  );
}
