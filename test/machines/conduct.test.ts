import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { findSharedRun, type SharedRun } from "../../src/machines/shared-runs.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster, UNHARMED, type Cluster, type ClusterShape } from "./cluster.ts";

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

const OPTIONS = { column: "answer", chunkRows: 5, pollEveryMs: 20 };

/** Waits until no part of the run has work left, whatever became of them. */
async function rested(one: Cluster, id: string): Promise<SharedRun> {
  for (;;) {
    const run = await findSharedRun(id, one.state.database);
    if (run.sums.parts.open === 0) return run;
    await sleep(50);
  }
}

it("asks the first rows of the whole input where only so many are wanted, and writes all", async () => {
  const one = await cluster({ parts: 3, rows: 10 });
  const run = await one.enqueue({ options: { ...OPTIONS, limit: 13 } });
  one.worker();
  const { sums } = await one.settled(run.id);
  expect(sums).toMatchObject({ rows: 30, requests: 13, answered: 13 });
  expect(one.emulator.stats().rowsExecuted).toBe(13);
  const statuses = readdirSync(run.output)
    .toSorted()
    .flatMap((name) => readFileSync(join(run.output, name), "utf8").trim().split("\n").slice(1))
    .map((line) => line.split(",")[2]);
  expect(statuses).toEqual([
    ...Array.from({ length: 13 }, () => "ok"),
    ...Array.from({ length: 17 }, () => "skipped"),
  ]);
}, 90_000);

it.each([
  ["skip", 3],
  ["overwrite", 4],
] as const)(
  "gives columns that are there already to %s in every part",
  async (existing, asked) => {
    const one = await cluster({ parts: 2, rows: 2 });
    const header = "text,answer,answer_status,answer_error";
    const rows = [
      "subject 0,mine,ok,",
      "subject 1,x,failed,refused",
      "subject 2,,,",
      "subject 3,,,",
    ];
    for (const [part, name] of ["100.csv", "101.csv"].entries()) {
      const own = rows.slice(2 * part, 2 * part + 2);
      writeFileSync(join(one.folder, "in", name), `${[header, ...own].join("\n")}\n`);
    }
    const run = await one.enqueue({ options: { ...OPTIONS, existing } });
    one.worker();
    const { sums } = await one.settled(run.id);
    expect(sums).toMatchObject({ rows: 4, requests: asked, answered: asked });
    expect(one.emulator.stats().rowsExecuted).toBe(asked);
    const lines = readdirSync(run.output)
      .toSorted()
      .flatMap((name) => readFileSync(join(run.output, name), "utf8").trim().split("\n").slice(1));
    const first = existing === "skip" ? ["subject 0,mine,ok,"] : [];
    expect(lines.slice(0, first.length)).toEqual(first);
    for (const line of lines.slice(first.length)) expect(line).toMatch(/^subject \d,[^,]+,ok,$/);
  },
  90_000,
);

it("cancels a batch that stands still and sends its rest again", async () => {
  const faults = { stuck: { count: 1 } };
  const one = await cluster({ parts: 2, rows: 10, chunkRows: 5, emulator: { faults } });
  const run = await one.enqueue({ options: { ...OPTIONS, stallMs: 2000 } });
  const workers = [one.worker(), one.worker()];
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();
  expect(one.damage(run)).toEqual(UNHARMED);
  expect(one.emulator.stats().batches).toEqual({ completed: 4, cancelled: 1 });
  for (const { child } of workers) child.kill("SIGTERM");
  const said = await Promise.all(workers.map(({ ended }) => ended));
  expect(said.map(({ stdout }) => stdout).join("")).toContain('"code":"batch_stalled"');
}, 90_000);

it("stops once more has failed over all parts than may, and goes on with a larger limit", async () => {
  const faults = { failRows: { rate: 1, status: 400 } };
  const one = await cluster({ parts: 4, rows: 20, emulator: { faults } });
  const limits = { maxBatches: 1, maxTokens: null };
  const run = await one.enqueue({ options: { ...OPTIONS, maxFailures: 7 }, limits });
  one.worker();
  one.worker();
  const stopped = await rested(one, run.id);
  // A chunk may be admitted before the one before it is counted.
  expect(stopped.sums.failed).toBeGreaterThan(7);
  expect(stopped.sums.failed).toBeLessThanOrEqual(20);
  expect(stopped.sums.parts).toEqual({ done: 0, open: 0, failed: 4 });
  expect(stopped.sums.errors.map(({ error }) => error)).toEqual(
    Array.from({ length: 4 }, () => ({
      code: "too_many_failures",
      message: expect.stringMatching(
        / planned in all parts failed, more than the 7 that may/,
      ) as unknown,
    })),
  );
  one.emulator.setFaults({});
  const more = await one.enqueue({ options: { ...OPTIONS, maxFailures: "50%" }, limits });
  expect([more.id, more.resumed]).toEqual([run.id, true]);
  const ended = await rested(one, run.id);
  expect(ended.sums).toMatchObject({
    parts: { done: 4 },
    failed: stopped.sums.failed,
    answered: 80 - stopped.sums.failed,
  });
}, 90_000);

it("stops a part whose first requests fail alike, without being told how many may", async () => {
  const faults = { failRows: { rate: 1, status: 400 } };
  const one = await cluster({ parts: 1, rows: 60, emulator: { faults } });
  const limits = { maxBatches: 1, maxTokens: null };
  const run = await one.enqueue({ options: OPTIONS, limits });
  one.worker();
  const { sums } = await rested(one, run.id);
  expect(sums.parts).toEqual({ done: 0, open: 0, failed: 1 });
  expect(sums.failed).toBeLessThan(40);
  expect(sums.errors[0]?.error).toMatchObject({ code: "too_many_failures" });
}, 90_000);

it.each([
  [{ deadlineMs: 1000 }, "--deadline", "realtime"],
  [{ votes: 3 }, "--votes", "once"],
  [{ sample: { rows: 5 } }, "--sample", "one part"],
  [{ existing: "skip" as const, limit: 5 }, "--skip-existing with --limit", "parts before"],
  [{ fallbackModel: "openai/other" }, "--fallback-model", "one model"],
  [{ lane: "realtime" as const }, "--lane realtime", "one by one"],
])("refuses %o with the reason, before anything is recorded", async (options, name, why) => {
  const one = await cluster({ parts: 1, rows: 1 });
  await expect(one.enqueue({ options: { ...OPTIONS, ...options } })).rejects.toMatchObject({
    code: "option_unsupported",
    message: expect.stringMatching(
      new RegExp(`^${name} cannot .* ${why}.*Nothing was sent`),
    ) as unknown,
  });
});
