import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Emulator, EmulatorOptions } from "../src/emulator/emulator.ts";
import { startEmulator } from "../src/emulator/emulator.ts";
import { enrichColumn, enrichFile, type EnrichOptions } from "../src/enrich.ts";
import { resumeRun } from "../src/resume-run.ts";
import { findRun, listRuns, removeRun } from "../src/runs/runs.ts";
import { failuresOf } from "../src/runs/failures.ts";
import type { OutputOption } from "../src/output/form.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "votes-"));
});
afterEach(async () => {
  await emulator.close();
});

/** A model that changes its mind: every time it is asked about a text it gives the next of its labels. */
async function start(
  labels: Readonly<Record<string, readonly string[]>>,
  options: EmulatorOptions = {},
): Promise<void> {
  const asked = new Map<string, number>();
  emulator = await startEmulator({
    seed: 2,
    answer: ({ body }) => {
      const said = JSON.stringify(body["messages"]);
      const text = Object.keys(labels).find((one) => said.includes(`<${one}>`)) ?? "";
      const times = asked.get(text) ?? 0;
      asked.set(text, times + 1);
      const all = labels[text] ?? ["x"];
      return { content: JSON.stringify({ label: all[times % all.length] }) };
    },
    ...options,
  });
}

const model = () =>
  ({ provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "k" }) as const;

const options = {
  column: "mood",
  output: { labels: ["x", "y"] },
  votes: 3,
  pollEveryMs: 5,
} as const satisfies EnrichOptions<"mood", OutputOption>;

const column = (df: unknown, name: string): unknown[] =>
  (df as pl.DataFrame).getColumn(name).toArray();

describe("votes", () => {
  it("take the most frequent answer and tell its share; each vote is a request of its own", async () => {
    await start({ a: ["x", "y", "y"], b: ["x"] });
    const frame = pl.DataFrame({ text: ["a", "b", null, "a"] });
    const run = enrichColumn(frame, "<{{ text }}>", model(), { ...options, runDir: folder });
    // Every vote is in the plan, so that there is nothing to warn of.
    expect(await run.plan()).toMatchObject({ requests: 6, warnings: [] });
    const result = await run;
    expect((result as unknown as pl.DataFrame).columns).toEqual([
      ...["text", "mood", "mood_agreement", "mood_status", "mood_error"],
    ]);
    expect(column(result, "mood")).toEqual(["y", "x", null, "y"]);
    expect(column(result, "mood_agreement")).toEqual([2 / 3, 1, null, 2 / 3]);
    expect(column(result, "mood_status")).toEqual(["ok", "ok", "skipped", "ok"]);
    expect(emulator.stats().rowsExecuted).toBe(6);
    expect((await run.report()).rows).toEqual({
      total: 4,
      ok: 3,
      cached: 0,
      skipped: 1,
      failed: 0,
    });
    const rows = await Array.fromAsync(run);
    expect(rows.map(({ value }) => value)).toEqual(["y", "x", null, "y"]);
  });

  it("are bought once: the same call again, and more votes, ask only what is new", async () => {
    await start({ a: ["x", "y"] });
    const frame = pl.DataFrame({ text: ["a"] });
    const ask = (votes: number) =>
      enrichColumn(frame, "<{{ text }}>", model(), { ...options, votes, runDir: folder });
    await ask(2);
    await ask(2);
    expect(emulator.stats().rowsExecuted).toBe(2);
    await ask(5);
    expect(emulator.stats().rowsExecuted).toBe(5);
  });

  it("on other rows, or another choice of them, are a run of its own, which shares answers", async () => {
    await start({ a: ["x"], b: ["x"], c: ["y"] });
    const input = join(folder, "in.csv");
    const runDir = join(folder, "runs");
    const ask = async (more: { readonly limit?: number } = {}) =>
      await enrichFile({ input, output: join(folder, "out.csv") }, "<{{ text }}>", model(), {
        ...{ ...options, runDir, ...more },
      });
    await writeFile(input, "text\na\nb\n");
    await ask();
    await writeFile(input, "text\na\nb\nc\n");
    await ask();
    await ask({ limit: 1 });
    await ask();
    const { runs } = await listRuns(runDir);
    expect(
      runs.map(({ steps, plan, progress }) => [steps.length, plan?.rows, progress.requests]),
    ).toEqual([
      ...[
        [3, 3, 3],
        [3, 3, 9],
        [3, 2, 6],
      ],
    ]);
    expect(emulator.stats().rowsExecuted).toBe(9);
  });

  it("count an answer that did not come against the agreement", async () => {
    await start({ a: ["x", "z", "x"] });
    const frame = pl.DataFrame({ text: ["a"] });
    const result = await enrichColumn(frame, "<{{ text }}>", model(), {
      ...options,
      runDir: folder,
      retries: 0,
    });
    expect(column(result, "mood")).toEqual(["x"]);
  });

  it("go over files, and leave the input as it is", async () => {
    await start({ a: ["y"] });
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, "id,text\n007,a\n");
    await enrichFile({ input, output }, "<{{ text }}>", model(), { ...options, runDir: folder });
    expect(await readFile(output, "utf8")).toBe(
      "id,text,mood,mood_agreement,mood_status,mood_error\n007,a,y,1,ok,\n",
    );
  });

  it.each<[string, Partial<EnrichOptions<"mood", OutputOption>>, string]>([
    ["of text", { output: undefined }, "option_unsupported"],
    ["one alone", { votes: 1 }, "option_invalid"],
    ["half", { votes: 2.5 }, "option_invalid"],
    ["with meta columns", { meta: ["model"] }, "option_unsupported"],
    ["into a column that exists", { column: "text" as "mood" }, "column_exists"],
  ])("are refused %s, before anything is sent", async (_what, differing, code) => {
    await start({});
    const frame = pl.DataFrame({ text: ["a"] });
    const all = { ...options, ...differing, runDir: folder } as typeof options;
    const failure = await Promise.resolve()
      .then(() => enrichColumn(frame, "<{{ text }}>", model(), all))
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect(failure).toMatchObject({ code });
    expect(emulator.requests()).toEqual([]);
  });

  it("are one run on disk: seen, cancelled and removed as one, and gone on with by the same call", async () => {
    await start({ a: ["y"] });
    const frame = pl.DataFrame({ text: ["a"] });
    const run = enrichColumn(frame, "<{{ text }}>", model(), { ...options, runDir: folder });
    await run;
    const { runs, unreadable } = await listRuns(folder);
    expect(unreadable).toEqual([]);
    expect(runs.map(({ steps }) => steps.length)).toEqual([3]);
    const status = await findRun("latest", folder);
    expect(status).toMatchObject({
      model: "openai/gpt-test",
      column: "mood_vote1, mood_vote2, mood_vote3",
      plan: { rows: 1, requests: 3 },
      progress: { phase: "done", answered: 3 },
    });
    expect(() => resumeRun(status)).toThrow("3 steps");
    expect(await Array.fromAsync(failuresOf(status))).toEqual([]);
    await removeRun(status);
    expect((await listRuns(folder)).runs).toEqual([]);
  });

  it("leave nothing behind without a directory, and tell of batches they are left with", async () => {
    await start({ a: ["y"] }, { faults: { stuck: 1 } });
    const frame = pl.DataFrame({ text: ["a"] });
    const run = enrichColumn(frame, "<{{ text }}>", model(), { ...options, runDir: null });
    const warnings: string[] = [];
    run.on("warning", ({ code, message }) => warnings.push(`${code}: ${message}`));
    run.start();
    while (emulator.stats().batchesCreated < 3)
      await new Promise((resolve) => setTimeout(resolve, 5));
    await run.detach();
    expect(warnings.filter((text) => text.startsWith("batches_left"))).toHaveLength(1);
    expect(warnings.join()).toContain("3 batches");
  });
});
