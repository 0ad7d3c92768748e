import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, manyRows, pointedAt, runsIn, start } from "./support.ts";

const ROWS = 60;
const RUN = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes", "--name", "r"];
const QUICK = ["--poll", "20ms", "--settle", "200ms"];

let emulators: Emulator[] = [];

afterEach(async () => {
  await Promise.all(emulators.map((emulator) => emulator.close()));
  emulators = [];
});

async function standing(options: Parameters<typeof emulated>[0] = {}) {
  const emulator = await emulated(options);
  emulators.push(emulator);
  const cwd = folder({ "in.csv": manyRows(ROWS) });
  const env = pointedAt(emulator);
  const batchframe = (...words: string[]) => cli(cwd, words, env);
  const rows = () =>
    readFileSync(join(cwd, "in.enriched.csv"), "utf8").trimEnd().split("\n").slice(1);
  return { emulator, cwd, env, batchframe, rows };
}

/** Waits until a batch is running at the emulator. */
async function underWay(emulator: Emulator): Promise<void> {
  await expect
    .poll(() => emulator.stats().batches["in_progress"] ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(0);
}

describe("failures and retry", () => {
  it("name the failed rows, ask those of the named codes again, and pay for nothing else", async () => {
    const { emulator, batchframe, rows } = await standing({ faults: { refuseRows: { count: 7 } } });
    expect((await batchframe(...RUN, ...QUICK)).code).toBe(3);
    const failed = rows().flatMap((row, at) => (row.endsWith(",failed,refused") ? [at + 1] : []));
    expect(failed).toHaveLength(7);

    const listed = await batchframe("failures", "r", "-q");
    const told = listed.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(told).toEqual(
      failed.map((row) => expect.objectContaining({ row, code: "refused" }) as object),
    );

    const executed = emulator.stats().rowsExecuted;
    const none = await batchframe("retry", "r", "--only", "expired,missing", "--yes");
    expect(none).toMatchObject({ code: 0 });
    expect(none.stderr).toContain("nothing to ask again");
    expect(emulator.stats().rowsExecuted).toBe(executed);

    expect(
      (await batchframe("retry", "r", "--only", "refused", "--yes", ...["--poll", "20ms"])).code,
    ).toBe(0);
    expect(emulator.stats().rowsExecuted).toBe(executed + 7);
    expect(rows().filter((row) => row.endsWith(",ok,"))).toHaveLength(ROWS);
    expect((await batchframe("failures", "r", "-q")).stdout).toBe("");
  });

  it("retry agrees to nothing by itself, and knows its codes", async () => {
    const { emulator, batchframe } = await standing({ faults: { refuseRows: { count: 3 } } });
    await batchframe(...RUN, ...QUICK);
    const executed = emulator.stats().rowsExecuted;
    expect(await batchframe("retry", "r")).toMatchObject({ code: 2, stdout: "" });
    const unknown = await batchframe("retry", "r", "--only", "refuse", "--yes");
    expect(unknown).toMatchObject({ code: 2 });
    expect(unknown.stderr).toContain("refused");
    expect(emulator.stats().rowsExecuted).toBe(executed);
  });
});

describe("collect", () => {
  it("gives 75 while batches are under way and writes nothing, then finishes the file", async () => {
    const { emulator, cwd, env, batchframe, rows } = await standing({
      faults: { stuck: { count: 1 } },
    });
    const run = start(cwd, [...RUN, ...QUICK], env);
    await underWay(emulator);
    run.child.kill("SIGTERM");
    await run.ended;
    const pending = await batchframe("collect", "r", "--json", "-q");
    expect(pending.code).toBe(75);
    expect(JSON.parse(pending.stdout)).toMatchObject({ run: "r", status: "pending" });
    expect(() => rows()).toThrow("ENOENT");
    emulator.release();
    await expect
      .poll(async () => (await batchframe("collect", "r", "-q")).code, { timeout: 20_000 })
      .toBe(0);
    expect(rows().filter((row) => row.endsWith(",ok,"))).toHaveLength(ROWS);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });
});

describe("cancel", () => {
  it("stops the batches of a run nobody drives, keeps what came, and sends nothing more", async () => {
    const { emulator, cwd, env, batchframe, rows } = await standing({
      faults: { stuck: { count: 1 } },
    });
    const run = start(cwd, [...RUN, ...QUICK, "--chunk-rows", "20"], env);
    await underWay(emulator);
    await expect.poll(() => emulator.stats().batches["completed"], { timeout: 20_000 }).toBe(2);
    run.child.kill("SIGTERM");
    await run.ended;
    const ended = await batchframe("cancel", "r", "--poll", "20ms");
    expect(ended.code).toBe(3);
    const ok = rows().filter((row) => row.endsWith(",ok,"));
    const cancelled = rows().filter((row) => row.endsWith(",failed,cancelled"));
    expect([ok.length + cancelled.length, ok.length >= 40]).toEqual([ROWS, true]);
    expect(emulator.stats().batches).toEqual({ completed: 2, cancelled: 1 });
    // The same command again is content with what there is.
    expect((await batchframe(...RUN, ...QUICK, "--chunk-rows", "20")).code).toBe(3);
    expect(emulator.stats().batches).toEqual({ completed: 2, cancelled: 1 });
    // Until it is asked for what was given up.
    expect(
      (await batchframe("retry", "r", "--only", "cancelled", "--yes", "--poll", "20ms")).code,
    ).toBe(0);
    expect(rows().filter((row) => row.endsWith(",ok,"))).toHaveLength(ROWS);
  });

  it("asks the process that drives the run, which then ends by itself", async () => {
    const { emulator, cwd, env, batchframe } = await standing({ faults: { stuck: { rate: 1 } } });
    const run = start(cwd, [...RUN, ...QUICK], env);
    await underWay(emulator);
    // The driver may stop between being asked and our look at it: then the end is told here too.
    const asked = await batchframe("cancel", "r");
    if (asked.code === 0) expect(asked.stderr).toContain("has been asked");
    else expect(asked.code).toBe(3);
    expect((await run.ended).code).toBe(3);
    expect(emulator.stats().batches).toEqual({ cancelled: 1 });
  });
});

describe("attach", () => {
  it("watches while another process drives, and gives the same end", async () => {
    const { emulator, cwd, env } = await standing({ faults: { stuck: { count: 1 } } });
    const run = start(cwd, [...RUN, ...QUICK], env);
    await underWay(emulator);
    const watching = start(cwd, ["attach", "r"], env);
    let told = "";
    watching.child.stderr.on("data", (data: Buffer) => (told += data.toString()));
    await expect.poll(() => told, { timeout: 20_000 }).toContain("Another process drives this run");
    emulator.release();
    expect((await run.ended).code).toBe(0);
    expect((await watching.ended).code).toBe(0);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });
});

describe("rm and gc", () => {
  it("rm keeps its hands off batches under way unless it is forced", async () => {
    const { emulator, cwd, env, batchframe } = await standing({ faults: { stuck: { rate: 1 } } });
    const run = start(cwd, [...RUN, ...QUICK], env);
    await underWay(emulator);
    const refused = await batchframe("rm", "r");
    expect(refused.stderr).toContain("batchframe cancel r");
    expect([refused.code, runsIn(cwd)]).toEqual([6, ["r"]]);
    run.child.kill("SIGTERM");
    await run.ended;
    expect((await batchframe("rm", "r", "--force")).code).toBe(0);
    expect(runsIn(cwd)).toEqual([]);
  });

  it("gc removes finished runs of that age only, and says so beforehand", async () => {
    const { cwd, batchframe } = await standing();
    await batchframe(...RUN, ...QUICK);
    expect((await batchframe("gc")).stderr).toContain("No finished run is that old");
    const dry = await batchframe("gc", "--older-than", "1ms", "--dry-run", "--json", "-q");
    expect(JSON.parse(dry.stdout)).toMatchObject({ removed: [], dryRun: true });
    expect(runsIn(cwd)).toEqual(["r"]);
    expect((await batchframe("gc", "--older-than", "1ms")).code).toBe(0);
    expect(runsIn(cwd)).toEqual([]);
  });
});

describe("doctor --remote", () => {
  it("owns what runs here own, and names what nobody does", async () => {
    const { emulator, batchframe } = await standing();
    await batchframe(...RUN, ...QUICK);
    const words = ["doctor", "--remote", "-m", "openai/x", "--base-url", emulator.url];
    expect((await batchframe(...words)).stderr).toContain("every batch at 127.0.0.1");
    await batchframe("rm", "r");
    const told = await batchframe(...words);
    expect(told.stderr.replaceAll(/\s+/g, " ")).toContain("belong to no run here, 0 of them open");
  });
});

describe("--stall, --retries and --keep-remote", () => {
  it("a batch that stands still is cancelled and its rest sent again", async () => {
    const { emulator, batchframe, rows } = await standing({ faults: { stuck: { count: 1 } } });
    const ended = await batchframe(...RUN, ...QUICK, "--stall", "500ms");
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("made no progress");
    expect(rows().filter((row) => row.endsWith(",ok,"))).toHaveLength(ROWS);
    expect(emulator.stats().batches).toEqual({ cancelled: 1, completed: 1 });
  });

  it("--retries 0 sends nothing again", async () => {
    const { emulator, batchframe, rows } = await standing({ faults: { dropRows: { count: 5 } } });
    expect((await batchframe(...RUN, ...QUICK, "--retries", "0")).code).toBe(3);
    expect(rows().filter((row) => row.endsWith(",failed,missing"))).toHaveLength(5);
    expect(emulator.stats().batches).toEqual({ completed: 1 });
  });

  it("files at the provider are deleted after collection unless they are to be kept", async () => {
    const { emulator, batchframe } = await standing();
    await batchframe(...RUN, ...QUICK);
    const deleted = emulator.stats().fileDeletions;
    expect(deleted).toBe(2);
    await batchframe(
      "run",
      "in.csv",
      "-p",
      "again {{ text }}",
      "-m",
      "openai/x",
      "--yes",
      "--keep-remote",
      ...QUICK,
    );
    expect(emulator.stats().fileDeletions).toBe(deleted);
  });
});
