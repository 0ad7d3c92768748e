import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { NOW_MS } from "../../src/store/postgres-lease.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import type { Strike } from "./child.ts";
import { newCluster, UNHARMED, type Cluster } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const LEASE_MS = 6000;

const STRIKES: readonly Strike[] = [
  { at: "insert planned_rows:before", nth: 1, action: "kill" },
  { at: "POST /v1/batches:after", nth: 1, action: "kill" },
  { at: "chunk submitted:after", nth: 1, action: "stop" },
  { at: "chunk collected:before", nth: 1, action: "kill" },
  { at: "name part:before", nth: 1, action: "kill" },
];

/** A part that was taken from a worker which had not given it back; times are the database's. */
interface Takeover {
  readonly run: string;
  readonly leaseUntilMs: number;
  readonly takenAtMs: number;
}

/** Has the database itself note every part that is taken from a worker which has not given it back. */
async function noteTakeovers({ state }: Cluster): Promise<() => Promise<readonly Takeover[]>> {
  await state.database.change(`
    create table takeover (run text, lease_until_ms bigint, taken_at_ms bigint);
    create function note_takeover() returns trigger language plpgsql as $$
    begin
      insert into takeover values (old.id, old.lease_until_ms, ${NOW_MS});
      return new;
    end $$;
    create trigger note_takeover before update on batchframe.run for each row
      when (old.owner is not null and new.fence > old.fence) execute function note_takeover();`);
  return async () =>
    (await state.database.rows("select * from takeover")).map((row) => ({
      run: String(row["run"]),
      leaseUntilMs: Number(row["lease_until_ms"]),
      takenAtMs: Number(row["taken_at_ms"]),
    }));
}

it("what a dead or frozen worker held is taken up again once its lease has run out", async () => {
  const one = await newCluster(server, { parts: 14, rows: 10, chunkRows: 5 });
  onTestFinished(() => one.close());
  const nowMs = async (): Promise<number> =>
    Number((await one.state.database.rows(`select ${NOW_MS} as now`))[0]?.["now"]);
  const takeovers = await noteTakeovers(one);
  const run = await one.enqueue();
  const victims = STRIKES.map((strike) => ({
    strike,
    worker: one.worker({ strike, leaseMs: LEASE_MS }),
  }));
  for (const { strike, worker } of victims) await worker.printed(`struck at ${strike.at}`);
  const struckAtMs = await nowMs();
  const owned = await one.state.database.rows(
    "select id from batchframe.run where owner is not null",
  );
  expect(owned.length).toBeGreaterThanOrEqual(STRIKES.length);
  // The queue gives what dead workers had out again by itself, sooner or later; only the tables are to tell here.
  await one.state.database.change("delete from batchframe_ticks.job where state = 'active'");
  const rescuer = one.worker({ leaseMs: LEASE_MS, concurrency: 14 });
  await rescuer.printed("worker_started");
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();
  const found = await takeovers();
  const taken = found.map((takeover) => takeover.run);
  expect(taken).toEqual(expect.arrayContaining(owned.map(({ id }) => id)));
  for (const { leaseUntilMs, takenAtMs } of found) {
    // Nobody lost a part before its time; no lease outlives its worker by more than its length.
    expect(takenAtMs).toBeGreaterThan(leaseUntilMs);
    expect(leaseUntilMs).toBeLessThanOrEqual(struckAtMs + LEASE_MS);
  }
  expect(one.damage(run)).toEqual(UNHARMED);
}, 120_000);
