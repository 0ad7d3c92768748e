import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { retrySharedRun, sharedReceipts } from "../../src/machines/shared-runs.ts";
import type { Spawned } from "../setup/spawned.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { woken } from "../crash/stand.ts";
import { LEASE_MS, newCluster, UNHARMED, type Cluster, type ClusterShape } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

async function cluster(shape: ClusterShape): Promise<Cluster> {
  const one = await newCluster(server, shape);
  onTestFinished(() => one.close());
  return one;
}

/** Every step of a worker at which dying or standing still could lose, spoil or repeat something. */
const STEPS: readonly (readonly [at: string, nth: number])[] = [
  ["insert run:after", 1],
  ["insert planned_rows:before", 1],
  ["insert file:before", 1],
  ["insert file:after", 2],
  ["plan:before", 1],
  ["plan:after", 1],
  ["insert submission:before", 1],
  ["chunk submitting:after", 1],
  ["POST /v1/files:before", 1],
  ["POST /v1/files:after", 1],
  ["chunk submitting:before", 2],
  ["POST /v1/batches:before", 1],
  ["POST /v1/batches:after", 1],
  ["POST /v1/batches:after", 3],
  ["chunk submitted:before", 2],
  ["chunk submitted:after", 1],
  ["chunk ended:before", 1],
  ["chunk ended:after", 2],
  ["GET /v1/files/ID/content:after", 1],
  ["insert file:before", 5],
  ["chunk collected:before", 1],
  ["chunk collected:after", 1],
  ["name part:before", 1],
  ["name part:after", 1],
  ["part done:before", 1],
  ["part done:after", 1],
];

// Each of these starts a process for every step, one after the other.
const LONG_MS = 240_000;

it(
  "workers killed at every step, one after the other, lose nothing and pay nothing twice",
  async () => {
    const one = await cluster({ parts: STEPS.length + 2, rows: 10, chunkRows: 5 });
    const run = await one.enqueue();
    for (const [at, nth] of STEPS) {
      const victim = one.worker({ strike: { at, nth, action: "kill" } });
      await victim.printed(`struck at ${at}`);
      expect((await victim.ended).signal).toBe("SIGKILL");
    }
    one.worker();
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    expect(one.damage(run)).toEqual(UNHARMED);
  },
  LONG_MS,
);

const STILL: readonly (readonly [at: string, nth: number])[] = [
  ["insert planned_rows:before", 1],
  ["insert file:before", 2],
  ["chunk submitting:after", 1],
  ["POST /v1/files:after", 1],
  ["POST /v1/batches:before", 1],
  ["POST /v1/batches:after", 1],
  ["chunk collected:before", 1],
  ["name part:before", 1],
  ["part done:before", 1],
];

it(
  "workers that stand still for longer than their lease do no harm when they go on",
  async () => {
    const one = await cluster({ parts: STILL.length + 2, rows: 10, chunkRows: 5 });
    const run = await one.enqueue();
    const frozen: Spawned[] = [];
    for (const [at, nth] of STILL) {
      const victim = one.worker({ strike: { at, nth, action: "stop" } });
      frozen.push(victim);
      await victim.printed(`struck at ${at}`);
    }
    one.worker();
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    const ends = frozen.map((victim) => woken(victim));
    await sleep(LEASE_MS / 2);
    for (const { child } of frozen) child.kill("SIGTERM");
    await Promise.all(ends);
    // A create that arrives late finds the upload deleted: its batch fails, and costs nothing.
    expect(one.damage(run)).toEqual(UNHARMED);
  },
  LONG_MS,
);

it(
  "a worker that stood still just before it gave its output a name does not bring old answers back",
  async () => {
    const refused = { refuseRows: { count: 1, containing: "subject 3" } };
    const one = await cluster({ parts: 1, rows: 10, chunkRows: 5, emulator: { faults: refused } });
    const run = await one.enqueue();
    const victim = one.worker({ strike: { at: "name part:before", nth: 1, action: "stop" } });
    await victim.printed("struck at name part:before");
    const other = one.worker();
    expect((await one.settled(run.id)).sums.failed).toBe(1);
    expect(await retrySharedRun(run.id, { codes: "all" }, one.state)).toBe(1);
    expect((await one.settled(run.id)).sums).toMatchObject({ failed: 0, answered: 10 });
    const end = woken(victim);
    await victim.printed('"code":"lock_lost"');
    for (const { child } of [victim, other]) child.kill("SIGTERM");
    await end;
    expect(one.damage(run)).toMatchObject({ partsLost: 0, linesWrong: 0 });
    const [part] = await Array.fromAsync(sharedReceipts(run.id, one.state.database));
    expect(readdirSync(run.output)).toEqual([part?.output]);
  },
  LONG_MS,
);

it(
  "a database that is restarted in mid-run, and two who enqueue at once, change nothing",
  async () => {
    const one = await cluster({ parts: 4, rows: 20, chunkRows: 5 });
    const [run, again] = await Promise.all([one.enqueue(), one.enqueue()]);
    expect(again.id).toBe(run.id);
    expect([run.resumed, again.resumed].toSorted()).toEqual([false, true]);
    const workers = [one.worker(), one.worker({ clockOffMs: -90 * 60_000 })];
    await Promise.race(workers.map((worker) => worker.printed("part_done")));
    await server.restart();
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    expect(one.damage(run)).toEqual(UNHARMED);
  },
  LONG_MS,
);

it(
  "a worker whose clock is hours ahead sends nothing twice after a lost answer",
  async () => {
    const faults = { createAcceptedThenCut: { count: 2 }, listLagMs: 200 };
    const one = await cluster({ parts: 2, rows: 10, chunkRows: 5, emulator: { faults } });
    const run = await one.enqueue();
    one.worker({ clockOffMs: 5 * 60 * 60_000 });
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    expect(one.damage(run)).toEqual(UNHARMED);
  },
  LONG_MS,
);

it(
  "a queue that is lost is made anew from the tables",
  async () => {
    const one = await cluster({ parts: 2, rows: 10, chunkRows: 5 });
    const run = await one.enqueue();
    await one.state.database.change("delete from batchframe_ticks.job");
    one.worker({ leaseMs: 1000 });
    expect((await one.settled(run.id)).finishedAt).not.toBeNull();
    expect(one.damage(run)).toEqual(UNHARMED);
  },
  LONG_MS,
);
