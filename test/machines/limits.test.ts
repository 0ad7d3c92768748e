import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import type { Emulator, EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { DatasetJob } from "../../src/machines/dataset-job.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { newCluster, UNHARMED } from "./cluster.ts";

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

const CHUNK_ROWS = 5;
const SHAPE = { parts: 6, rows: 25, chunkRows: CHUNK_ROWS };
const CHUNKS = (SHAPE.parts * SHAPE.rows) / CHUNK_ROWS;
const WORKERS = 3;
const OPTIONS = { column: "answer", chunkRows: CHUNK_ROWS, pollEveryMs: 20 };

/** Has several workers finish a run under a limit; gives when it began, and the provider whose books say what they did. */
async function worked(
  changes: Partial<DatasetJob>,
  options: EmulatorOptions = {},
): Promise<{ readonly beganAtMs: number; readonly emulator: Emulator }> {
  const one = await newCluster(server, { ...SHAPE, emulator: options });
  onTestFinished(() => one.close());
  const workers = Array.from({ length: WORKERS }, () => one.worker());
  await Promise.all(workers.map((worker) => worker.printed("worker_started")));
  const beganAtMs = Date.now();
  const run = await one.enqueue(changes);
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();
  expect(one.damage(run)).toEqual(UNHARMED);
  for (const { child } of workers) child.kill("SIGTERM");
  const ends = await Promise.all(workers.map(({ ended }) => ended));
  // Otherwise it would be one worker that kept the limit.
  expect(ends.filter(({ stdout }) => stdout.includes('"run":')).length).toBeGreaterThan(1);
  return { beganAtMs, emulator: one.emulator };
}

/** When each batch was made, by the provider's log. */
function createdAtMs(emulator: Emulator): readonly number[] {
  return emulator
    .requests()
    .filter(
      ({ method, path, status }) => method === "POST" && path.endsWith("batches") && status === 200,
    )
    .map(({ atMs }) => atMs);
}

it("workers together keep to the batches and tokens that may be under way at once", async () => {
  const slow = { runMs: 200 };
  const free = (await worked({}, slow)).emulator.stats();
  expect(free.mostBatchesUnderWay).toBeGreaterThan(3);
  const few = await worked({ limits: { maxBatches: 3, maxTokens: null } }, slow);
  expect(few.emulator.stats().mostBatchesUnderWay).toBe(3);
  const most = Math.ceil(free.mostTokensUnderWay / 2);
  // The provider refuses what passes the limit, so a batch too many would have failed.
  const held = { ...slow, limits: { enqueuedTokens: most } };
  const small = await worked({ limits: { maxBatches: null, maxTokens: most } }, held);
  expect(small.emulator.stats()).toMatchObject({ batchesCreated: CHUNKS });
  expect(small.emulator.stats().batches).toEqual({ completed: CHUNKS });
  expect(small.emulator.stats().mostTokensUnderWay).toBeLessThanOrEqual(most);
}, 90_000);

it("workers together send no more requests than the minutes since the beginning have room for", async () => {
  const requestsPerMinute = 900;
  const { beganAtMs, emulator } = await worked({ options: { ...OPTIONS, requestsPerMinute } });
  const times = createdAtMs(emulator);
  expect(times).toHaveLength(CHUNKS);
  // A chunk goes whole, and takes its room from then on.
  const room = times.map((atMs) => ((atMs - beganAtMs) / 60_000) * requestsPerMinute + CHUNK_ROWS);
  const sent = times.map((_, at) => (at + 1) * CHUNK_ROWS);
  expect(sent.filter((requests, at) => requests > (room[at] ?? 0))).toEqual([]);
}, 90_000);

it("workers together send no more tokens than the minutes since the beginning have room for", async () => {
  const tokensPerMinute = 9000;
  const { beganAtMs, emulator } = await worked({ options: { ...OPTIONS, tokensPerMinute } });
  const times = createdAtMs(emulator);
  expect(times).toHaveLength(CHUNKS);
  // Every prompt is as long as the others, but for a digit.
  const each = emulator.stats().promptTokensBilled / CHUNKS;
  const room = times.map((atMs) => ((atMs - beganAtMs) / 60_000) * tokensPerMinute + each);
  const sent = times.map((_, at) => (at + 1) * each);
  expect(sent.filter((tokens, at) => tokens > (room[at] ?? 0))).toEqual([]);
}, 90_000);
