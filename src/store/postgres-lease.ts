/** A lease: the right of one worker to drive one run, with a number that grows at every change of hands. */

import { hostname } from "node:os";
import { StoreError } from "../core/errors.ts";
import { text } from "./sqlite-values.ts";
import type { Database, Queryable } from "./postgres-client.ts";

/** The database's time in epoch milliseconds: workers' own clocks may be wrong. */
export const NOW_MS = "floor(extract(epoch from clock_timestamp()) * 1000)::bigint";

/** How long a worker that falls silent keeps its runs, when nobody says. */
export const DEFAULT_LEASE_MS = 60_000;

/** A run held under a lease until it is released, or lost by falling silent. */
export interface Lease {
  readonly run: string;
  /** Greater than that of everybody who held the run before. */
  readonly fence: number;
  isHeld(): Promise<boolean>;
  /** Locks the run's row for the rest of the transaction. @throws {StoreError} `lock_lost` when another has taken the run over. */
  assertHeld(connection: Queryable): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes a run that nobody holds, or whose holder has been silent for longer than its lease.
 *
 * @throws {StoreError} `run_locked` with its holder; nothing was sent.
 */
export async function takeLease(database: Database, run: string, leaseMs: number): Promise<Lease> {
  const owner = `process ${String(process.pid)} on ${hostname()}`;
  const [taken] = await database.rows(
    `update batchframe.run set owner = $2, fence = fence + 1, lease_until_ms = ${NOW_MS} + $3
     where id = $1 and (owner is null or lease_until_ms < ${NOW_MS}) returning fence`,
    [run, owner, leaseMs],
  );
  if (taken === undefined) throw await heldByAnother(database, run);
  const fence = Number(taken["fence"]);
  const mine = [run, fence];
  const timer = setInterval(() => {
    // A missed beat is no harm: every write checks the fence, and the next beat comes in time.
    database
      .change(
        `update batchframe.run set lease_until_ms = ${NOW_MS} + $3 where id = $1 and fence = $2`,
        [...mine, leaseMs],
      )
      .catch(() => undefined);
  }, leaseMs / 4);
  timer.unref();
  const lost = (): StoreError =>
    new StoreError(
      "lock_lost",
      "Another worker has taken over this run, so this one stopped without writing.",
      { hint: "See how it goes with: batchframe status --state" },
    );
  return {
    run,
    fence,
    isHeld: async () =>
      (await database.rows("select 1 from batchframe.run where id = $1 and fence = $2", mine))
        .length === 1,
    assertHeld: async (connection) => {
      const held = await connection.rows(
        "select 1 from batchframe.run where id = $1 and fence = $2 for no key update",
        mine,
      );
      if (held.length !== 1) throw lost();
    },
    release: async () => {
      clearInterval(timer);
      await database.change(
        "update batchframe.run set owner = null, lease_until_ms = 0 where id = $1 and fence = $2",
        mine,
      );
    },
  };
}

async function heldByAnother(database: Database, run: string): Promise<Error> {
  const [row] = await database.rows("select owner from batchframe.run where id = $1", [run]);
  if (row === undefined)
    return new StoreError("run_missing", `There is no run ${run} in ${database.name}.`, {
      hint: "batchframe ls shows the runs there are.",
    });
  return new StoreError(
    "run_locked",
    `This run is being driven by ${text(row["owner"]) || "another worker"}. Nothing was sent by this one.`,
    { hint: "It is taken over once its holder is silent for longer than its lease." },
  );
}
