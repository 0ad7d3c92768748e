/** Ticks: reminders that a part may have something to do, carried by pg-boss; losing them loses nothing. */

import { createRequire } from "node:module";
import type * as Library from "pg-boss";
import { assertPackage, type PackageNeed } from "../core/needed-package.ts";

const PACKAGE = "pg-boss";
const QUEUE = "batchframe-tick";

/** The post that carries ticks. Each arrives at least once, at one worker at a time. */
export interface Ticks extends AsyncDisposable {
  /** Sends a tick for each of these runs, to arrive no sooner than after `waitMs`. */
  send(runs: readonly string[], waitMs: number): Promise<void>;
  /** Calls `handle` for ticks as they arrive, at most `atOnce` at a time, until stopped. */
  work(handle: (run: string) => Promise<void>, atOnce: number): Promise<void>;
  /** Takes no more ticks, and waits until those that were taken are dealt with. */
  stop(): Promise<void>;
}

/**
 * Opens the post in a PostgreSQL database, making its tables where they are missing.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export async function openTicks(
  url: string,
  { onTrouble }: { readonly onTrouble: (error: Error) => void },
): Promise<Ticks> {
  assertTickLibrary();
  const { PgBoss }: typeof Library = await import("pg-boss");
  const boss = new PgBoss({
    connectionString: url,
    schema: "batchframe_ticks",
    application_name: "batchframe-ticks",
    max: 4,
    superviseIntervalSeconds: 10,
    monitorIntervalSeconds: 10,
    schedule: false,
  });
  // A database that is away for a while is asked again by the library itself.
  boss.on("error", onTrouble);
  await boss.start();
  await boss.createQueue(QUEUE, {
    heartbeatSeconds: 10,
    // Told again by the sweeper, from the tables that hold the truth.
    retryLimit: 3,
    retryDelay: 1,
    expireInSeconds: LONGEST_TICK_S,
    deleteAfterSeconds: 60,
  });
  return {
    send: async (runs, waitMs) => {
      const startAfter = Math.ceil(waitMs / 1000);
      await boss.insert(
        QUEUE,
        runs.map((run) => ({ data: { run }, startAfter })),
      );
    },
    work: async (handle, atOnce) => {
      const options = { localConcurrency: atOnce, pollingIntervalSeconds: 0.5, batchSize: 1 };
      await boss.work<{ run: string }>(QUEUE, options, async (jobs) => {
        for (const { data } of jobs) await handle(data.run);
      });
    },
    stop: async () => {
      await boss.offWork(QUEUE);
      await boss.stop({ graceful: true, timeout: LONGEST_STOP_MS });
    },
    [Symbol.asyncDispose]: () => boss.stop({ graceful: false }),
  };
}

// A part is planned or joined within one tick; its lease and the library's heartbeat tell whether it lives.
const LONGEST_TICK_S = 6 * 60 * 60;
const LONGEST_STOP_MS = 60_000;

/**
 * Checks that the library is there, without loading it.
 *
 * @throws {InputError} `package_missing`
 */
export function assertTickLibrary(
  resolve: PackageNeed["resolve"] = createRequire(import.meta.url).resolve,
): void {
  assertPackage(PACKAGE, {
    what: "Workers are told what to do",
    install: `pg ${PACKAGE}@12.35.0`,
    resolve,
  });
}
