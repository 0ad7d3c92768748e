import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchframeError } from "../../src/core/errors.ts";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichColumn, enrichFile } from "../../src/enrich.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { cancelRun, findRun, listRuns, removeRun } from "../../src/runs/runs.ts";
import { failuresOf } from "../../src/runs/failures.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";

let folder: string;
let runDir: string;
let input: string;
let output: string;
let emulator: Emulator;
let model: ModelSpec;

beforeEach(async () => {
  process.env["OPENAI_API_KEY"] = "test-key";
  folder = await mkdtemp(join(tmpdir(), "runs-"));
  runDir = join(folder, "runs");
  input = join(folder, "in.csv");
  output = join(folder, "out.csv");
  await writeFile(input, "id,text\n1,a\n2,b\n3,\n4,b\n");
  emulator = await startEmulator({ seed: 5 });
  model = { provider: "openai", model: "m", baseUrl: emulator.url };
});
afterEach(async () => {
  Reflect.deleteProperty(process.env, "OPENAI_API_KEY");
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

const options = (name: string): { runDir: string; name: string; pollEveryMs: number } => ({
  runDir,
  name,
  pollEveryMs: 5,
});

async function finished(name: string): Promise<void> {
  await enrichFile({ input, output }, "{{ text }}", model, options(name));
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    if (error instanceof BatchframeError) return error.code;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

describe("runs on disk", () => {
  it("are none where there is no directory", async () => {
    expect(await listRuns(join(folder, "nowhere"))).toEqual({ runs: [], unreadable: [] });
    expect(await codeOf(() => findRun("x", join(folder, "nowhere")))).toBe("run_unknown");
  });

  it("are listed with what they are about; one that cannot be read is named, not dropped", async () => {
    await finished("one");
    await finished("two");
    await writeFile(
      join(runDir, "two", "run.sqlite"),
      "not a database, not at all, not even close",
    );
    await rm(join(runDir, "two", "run.sqlite-wal"), { force: true });
    const { runs, unreadable } = await listRuns(runDir);
    expect(runs).toMatchObject([
      { id: "one", model: "openai/m", column: "enriched", input, output, plan: { requests: 2 } },
    ]);
    expect(runs[0]?.finishedAt).toBeInstanceOf(Date);
    expect(unreadable.map(({ id, error }) => [id, error.code])).toEqual([["two", "store_damaged"]]);
    expect(await codeOf(() => findRun("two", runDir))).toBe("store_damaged");
  });

  it("are found by id, by a beginning that is one run's only, and as the latest", async () => {
    for (const name of ["alpha", "alphabet", "beta"]) {
      await finished(name);
      // Runs are told apart by the millisecond they were made in.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect((await findRun("alpha", runDir)).id).toBe("alpha");
    expect((await findRun("alphab", runDir)).id).toBe("alphabet");
    expect((await findRun("latest", runDir)).id).toBe("beta");
    expect(await codeOf(() => findRun("alph", runDir))).toBe("run_ambiguous");
    expect(await codeOf(() => findRun("gamma", runDir))).toBe("run_unknown");
  });
});

describe("a run on disk", () => {
  it("tells its failed rows in row order, each duplicate by itself", async () => {
    emulator.setFaults({ failRows: { containing: '"b"', status: 400 } });
    await finished("one");
    expect(await Array.fromAsync(failuresOf(await findRun("one", runDir)))).toMatchObject([
      { row: 1, code: "invalid_input" },
      { row: 3, code: "invalid_input" },
    ]);
  });

  it("is gone on with as it was started, and writes its output again for nothing", async () => {
    await finished("one");
    const written = await readFile(output, "utf8");
    await rm(output);
    const { batchesCreated } = emulator.stats();
    const receipt = await resumeRun(await findRun("one", runDir), { pollEveryMs: 5 });
    expect(receipt.rows).toEqual({ total: 4, ok: 3, cached: 0, skipped: 1, failed: 0 });
    expect(await readFile(output, "utf8")).toBe(written);
    const other = join(folder, "other.csv");
    await resumeRun(await findRun("one", runDir), { output: other });
    expect(await readFile(other, "utf8")).toBe(written);
    expect(emulator.stats().batchesCreated).toBe(batchesCreated);
  });

  it("holds no key", async () => {
    await finished("one");
    for (const name of ["run.sqlite", "run.sqlite-wal"]) {
      const path = join(runDir, "one", name);
      if (existsSync(path)) expect((await readFile(path)).includes("test-key")).toBe(false);
    }
  });

  it("of rows in memory is gone on with only by the code that has them", async () => {
    const frame = pl.DataFrame({ text: ["a"] });
    await enrichColumn(frame, "{{ text }}", model, options("memory"));
    const run = await findRun("memory", runDir);
    expect(run).toMatchObject({ input: null, output: null });
    expect(await codeOf(() => resumeRun(run))).toBe("run_not_resumable");
  });

  it("that is cancelled by another process stops its batches when it is gone on with", async () => {
    emulator.setFaults({ stuck: 1 });
    const run = enrichFile({ input, output }, "{{ text }}", model, options("one"));
    expect(await run.collect()).toBe(false);
    cancelRun(await findRun("one", runDir));
    const receipt = await resumeRun(await findRun("one", runDir), { pollEveryMs: 5 });
    expect(receipt.failedBy).toEqual({ cancelled: 3 });
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, rowsExecuted: 0 });
  });

  it("is removed whole, but not while batches of it may be charged or a process drives it", async () => {
    emulator.setFaults({ stuck: 1 });
    await enrichFile({ input, output }, "{{ text }}", model, options("one")).collect();
    const open = await findRun("one", runDir);
    expect(await codeOf(() => removeRun(open))).toBe("run_under_way");
    const store = await openSqliteStore(open.directory, null);
    expect(await codeOf(() => removeRun(open, { force: true }))).toBe("run_locked");
    await store[Symbol.asyncDispose]();
    await removeRun(open, { force: true });
    expect(existsSync(open.directory)).toBe(false);
  });
});
