import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import { enrichColumn, enrichFile } from "../../src/enrich.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import type { Warning } from "../../src/run.ts";
import { spawned } from "../setup/spawned.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "forgets-"));
  vi.stubEnv("TMPDIR", folder);
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: EmulatorOptions = {}): Promise<ModelSpec> {
  emulator = await startEmulator({ seed: 5, ...options });
  return {
    provider: "openai",
    model: "m",
    baseUrl: emulator.url,
    apiKey: "test-key",
    settleMs: 50,
  };
}

const frame = (): pl.DataFrame<{ text: pl.String }> =>
  pl.DataFrame({ text: pl.Series("text", ["a", "b", "c"], pl.String) });

/** The private folders of runs there are, in this test's own temporary folder. */
const folders = (): readonly string[] =>
  readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isDirectory())
    .filter((path) => readdirSync(path).some((name) => existsSync(join(path, name, "run.sqlite"))));

function forgetful(model: ModelSpec): EnrichRun<pl.DataFrame, string> & {
  readonly warnings: readonly Warning[];
} {
  const run = enrichColumn(frame(), "{{ text }}", model, { runDir: null, pollEveryMs: 5 });
  const warnings: Warning[] = [];
  run.on("warning", (warning) => warnings.push(warning));
  return Object.assign(run as EnrichRun<pl.DataFrame, string>, { warnings });
}

/** Waits until a batch has come as far as it will: one that is released before that stays stuck. */
async function isStuck(): Promise<void> {
  await expect
    .poll(() => emulator.stats().batches["in_progress"] ?? 0, { timeout: 20_000 })
    .toBe(1);
}

describe("a run without a directory", () => {
  it("gives its result and leaves nothing behind", async () => {
    const model = await start();
    const run = forgetful(model);
    let seen: readonly string[] = [];
    let mode = 0;
    let directory = "";
    run.on("open", (opened) => {
      directory = opened.directory;
    });
    run.on("progress", () => {
      seen = folders();
      mode = seen[0] === undefined ? mode : statSync(seen[0]).mode & 0o777;
    });
    const result = await run;
    expect(result.getColumn("enriched").toArray()).toEqual(["a", "b", "c"]);
    expect([seen.length, mode]).toEqual([1, 0o700]);
    expect(folders()).toEqual([]);
    expect(directory.startsWith(folder)).toBe(true);
    expect(run.warnings).toEqual([]);
    // Awaiting again gives the same, and its report is known.
    expect(await run).toBe(result);
    expect((await run.report()).rows).toMatchObject({ ok: 3 });
  });

  it("is planned, then run, with one memory", async () => {
    const run = forgetful(await start());
    expect(await run.plan()).toMatchObject({ requests: 3 });
    const planned = folders();
    expect(planned).toHaveLength(1);
    expect((await run.requestFiles())[0]?.path).toContain(planned[0]);
    await run;
    expect(folders()).toEqual([]);
  });

  it("gives its rows while they are iterated, and tells that they are gone afterwards", async () => {
    const run = forgetful(await start());
    const values: (string | null)[] = [];
    for await (const { value } of run) values.push(value);
    expect(values).toEqual(["a", "b", "c"]);
    expect(folders()).toEqual([]);
    await expect(Array.fromAsync(run)).rejects.toMatchObject({ code: "run_forgotten" });
    await expect(run.plan()).rejects.toMatchObject({ code: "run_forgotten" });
    expect(emulator.stats().rowsExecuted).toBe(3);
  });

  it("cannot be retried, which would ask every row again", async () => {
    const run = forgetful(await start());
    await run;
    expect(() => run.retry()).toThrow(expect.objectContaining({ code: "run_forgotten" }));
  });

  it("tells the ids of the batches it is left with, and is gone", async () => {
    const run = forgetful(await start({ faults: { stuck: { rate: 1 } } }));
    run.start();
    await expect.poll(() => run.progress()?.phase, { timeout: 20_000 }).toBe("running");
    await run.detach();
    expect(folders()).toEqual([]);
    expect(run.warnings).toEqual([
      expect.objectContaining({
        code: "batches_left",
        message: expect.stringMatching(/1 batch under way at openai.*: batch_/) as string,
      }),
    ]);
    await expect(run).rejects.toThrow();
  });

  it("is kept while collecting goes on, and gone once it is done", async () => {
    const run = forgetful(await start({ faults: { stuck: { count: 1 } } }));
    expect(await run.collect()).toBe(false);
    expect(folders()).toHaveLength(1);
    await isStuck();
    emulator.release();
    await expect.poll(() => run.collect(), { interval: 20, timeout: 20_000 }).toBe(true);
    expect(folders()).toEqual([]);
    expect((await run.result()).height).toBe(3);
    expect(run.warnings).toEqual([]);
  });

  it("can be cancelled, and leaves nothing after an error either", async () => {
    const model = await start({ faults: { stuck: { rate: 1 } } });
    const cancelled = forgetful(model);
    await cancelled.collect();
    expect((await cancelled.cancel()).rows).toMatchObject({ ok: 0, failed: 3 });
    expect(folders()).toEqual([]);
    const refused = forgetful({ ...model, apiKey: "invalid" });
    emulator.setFaults({ failValidation: { code: "model_not_found", message: "no" } });
    expect((await refused.report()).rows).toMatchObject({ failed: 3 });
    const misspelt = enrichColumn(frame() as pl.DataFrame, "{{ none }}", model, { runDir: null });
    await expect(misspelt).rejects.toMatchObject({ code: "unknown_column" });
    expect(folders()).toEqual([]);
  });

  it("leaves nothing when its process ends by itself in the middle", async () => {
    const { baseUrl = "" } = await start({ faults: { stuck: { rate: 1 } } });
    const script = join(folder, "child.mts");
    const source = fileURLToPath(new URL("../../src/enrich.ts", import.meta.url));
    writeFileSync(join(folder, "in.csv"), "text\na\n");
    writeFileSync(
      script,
      `import { enrichFile } from ${JSON.stringify(source)};
       const model = { provider: "openai", model: "m", baseUrl: ${JSON.stringify(baseUrl)}, apiKey: "k" };
       const files = { input: ${JSON.stringify(join(folder, "in.csv"))}, output: ${JSON.stringify(join(folder, "out.csv"))} };
       const run = enrichFile(files, "{{ text }}", model, { runDir: null });
       await run.collect();
       process.stdout.write("left\\n");
       process.exit(0);`,
    );
    const ended = await spawned(process.execPath, ["--no-warnings", script]).ended;
    expect([ended.stdout, ended.stderr]).toEqual(["left\n", ""]);
    expect(folders()).toEqual([]);
  });

  it("writes a file like any other run", async () => {
    const model = await start();
    writeFileSync(join(folder, "in.csv"), "text\na\n");
    const output = join(folder, "out.csv");
    const receipt = await enrichFile(
      { input: join(folder, "in.csv"), output },
      "{{ text }}",
      model,
      {
        runDir: null,
        pollEveryMs: 5,
      },
    );
    expect(receipt.rows).toMatchObject({ ok: 1 });
    const written = readdirSync(folder).filter((name) => !name.startsWith("batchframe-emulator"));
    expect(written.toSorted()).toEqual(["in.csv", "out.csv"]);
  });
});
