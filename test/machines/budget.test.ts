import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { EnrichOptions } from "../../src/enrich-options.ts";
import { retrySharedRun } from "../../src/machines/shared-runs.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster, UNHARMED, type Cluster } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const SHAPE = { parts: 4, rows: 30, chunkRows: 5 };
const ROWS = SHAPE.parts * SHAPE.rows;
// Answers are short, and the most that is expected of one is not: a cap of whole answers is reached early.
const PRICES = { "openai/gpt-test": { inputPerM: 100, outputPerM: 100, batchShare: 1 } };

function optionsWith(maxCostUsd: number): EnrichOptions<string, OutputOption> {
  return {
    ...{ column: "answer", chunkRows: SHAPE.chunkRows, pollEveryMs: 20 },
    ...{ prices: PRICES, maxTokens: 20, maxCostUsd },
  };
}

/** What the provider has billed, by its own books. */
function billedUsd({ emulator }: Cluster): number {
  const { promptTokensBilled, completionTokensBilled } = emulator.stats();
  return ((promptTokensBilled + completionTokensBilled) / 1e6) * 100;
}

function statusesIn(output: string): readonly string[] {
  return readdirSync(output)
    .filter((name) => name.endsWith(".csv"))
    .flatMap((name) => readFileSync(join(output, name), "utf8").trim().split("\n").slice(1))
    .map((line) => line.split(",")[2] ?? "");
}

it("workers together never spend more than the cap, count what it leaves out, and go on with a higher one", async () => {
  const one = await newCluster(server, SHAPE);
  onTestFinished(() => one.close());
  const run = await one.enqueue({ options: optionsWith(0.05) });
  for (let workers = 0; workers < 3; workers += 1) one.worker();
  const short = await one.settled(run.id);
  const first = billedUsd(one);
  expect(first).toBeGreaterThan(0);
  expect(first).toBeLessThanOrEqual(0.05);
  expect(short.sums.spentUsd).toBeCloseTo(first, 6);
  expect(short.sums).toMatchObject({ parts: { done: 4, open: 0, failed: 0 }, failed: 0 });
  expect(short.sums.unsent).toBe(ROWS - short.sums.answered);
  expect(short.sums.unsent).toBeGreaterThan(0);
  const statuses = statusesIn(run.output);
  expect(statuses.filter((status) => status === "ok")).toHaveLength(short.sums.answered);
  expect(statuses.filter((status) => status === "skipped")).toHaveLength(short.sums.unsent);
  // The same cap again finds nothing to do; a higher one, by the same command, goes on.
  await one.enqueue({ options: optionsWith(0.05) });
  expect((await one.settled(run.id)).sums.unsent).toBe(short.sums.unsent);
  const more = await one.enqueue({ options: optionsWith(0.1) });
  expect([more.id, more.resumed]).toEqual([run.id, true]);
  const further = await one.settled(run.id);
  const second = billedUsd(one);
  expect(second).toBeGreaterThan(first);
  expect(second).toBeLessThanOrEqual(0.1);
  expect(further.sums.unsent).toBeGreaterThan(0);
  // So does a retry, whose cap is enough for all.
  expect(await retrySharedRun(run.id, { codes: "all", capUsd: 10 }, one.state)).toBeGreaterThan(0);
  const whole = await one.settled(run.id);
  expect(whole.sums).toMatchObject({ unsent: 0, answered: ROWS, failed: 0 });
  expect(whole.sums.spentUsd).toBeCloseTo(billedUsd(one), 6);
  expect(one.damage(run)).toEqual(UNHARMED);
}, 120_000);

it("a cap is refused where nobody knows the price", async () => {
  const one = await newCluster(server, { parts: 1 });
  onTestFinished(() => one.close());
  await expect(one.enqueue({ options: { column: "answer", maxCostUsd: 1 } })).rejects.toMatchObject(
    { code: "price_unknown" },
  );
});
