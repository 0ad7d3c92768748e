import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pl, { type DataFrame } from "nodejs-polars";
import { afterEach, describe, expect, it } from "vitest";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import {
  enrichColumn,
  enrichColumns,
  enrichFile,
  type EnrichOptions,
  type ModelSpec,
  type OutputOption,
} from "../../src/index.ts";

let emulator: Emulator;
let folder: string;

afterEach(async () => {
  await emulator.close();
});

async function modelAt(options: EmulatorOptions = {}): Promise<ModelSpec> {
  folder = mkdtempSync(join(tmpdir(), "preview-"));
  emulator = await startEmulator({ seed: 5, ...options });
  return { provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "k" };
}

// 300 rows, of which 10 are blank and 40 repeat others: 250 prompts.
const TEXTS = Array.from({ length: 300 }, (_, row) =>
  row % 30 === 7 ? null : `text ${String(row >= 260 ? row - 260 + 30 : row)}`,
);
const PROMPTS = new Set(TEXTS.filter((text) => text !== null)).size;
const rows = (): DataFrame =>
  pl.DataFrame({
    n: pl.Series("n", [...TEXTS.keys()], pl.Int64),
    text: pl.Series("text", TEXTS, pl.String),
    team: pl.Series(
      "team",
      TEXTS.map((_, row) => (row < 290 ? "many" : `few ${String(row)}`)),
      pl.String,
    ),
  });

const here = (
  more: EnrichOptions<string, OutputOption> = {},
): EnrichOptions<string, OutputOption> => ({
  pollEveryMs: 10,
  runDir: join(folder, "runs"),
  ...more,
});

const asked = (): number => emulator.stats().rowsExecuted + emulator.stats().liveCalls;

describe("a preview", () => {
  it("of 20 rows, followed by the run, sends exactly so many requests less", async () => {
    const model = await modelAt();
    const run = enrichColumn(rows(), "say {{ text }}", model, here());
    // Planned before, as people do: the plan is made anew, or it would buy these 20 twice.
    expect(await run.plan()).toMatchObject({ requests: PROMPTS, cached: 0 });
    const { frame, rows: positions, receipt } = await run.preview(20);
    expect(receipt.rows).toMatchObject({ total: 20, ok: 20 });
    expect(positions).toHaveLength(20);
    expect(frame.getColumn("n").toArray().map(Number)).toEqual(positions);
    expect(frame.getColumn("enriched").toArray()).toEqual(
      positions.map((row) => `say ${String(TEXTS[row])}`),
    );
    expect(emulator.stats()).toMatchObject({ liveCalls: 20, batchesCreated: 0, uploads: 0 });
    expect(readdirSync(join(folder, "runs", ".previews"))).toEqual([]);

    expect(await run.plan()).toMatchObject({ requests: PROMPTS, cached: 20 });
    const whole = await run.report();
    expect(whole.rows).toMatchObject({ total: 300, failed: 0, skipped: 10 });
    expect(asked()).toBe(PROMPTS);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it("chooses the same rows each time, others with another seed, and buys nothing twice", async () => {
    const model = await modelAt();
    const run = enrichColumn(rows(), "say {{ text }}", model, here());
    const first = await run.preview(10);
    const again = await run.preview(10);
    expect(again.rows).toEqual(first.rows);
    expect(again.receipt.rows).toMatchObject({ cached: 10 });
    expect(asked()).toBe(10);
    const other = await run.preview(10, { seed: 1 });
    expect(other.rows).not.toEqual(first.rows);
  });

  it("shares its rows among the values of a column", async () => {
    const model = await modelAt();
    const run = enrichColumn(rows(), "{{ text }} {{ n }}", model, here());
    const { frame } = await run.preview(8, { by: "team" });
    expect(new Set(frame.getColumn("team").toArray()).size).toBe(8);
    const { frame: more } = await run.preview(40, { by: "team" });
    const teams = more.getColumn("team").toArray() as string[];
    expect(new Set(teams).size).toBe(11);
    expect(teams.filter((team) => team === "many")).toHaveLength(30);
  });

  it("of a file gives the columns its template reads, as text, and counts as well", async () => {
    const model = await modelAt();
    const input = join(folder, "in.csv");
    const lines = Array.from({ length: 250 }, (_, n) => `00${String(n)},t${String(n)},x`);
    writeFileSync(input, ["id,text,other", ...lines, ""].join("\n"));
    const output = join(folder, "out.csv");
    const run = enrichFile({ input, output }, "{{ id }} {{ text }}", model, here());
    const { frame, receipt } = await run.preview(5);
    expect(frame.columns.slice(0, 3)).toEqual(["id", "text", "enriched"]);
    expect(frame.getColumn("id").toArray()).toEqual(
      (frame.getColumn("enriched").toArray() as string[]).map((text) => text.split(" ")[0]),
    );
    expect(receipt.rows.ok).toBe(5);
    expect(existsSync(output)).toBe(false);
    await run;
    expect(asked()).toBe(250);
    expect(readFileSync(output, "utf8").split("\n")).toHaveLength(252);
  });

  const LABELS = { labels: ["yes", "no"] } as const;

  it("of several columns asks each step, and each step of the run so many less", async () => {
    const model = await modelAt({ answer: table((text) => `re ${text}`) });
    const steps = [
      { column: "one", template: "one {{ text }}", model },
      { column: "two", template: "two {{ team }}", model },
      { column: "three", template: "three {{ one }}", model },
    ] as const;
    const run = enrichColumns(rows(), steps, { pollEveryMs: 10, runDir: join(folder, "runs") });
    // Planned before, as people do.
    await run.plan();
    const { frame, rows: positions, receipt } = await run.preview(20, { by: "team" });
    expect(receipt.rows).toMatchObject({ total: 20, ok: 20 });
    expect(frame.getColumn("n").toArray().map(Number)).toEqual(positions);
    expect(frame.getColumn("three").toArray()).toEqual(
      positions.map((row) => `re three re one ${String(TEXTS[row])}`),
    );
    // Teams repeat: the second step asks each once.
    const teams = new Set(frame.getColumn("team").toArray()).size;
    expect(teams).toBe(11);
    expect(emulator.stats()).toMatchObject({ liveCalls: 40 + teams, batchesCreated: 0 });
    expect(readdirSync(join(folder, "runs", ".previews"))).toEqual([]);
    const whole = await run.report();
    expect(whole.rows).toMatchObject({ total: 300, failed: 0 });
    expect(asked()).toBe(2 * PROMPTS + teams);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
    await expect(run.preview(5)).rejects.toMatchObject({ code: "preview_late" });
    const other = enrichColumns(rows(), steps, { runDir: join(folder, "else") });
    await expect(other.preview(201)).rejects.toMatchObject({ code: "option_invalid" });
  });

  it("of votes asks every vote, and the run so many less of each", async () => {
    const model = await modelAt();
    const options = here({ output: LABELS, votes: 3 });
    const run = enrichColumn(rows(), "{{ text }}", model, options);
    const { frame, receipt } = await run.preview(10);
    expect(receipt.rows).toMatchObject({ total: 10, ok: 10 });
    expect(frame.columns).toEqual(
      expect.arrayContaining(["text", "enriched", "enriched_agreement"]),
    );
    expect(emulator.stats()).toMatchObject({ liveCalls: 30, batchesCreated: 0 });
    await run.report();
    // Votes on one question are the same body: what counts is how often it was asked.
    expect(asked()).toBe(3 * PROMPTS);
  });

  it.each<[string, (other: ModelSpec) => EnrichOptions<string, OutputOption>]>([
    ["a fallback", (other) => ({ fallbackModel: other })],
    ["a cascade", (other) => ({ cascade: { model: other, target: 0.5, labelBudget: 30 } })],
  ])("of a run with %s asks the model that is asked every row", async (_, option) => {
    const model = await modelAt();
    const options = here({ output: LABELS, ...option({ ...model, model: "gpt-other" }) });
    const run = enrichColumn(rows(), "{{ text }}", model, options);
    await run.plan();
    const { receipt } = await run.preview(20);
    expect(receipt.rows).toMatchObject({ total: 20, ok: 20 });
    expect(receipt.models).toEqual(["openai/gpt-test"]);
    expect(asked()).toBe(20);
    expect(await run.plan()).toMatchObject({ requests: PROMPTS, cached: 20 });
    await run.report();
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
    await expect(run.preview()).rejects.toMatchObject({ code: "preview_late" });
  });

  it("is refused where its answers would be bought again", async () => {
    const model = await modelAt();
    for (const cache of [false, "refresh"] as const)
      await expect(
        enrichColumn(rows(), "{{ text }}", model, here({ cache })).preview(),
      ).rejects.toMatchObject({ code: "preview_uncached" });
    const run = enrichColumn(rows(), "{{ text }}", model, here());
    await run;
    const before = asked();
    await expect(run.preview()).rejects.toMatchObject({ code: "preview_late" });
    await expect(run.preview(5, { by: "teem" })).rejects.toMatchObject({ code: "unknown_column" });
    expect(asked()).toBe(before);
  });

  it("that is killed in the middle loses nothing it has paid for", async () => {
    const model = await modelAt({
      // The prompts with a 7 are never answered: the preview can only be killed.
      answer: async (request) => {
        const text = JSON.stringify(request.body);
        if (text.includes("7"))
          await new Promise((resolve) => setTimeout(resolve, 600_000).unref());
        return { content: "fine" };
      },
    });
    const input = join(folder, "in.csv");
    const lines = Array.from({ length: 90 }, (_, n) => `t${String(n)}`);
    writeFileSync(input, ["text", ...lines, ""].join("\n"));
    const bin = fileURLToPath(new URL("../../bin/batchframe.js", import.meta.url));
    const words = [
      "preview",
      input,
      "-p",
      "{{ text }}",
      "-m",
      "openai/gpt-test",
      "--rows",
      "40",
      "--yes",
    ];
    const child = spawn(process.execPath, [bin, ...words, "--run-dir", join(folder, "runs")], {
      cwd: folder,
      env: { ...process.env, OPENAI_API_KEY: "k", OPENAI_BASE_URL: emulator.url },
    });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    const live = (): number => emulator.stats().liveCalls;
    await expect.poll(live, { timeout: 30_000 }).toBeGreaterThan(20);
    // What was answered reaches the journal within a moment; then nothing moves any more.
    let seen = -1;
    while (seen !== live()) {
      seen = live();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    child.kill("SIGKILL");
    await ended;
    expect(readdirSync(join(folder, "runs", ".previews"))).toHaveLength(1);
    const files = { input, output: join(folder, "out.csv") };
    const options = here({ name: "whole" });
    expect(await enrichFile(files, "{{ text }}", model, options).plan()).toMatchObject({
      requests: 90,
      cached: seen,
    });
    expect(readdirSync(join(folder, "runs", ".previews"))).toEqual([]);
  }, 60_000);
});
