import { mkdir, mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startEmulator, table, type Emulator } from "../../src/emulator/emulator.ts";
import { enqueueDataset } from "../../src/machines/enqueue.ts";
import { openState } from "../../src/machines/shared-state.ts";
import { findSharedRun } from "../../src/machines/shared-runs.ts";
import { runWorker } from "../../src/machines/worker.ts";
import { answerTo, rowsOf } from "../crash/stand.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";

let server: PostgresServer;
let emulator: Emulator;

beforeAll(async () => {
  server = await startPostgres();
  emulator = await startEmulator({ seed: 1, answer: table(answerTo) });
});
afterAll(async () => {
  await emulator.close();
  await server.stop();
});

it("finishes what was enqueued", async () => {
  const folder = await mkdtemp(join(tmpdir(), "machines-"));
  const rows = rowsOf({ count: 40 });
  await mkdir(join(folder, "in"));
  for (const name of ["a.csv", "b.csv", "c.csv"])
    await writeFile(join(folder, "in", name), rows.csv);
  const url = await server.database();
  const state = await openState(url);
  const enqueued = await enqueueDataset(
    {
      input: join(folder, "in"),
      data: join(folder, "data"),
      template: "Judge this: {{text}}",
      model: {
        provider: "openai",
        model: "gpt-test",
        baseUrl: emulator.url,
        apiKey: "k",
        settleMs: 300,
      },
      // The files are alike, and each is to be asked.
      options: { column: "answer", chunkRows: 10, pollEveryMs: 20, cache: false },
    },
    state,
  );
  vi.stubEnv("OPENAI_API_KEY", "k");
  const stop = new AbortController();
  const working = runWorker(state, {
    concurrency: 2,
    leaseMs: 2000,
    signal: stop.signal,
    onEvent: (event) => {
      if (event.endsRun === true) stop.abort();
    },
  });
  await working;
  const run = await findSharedRun(enqueued.id, state.database);
  expect(run.finishedAt).not.toBeNull();
  expect(run.sums).toMatchObject({
    parts: { open: 0, done: 3, failed: 0 },
    rows: 120,
    requests: 3 * rows.requests,
    answered: 3 * rows.requests,
    failed: 0,
  });
  const parts = (await readdir(enqueued.output)).sort();
  expect(parts.map((name) => name.slice(0, 10))).toEqual([
    "part-00001",
    "part-00002",
    "part-00003",
  ]);
  for (const part of parts)
    expect(await readFile(join(enqueued.output, part), "utf8")).toBe(rows.expected);
  await state[Symbol.asyncDispose]();
});
