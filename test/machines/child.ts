/**
 * A worker process that is killed or frozen at a named step when told to.
 *
 * `WORKER_STATE` is the address of the state, `WORKER_POINT` where to be struck. Steps are statements by
 * their beginnings (`update chunk submitting:before`), commits (`commit submission:after`) and calls
 * (`POST /v1/batches:after`), and files that get their names (`name part:before`). Prints its log on standard output; ends at SIGTERM, or with its runs.
 */

import { writeSync } from "node:fs";
import files from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";
import { openState } from "../../src/machines/shared-state.ts";
import { runWorker } from "../../src/machines/worker.ts";
import { logLine } from "../../src/machines/worker-log.ts";
import { TEMPORARY_NAME } from "../../src/frame/write-marks.ts";
import type { Database, Queryable } from "../../src/store/postgres-client.ts";

/** Where the worker is struck, and how. */
export interface Strike {
  readonly at: string;
  /** At which passage, counted from 1. */
  readonly nth: number;
  readonly action: "kill" | "stop";
}

/** How the worker behaves otherwise. */
export interface WorkerJob {
  readonly state: string;
  readonly strike: Strike | null;
  readonly leaseMs: number;
  /** Parts at a time. */
  readonly concurrency: number;
  /** How far its own clock is off, in milliseconds. */
  readonly clockOffMs: number;
  /** Makes a mark in half-written outputs wherever one can be made. */
  readonly marksAlways: boolean;
}

const job = JSON.parse(process.env["WORKER_JOB"] ?? "null") as WorkerJob;
const passages = new Map<string, number>();

if (job.clockOffMs !== 0) {
  const now = Date.now.bind(Date);
  Date.now = () => now() + job.clockOffMs;
}

function passes(step: string): void {
  const passage = (passages.get(step) ?? 0) + 1;
  passages.set(step, passage);
  const { strike } = job;
  if (strike?.at !== step || passage !== strike.nth) return;
  writeSync(1, `struck at ${step}\n`);
  process.kill(process.pid, strike.action === "kill" ? "SIGKILL" : "SIGSTOP");
  // The signal of a kill may take a moment; nothing more may happen in it.
  while (strike.action === "kill");
}

/** A short name for what a statement does; null for what changes nothing of the truth. */
function stepOf(statement: string, values: readonly unknown[]): string | null {
  const insert = /insert into batchframe\.(\w+)/.exec(statement)?.[1];
  if (insert !== undefined) return `insert ${insert}`;
  if (statement.includes("update batchframe.chunk set state")) return `chunk ${String(values[3])}`;
  if (statement.includes("update batchframe.run set plan")) return "plan";
  if (statement.includes("update batchframe.part set state")) return `part ${String(values[2])}`;
  return null;
}

function watched(connection: Queryable, said: (step: string) => void): Queryable {
  return {
    rows: (statement, values) => connection.rows(statement, values),
    change: async (statement, values = []) => {
      const step = stepOf(statement, values);
      if (step !== null) passes(`${step}:before`);
      const changed = await connection.change(statement, values);
      if (step !== null) said(step);
      return changed;
    },
  };
}

function watchedDatabase(database: Database): Database {
  return {
    ...database,
    transaction: async (work) => {
      const steps: string[] = [];
      const result = await database.transaction((connection) =>
        work(watched(connection, (step) => steps.push(step))),
      );
      for (const step of steps) passes(`${step}:after`);
      return result;
    },
  };
}

if (job.marksAlways) {
  const open = files.open.bind(files);
  const now = performance.now.bind(performance);
  files.open = async (...given: Parameters<typeof open>) => {
    // From here on every look at the clock is past the time for the next mark.
    let looks = 0;
    if (TEMPORARY_NAME.test(basename(String(given[0]))))
      performance.now = () => now() + 3000 * (looks += 1);
    return await open(...given);
  };
}

const rename = files.rename.bind(files);
files.rename = async (from, to) => {
  const kind = basename(String(to)).split("-")[0] ?? "";
  passes(`name ${kind}:before`);
  await rename(from, to);
  passes(`name ${kind}:after`);
};
syncBuiltinESMExports();

const fetchPlain = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const method = init?.method ?? (input instanceof Request ? input.method : "GET");
  const kind = url.pathname.replace(/[a-z]+[-_][A-Za-z0-9_-]+/g, "ID");
  passes(`${method} ${kind}:before`);
  const response = await fetchPlain(input, init);
  passes(`${method} ${kind}:after`);
  return response;
};

const stop = new AbortController();
process.once("SIGTERM", () => {
  stop.abort();
});
const state = await openState(job.state, { leaseMs: job.leaseMs });
await runWorker(
  { ...state, database: watchedDatabase(state.database) },
  {
    concurrency: job.concurrency,
    leaseMs: job.leaseMs,
    signal: stop.signal,
    onEvent: (event) => writeSync(1, `${logLine(event, Date.now())}\n`),
  },
);
await state[Symbol.asyncDispose]();
process.exit(0);
