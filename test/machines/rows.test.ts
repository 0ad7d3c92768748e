import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { asTheSchemaSays } from "../cli/json-shape.ts";
import { answerTo } from "../crash/stand.ts";
import { startPostgres, type PostgresServer } from "../setup/postgres.ts";
import { spawned, type Ended } from "../setup/spawned.ts";
import { newCluster, type Cluster } from "./cluster.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(async () => {
  await server.stop();
});

/** Runs a command about the cluster's runs, without any key. */
async function command(one: Cluster, ...words: readonly string[]): Promise<Ended> {
  const args = ["--disable-warning=ExperimentalWarning", MAIN, ...words, "--state"];
  const env = {
    ...process.env,
    NODE_COMPILE_CACHE: join(tmpdir(), "compiled"),
    BATCHFRAME_STATE: one.url,
  };
  const child = spawned(process.execPath, args, { cwd: one.folder, env });
  return asTheSchemaSays(words, await child.ended);
}

it("rows of a shared run are numbered over all parts, in the list of failures as in their traces", async () => {
  const faults = { refuseRows: { count: 1, containing: "subject 8" } };
  const one = await newCluster(server, { parts: 2, rows: 6, chunkRows: 3, emulator: { faults } });
  onTestFinished(() => one.close());
  const prices = { "openai/gpt-test": { inputPerM: 100, outputPerM: 100, batchShare: 1 } };
  // Of the last two texts one character is too many.
  const asked = { column: "answer", chunkRows: 3, pollEveryMs: 20, prices, maxChars: 9 };
  const run = await one.enqueue({ options: { ...asked, onLong: "fail" } });
  const early = await command(one, "failures", run.id);
  expect([early.code, early.stderr]).toEqual([
    0,
    expect.stringContaining("2 parts are not planned"),
  ]);
  const none = await command(one, "show", run.id, "--row", "1");
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("no row 1 in its planned")]);
  one.worker();
  expect((await one.settled(run.id)).finishedAt).not.toBeNull();

  const listed = await command(one, "failures", run.id);
  const failures = listed.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly row: number; readonly code: string });
  expect(failures.map(({ row, code }) => [row, code])).toEqual([
    [9, "refused"],
    [11, "too_long"],
    [12, "too_long"],
  ]);
  const written = await command(one, "failures", run.id, "-o", "failed.csv", "--json");
  expect(JSON.parse(written.stdout)).toMatchObject({ run: run.id, rows: 3, output: "failed.csv" });
  const lines = readFileSync(join(one.folder, "failed.csv"), "utf8").trim().split("\n");
  expect(lines.map((line) => line.split(",").slice(0, 2).join())).toEqual([
    "row,code",
    "9,refused",
    "11,too_long",
    "12,too_long",
  ]);

  const shown = await command(one, "show", run.id, "--row", "8", "--json");
  const { traces } = JSON.parse(shown.stdout) as { readonly traces: readonly Trace[] };
  expect(traces).toMatchObject([
    { row: 8, part: 2, column: "answer", status: "ok", value: answerTo("subject 7"), sharedBy: 1 },
  ]);
  const [sending, ...others] = traces[0]?.sendings ?? [];
  expect(others).toEqual([]);
  expect(sending).toMatchObject({
    lane: "batch",
    state: "collected",
    batchId: expect.stringMatching(/^batch_/) as unknown,
    text: answerTo("subject 7"),
  });
  expect(sending?.costUsd).toBeGreaterThan(0);
  expect(sending?.request.custom_id).toBe(sending?.customId);
  expect(JSON.stringify(sending?.request)).toContain("Judge this: subject 7");
  expect(sending?.reply).toContain(sending?.customId);
  const failed = await command(one, "show", run.id, "--row", "9");
  expect([failed.code, failed.stderr]).toEqual([0, expect.stringContaining("failed · refused")]);
  expect(failed.stderr).toContain("part 2");
  const beyond = await command(one, "show", run.id, "--row", "13");
  expect([beyond.code, beyond.stderr]).toEqual([2, expect.stringContaining("no row 13")]);
  const sought = await command(one, "show", run.id, "--row", "text=subject 1");
  expect([sought.code, sought.stderr]).toEqual([2, expect.stringContaining("no row's number")]);
}, 120_000);

interface Trace {
  readonly sendings: readonly {
    readonly customId: string;
    readonly costUsd: number;
    readonly reply: string;
    readonly request: { readonly custom_id: string };
  }[];
}
