import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import { asTheSchemaSays } from "../cli/json-shape.ts";
import { answerTo } from "../crash/stand.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { spawned, type Spawned } from "../setup/spawned.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let server: PostgresServer;
let state: string;
let folder: string;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  state = await server.database();
  folder = mkdtempSync(join(tmpdir(), "machines-control-"));
});

async function emulatorWith(options: EmulatorOptions): Promise<Emulator> {
  const emulator = await startEmulator({ seed: 1, answer: table(answerTo), ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

function start(emulator: Emulator, ...words: readonly string[]): Spawned {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, ...words];
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: join(tmpdir(), "compiled"),
    OPENAI_API_KEY: "k",
    OPENAI_BASE_URL: emulator.url,
    BATCHFRAME_STATE: state,
  };
  const one = spawned(process.execPath, args, { cwd: folder, env });
  onTestFinished(() => {
    one.child.kill("SIGKILL");
  });
  return one;
}

async function data(emulator: Emulator, ...words: readonly string[]): Promise<unknown> {
  const given = [...words, "--state", "--json"];
  const { stdout, stderr } = asTheSchemaSays(given, await start(emulator, ...given).ended);
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout) as unknown;
}

const ROWS = 12;
const ENQUEUE = [
  ...["run", "in", "-p", "Judge this: {{text}}", "-c", "answer", "-m", "openai/gpt-test"],
  ...["--state", "--data", "data", "--chunk-rows", "3", "--poll", "20ms", "--settle", "300ms"],
  ...["--yes", "--json", "--name", "mine"],
];

async function enqueued(emulator: Emulator, ...more: readonly string[]): Promise<string> {
  mkdirSync(join(folder, "in"));
  for (const part of [0, 1]) {
    const texts = Array.from({ length: ROWS }, (_, row) => `subject ${String(part * ROWS + row)}`);
    writeFileSync(join(folder, "in", `${String(part)}.csv`), ["text", ...texts, ""].join("\n"));
  }
  const made = await start(emulator, ...ENQUEUE, ...more).ended;
  expect(made.code, made.stderr).toBe(0);
  return (JSON.parse(made.stdout) as { readonly output: string }).output;
}

it("cancels from anywhere: what was sent is collected, what was not is never sent, and retry asks it", async () => {
  const emulator = await emulatorWith({ faults: { stuck: { count: 2 } } });
  const output = await enqueued(emulator, "--batches-at-once", "2");
  const worker = start(emulator, "worker", "--state", "--lease", "2s", "--health-port", "0");
  while (emulator.stats().batchesCreated < 2)
    await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await data(emulator, "cancel", "mine")).toMatchObject({ status: "cancelling", parts: 2 });
  const attached = await start(emulator, "attach", "mine", "--state").ended;
  expect([attached.code, attached.stderr]).toEqual([3, expect.stringContaining("2 of 2 parts")]);
  const cancelled = (await data(emulator, "status", "mine")) as Status;
  expect(cancelled).toMatchObject({ status: "finished", parts: { done: 2 } });
  expect(cancelled.requests.answered + cancelled.requests.failed).toBe(2 * ROWS);
  expect(cancelled.requests.failed).toBeGreaterThanOrEqual(2 * ROWS - 6);
  expect(emulator.stats().batchesCreated).toBe(2);
  const listed = (await start(emulator, "failures", "mine", "--state").ended).stdout.trim();
  const failures = listed.split("\n").map((line) => JSON.parse(line) as Failure);
  expect(failures).toHaveLength(cancelled.requests.failed);
  expect(new Set(failures.map(({ code }) => code))).toEqual(new Set(["cancelled"]));
  const rows = failures.map(({ row }) => row);
  expect(rows).toEqual(rows.toSorted((a, b) => a - b));
  expect([rows[0] ?? 0, rows.at(-1) ?? 0]).toEqual([expect.any(Number), 2 * ROWS]);
  expect(await data(emulator, "retry", "mine", "--only", "cancelled")).toMatchObject({
    status: "retrying",
    parts: 2,
  });
  expect((await start(emulator, "attach", "mine", "--state").ended).code).toBe(0);
  expect(await data(emulator, "status", "mine")).toMatchObject({
    requests: { total: 2 * ROWS, answered: 2 * ROWS, failed: 0, unsent: 0 },
  });
  expect(emulator.stats()).toMatchObject({ bodiesBilledAgain: 0, rowsExecuted: 2 * ROWS });
  expect(readdirSync(output)).toHaveLength(2);
  worker.child.kill("SIGTERM");
  expect((await worker.ended).code).toBe(0);
}, 180_000);

interface Status {
  readonly requests: { readonly answered: number; readonly failed: number };
}

interface Failure {
  readonly row: number;
  readonly code: string;
}

it("ends with 5 where the budget left rows out, says how to go on, and goes on", async () => {
  const emulator = await emulatorWith({});
  const price = ["--price", "in=100,out=100,batch=1", "--max-tokens", "20"];
  await enqueued(emulator, ...price, "--max-cost", "0.03");
  const worker = start(emulator, "worker", "--state", "--lease", "2s");
  const short = await start(emulator, "attach", "mine", "--state").ended;
  expect(short.code, short.stderr).toBe(5);
  expect(short.stderr).toMatch(/budget: \d+ requests were not sent/);
  expect(short.stderr).toContain("batchframe retry mine --state --max-cost");
  const status = (await data(emulator, "status", "mine")) as Money;
  expect(status).toMatchObject({ status: "finished", capUsd: 0.03 });
  expect(status.spentUsd).toBeLessThanOrEqual(0.03);
  expect(status.requests.unsent).toBeGreaterThan(0);
  await data(emulator, "retry", "mine", "--max-cost", "10");
  expect((await start(emulator, "attach", "mine", "--state").ended).code).toBe(0);
  expect(await data(emulator, "status", "mine")).toMatchObject({
    capUsd: 10,
    requests: { answered: 2 * ROWS, unsent: 0 },
  });
  worker.child.kill("SIGTERM");
  expect((await worker.ended).code).toBe(0);
}, 120_000);

interface Money {
  readonly spentUsd: number;
  readonly requests: { readonly unsent: number };
}

it("puts the parts into one file when asked, and removes a run with its data but not its output", async () => {
  const emulator = await emulatorWith({});
  const output = await enqueued(emulator);
  const early = await start(emulator, "export", "mine", "--state", "-o", "whole.csv").ended;
  expect([early.code, early.stderr]).toEqual([2, expect.stringContaining("is not finished")]);
  const open = await start(emulator, "rm", "mine", "--state").ended;
  expect([open.code, open.stderr]).toEqual([6, expect.stringContaining("2 open parts")]);
  const worker = start(emulator, "worker", "--state", "--lease", "2s");
  expect((await start(emulator, "attach", "mine", "--state").ended).code).toBe(0);
  const lines = Array.from({ length: 2 * ROWS }, (_, row) => {
    const text = `subject ${String(row)}`;
    return `${text},${answerTo(text)},ok,\n`;
  });
  expect(await data(emulator, "export", "mine", "-o", "whole.csv")).toMatchObject({
    run: "mine",
    parts: 2,
    rows: 2 * ROWS,
  });
  expect(readFileSync(join(folder, "whole.csv"), "utf8")).toBe(
    `text,answer,answer_status,answer_error\n${lines.join("")}`,
  );
  expect((await start(emulator, "export", "mine", "--state", "-o", "w.jsonl").ended).code).toBe(0);
  expect(readFileSync(join(folder, "w.jsonl"), "utf8").trim().split("\n")).toHaveLength(2 * ROWS);
  expect(await data(emulator, "rm", "mine")).toMatchObject({ removed: ["mine"] });
  expect(readdirSync(output)).toHaveLength(2);
  expect(readdirSync(join(folder, "data", "mine"), { recursive: true }).toSorted()).toEqual(
    expect.not.arrayContaining([expect.stringMatching(/jsonl$|^input.*csv$/)]),
  );
  expect(await data(emulator, "ls")).toMatchObject({ runs: [] });
  worker.child.kill("SIGTERM");
  expect((await worker.ended).code).toBe(0);
}, 120_000);

it("a worker's metrics count what it did, and its health follows the database", async () => {
  const emulator = await emulatorWith({});
  await enqueued(emulator);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const worker = start(
    emulator,
    "worker",
    "--state",
    "--lease",
    "2s",
    "--health-port",
    String(port),
  );
  expect((await start(emulator, "attach", "mine", "--state").ended).code).toBe(0);
  const text = async (path: string): Promise<readonly [number, string]> => {
    const answer = await fetch(`http://127.0.0.1:${String(port)}${path}`);
    return [answer.status, await answer.text()];
  };
  const [status, metrics] = await text("/metrics");
  expect(status).toBe(200);
  const sample = (name: string): number =>
    Number(
      metrics
        .split("\n")
        .find((line) => line.startsWith(`${name} `))
        ?.slice(name.length + 1),
    );
  expect(sample('batchframe_rows_total{outcome="written"}')).toBe(2 * ROWS);
  expect(sample('batchframe_rows_total{outcome="failed"}')).toBe(0);
  expect(sample('batchframe_worker_events_total{event="part_done",code=""}')).toBe(2);
  expect(sample("batchframe_tick_seconds_count")).toBeGreaterThanOrEqual(2);
  expect(await text("/health")).toEqual([200, '{"status":"ok"}\n']);
  expect((await text("/else"))[0]).toBe(404);
  await server.stop();
  expect(await text("/health")).toEqual([503, '{"status":"state_unreachable"}\n']);
  worker.child.kill("SIGKILL");
  server = await startPostgres();
}, 120_000);
