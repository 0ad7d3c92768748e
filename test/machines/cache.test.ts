import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { clearSharedCache, inspectSharedCache } from "../../src/machines/shared-cache.ts";
import { removeSharedRun } from "../../src/machines/shared-runs.ts";
import { answerTo } from "../crash/stand.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const OPTIONS = { chunkRows: 5, pollEveryMs: 20 };

it("what a shared run has bought no other run buys again, until the cache is cleared", async () => {
  const faults = { refuseRows: { count: 1, containing: "subject 3" } };
  const one = await newCluster(server, { parts: 2, rows: 10, emulator: { faults } });
  onTestFinished(() => one.close());
  one.worker();
  one.worker();
  const prices = { "openai/gpt-test": { inputPerM: 100, outputPerM: 100, batchShare: 1 } };
  const first = await one.enqueue({ options: { ...OPTIONS, column: "first", prices } });
  const bought = await one.settled(first.id);
  expect(bought.sums).toMatchObject({ answered: 19, failed: 1 });
  expect(one.emulator.stats().rowsExecuted).toBe(20);
  // The run is gone, and what it has paid for is there.
  await removeSharedRun(bought, { force: false }, one.state);
  const held = await inspectSharedCache(one.state.database);
  expect(held.shares).toMatchObject([{ provider: "openai", model: "gpt-test", replies: 19 }]);

  const second = await one.enqueue({ options: { ...OPTIONS, column: "answer", prices } });
  const again = await one.settled(second.id);
  // The one that had failed is asked, and nothing else.
  expect(one.emulator.stats().rowsExecuted).toBe(21);
  expect(again.sums).toMatchObject({ requests: 20, answered: 20, failed: 0 });
  const lines = readdirSync(second.output)
    .toSorted()
    .flatMap((name) => readFileSync(join(second.output, name), "utf8").trim().split("\n").slice(1));
  expect(lines).toEqual(
    Array.from({ length: 20 }, (_, row) => {
      const text = `subject ${String(row)}`;
      return `${text},${answerTo(text)},${row === 3 ? "ok" : "cached"},`;
    }),
  );

  const without = await one.enqueue({ options: { ...OPTIONS, column: "third", cache: false } });
  await one.settled(without.id);
  expect(one.emulator.stats().rowsExecuted).toBe(41);
  expect(await clearSharedCache(one.state.database, { model: "other" })).toBe(0);
  expect(await clearSharedCache(one.state.database)).toBe(20);
  expect((await inspectSharedCache(one.state.database)).shares).toEqual([]);
  const anew = await one.enqueue({ options: { ...OPTIONS, column: "fourth" } });
  await one.settled(anew.id);
  expect(one.emulator.stats().rowsExecuted).toBe(61);
}, 120_000);

it("a run that asks all anew replaces what was kept for the others", async () => {
  const one = await newCluster(server, { parts: 1, rows: 10 });
  onTestFinished(() => one.close());
  const worker = one.worker({ concurrency: 1 });
  const first = await one.enqueue({ options: { ...OPTIONS, column: "answer" } });
  await one.settled(first.id);
  const more = await one.enqueue({
    input: join(one.folder, "in", "100.csv"),
    partRows: 5,
    options: { ...OPTIONS, column: "more", limit: 7, cache: "refresh" },
  });
  await one.settled(more.id);
  // Who wants all anew gets it, and later runs have the new answers.
  expect(one.emulator.stats().rowsExecuted).toBe(17);
  const last = await one.enqueue({ options: { ...OPTIONS, column: "last" } });
  await one.settled(last.id);
  expect(one.emulator.stats().rowsExecuted).toBe(17);
  expect((await inspectSharedCache(one.state.database)).shares[0]?.replies).toBe(10);
  worker.child.kill("SIGTERM");
}, 120_000);
