import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEmulator, table, type Emulator } from "../../src/emulator/emulator.ts";
import { asTheSchemaSays } from "../cli/json-shape.ts";
import { answerTo, rowsOf } from "../crash/stand.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { spawned, type Ended, type Spawned } from "../setup/spawned.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let server: PostgresServer;
let emulator: Emulator;
let folder: string;
let state: string;

beforeAll(async () => {
  server = await startPostgres();
  emulator = await startEmulator({ seed: 1, answer: table(answerTo) });
  folder = mkdtempSync(join(tmpdir(), "machines-cli-"));
  state = await server.database();
});
afterAll(async () => {
  await emulator.close();
  await server.stop();
});

function batchframe(...words: readonly string[]): Spawned {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, ...words];
  const env = {
    ...process.env,
    OPENAI_API_KEY: "k",
    OPENAI_BASE_URL: emulator.url,
    BATCHFRAME_STATE: state,
  };
  return spawned(process.execPath, args, { cwd: folder, env });
}

async function ended(...words: readonly string[]): Promise<Ended> {
  return asTheSchemaSays(words, await batchframe(...words).ended);
}

it("hands a run to workers, which finish it, tell of it and leave when asked", async () => {
  const rows = rowsOf({ count: 40 });
  mkdirSync(join(folder, "in"));
  for (const name of ["a", "b"]) writeFileSync(join(folder, "in", `${name}.csv`), rows.csv);
  const migrated = await ended("migrate", "--state");
  expect(migrated.stderr).toContain("to 1");
  const enqueue = [
    "run",
    "in",
    "-p",
    "Judge this: {{text}}",
    "-c",
    "answer",
    "-m",
    "openai/gpt-test",
  ];
  const shared = [
    "--state",
    "--data",
    "data",
    "--chunk-rows",
    "10",
    "--poll",
    "20ms",
    "--settle",
    "300ms",
  ];
  const alone = await ended(...enqueue, ...shared);
  expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--yes")]);
  const enqueued = await ended(...enqueue, ...shared, "--yes", "--json", "--name", "mine");
  expect(enqueued.code, enqueued.stderr).toBe(0);
  const { output } = JSON.parse(enqueued.stdout) as { readonly output: string };
  expect(JSON.parse((await ended("ls", "--state", "--json")).stdout)).toMatchObject({
    runs: [{ run: "mine", status: "planned", parts: { open: 2 } }],
  });
  const worker = batchframe("worker", "--state", "--lease", "2s", "--health-port", "0");
  const attached = await ended("attach", "mine", "--state");
  expect(attached.code, attached.stderr).toBe(0);
  const parts = readdirSync(output).sort();
  expect(parts.map((name) => name.slice(0, 10))).toEqual(["part-00001", "part-00002"]);
  for (const part of parts) expect(readFileSync(join(output, part), "utf8")).toBe(rows.expected);
  const status = await ended("status", "--state", "--json");
  expect(JSON.parse(status.stdout)).toMatchObject({ run: "mine", status: "finished", rows: 80 });
  expect((await ended("retry", "--state")).stderr).toContain("nothing to ask again");
  // Asking in vain leaves the run as finished as it was.
  expect(JSON.parse((await ended("ls", "--state", "--json")).stdout)).toMatchObject({
    runs: [{ status: "finished", finishedAt: expect.any(String) as string }],
  });
  worker.child.kill("SIGTERM");
  const left = await worker.ended;
  expect([left.code, left.signal]).toEqual([0, null]);
  const events = left.stderr
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string });
  expect(events.map(({ event }) => event)).toEqual(
    expect.arrayContaining(["worker_started", "part_done", "worker_left"]),
  );
  expect(left.stderr).not.toContain("test-key");
}, 120_000);

it("refuses a password on the command line, and what machines cannot share", async () => {
  const secret = await ended("ls", "--state", "postgres://me:hunter2@127.0.0.1/x");
  expect(secret.code).toBe(2);
  expect(secret.stderr).not.toContain("hunter2");
  const limited = await ended(
    "run",
    "in",
    "-p",
    "{{text}}",
    "-m",
    "openai/gpt-test",
    "--state",
    "--data",
    "d",
    "--yes",
    "--deadline",
    "1h",
  );
  expect([limited.code, limited.stderr]).toEqual([
    2,
    expect.stringContaining("--deadline cannot be used"),
  ]);
}, 60_000);
