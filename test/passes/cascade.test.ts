import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { enrichColumn, enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import { failuresOf } from "../../src/runs/failures.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { reparseRun } from "../../src/reparse.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun, listRuns, removeRun } from "../../src/runs/runs.ts";
import { classify } from "../../src/verbs/classify.ts";

let emulator: Emulator;
let folder: string;
let sent: { model: string; row: number; body: string }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cascade-"));
  vi.stubEnv("OPENAI_API_KEY", "k");
  sent = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

/** What a model says of a row; null refuses. */
type Says = (row: number, model: string) => { label: string; confidence?: unknown } | null;

const right = (row: number): string => (row % 2 === 0 ? "even" : "odd");

/** The cheap model is right and sure of most rows, and wrong and unsure of every fifth. */
const sensible: Says = (row, model) => {
  if (model === "strong") return { label: right(row) };
  return row % 5 === 0
    ? { label: right(row + 1), confidence: 40 }
    : { label: right(row), confidence: 90 + (row % 10) };
};

async function start(says: Says, options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({
    seed: 7,
    answer: ({ body }) => {
      const text = JSON.stringify(body["messages"]);
      const row = Number(/row (\d+)/.exec(text)?.[1]);
      const model = String(body["model"]);
      sent.push({ model, row, body: JSON.stringify(body) });
      const said = says(row, model);
      return said === null ? { content: null, refusal: "no" } : { content: JSON.stringify(said) };
    },
    ...options,
  });
}

const model = (name: string) =>
  ({ provider: "openai", model: name, baseUrl: emulator.url, apiKey: "k", settleMs: 50 }) as const;

const ROWS = 600;
const TEXTS = Array.from({ length: ROWS }, (_, row) => `row ${String(row)}`);

const options = () => ({
  column: "x",
  output: { labels: ["even", "odd"] } as const,
  cascade: { model: model("strong"), target: 0.95, labelBudget: 120 },
  runDir: folder,
  pollEveryMs: 5,
});

const column = (df: unknown, name: string): unknown[] =>
  (df as pl.DataFrame).getColumn(name).toArray();

const sentTo = (name: string): number => sent.filter((it) => it.model === name).length;

describe("a cascade", () => {
  it("asks the strong model of a sample and of what the cheap one is unsure of, each row once", async () => {
    await start(sensible);
    const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model("cheap"), {
      ...options(),
      meta: ["model", "confidence"],
      prices: {
        "openai/cheap": { inputPerM: 1, outputPerM: 1 },
        "openai/strong": { inputPerM: 50, outputPerM: 50 },
      },
    });
    expect((await run.plan()).warnings.join()).toMatch(/openai\/strong .* nor their cost is in/);
    const result = await run;
    expect((result as unknown as pl.DataFrame).columns).toEqual([
      ...["text", "x", "x_status", "x_error", "x_model", "x_confidence"],
    ]);
    expect(column(result, "x")).toEqual(TEXTS.map((_, row) => right(row)));
    expect(sentTo("cheap")).toBe(ROWS);
    const strong = sent.filter((it) => it.model === "strong").map(({ row }) => row);
    expect(new Set(strong).size).toBe(strong.length);
    // Every row the cheap model is wrong about is the strong one's, beside the sample.
    for (let row = 0; row < ROWS; row += 5) expect(strong).toContain(row);
    expect(strong.length).toBeLessThan(ROWS / 5 + 121);
    const receipt = await run.report();
    expect(receipt.rows).toMatchObject({ total: ROWS, ok: ROWS });
    expect(receipt.cascade).toMatchObject({ target: 0.95, delta: 0.05, rows: ROWS, sampled: 120 });
    expect(receipt.cascade?.keepAbove).toBeGreaterThanOrEqual(0.4);
    expect(receipt.cascade?.agreementAtLeast).toBeGreaterThanOrEqual(0.95);
    expect(receipt.passes?.map(({ role, model: by }) => [role, by])).toEqual([
      ["cheap", "openai/cheap"],
      ["sample", "openai/strong"],
      ["strong", "openai/strong"],
    ]);
    expect(receipt.passes?.reduce((sum, { answers }) => sum + answers, 0)).toBe(ROWS);
    const costs = receipt.passes?.map(({ costUsd }) => costUsd ?? 0) ?? [];
    expect(receipt.costUsd).toBeCloseTo(
      costs.reduce((sum, cost) => sum + cost, 0),
      9,
    );
    const perStrong = ((costs[1] ?? 0) + (costs[2] ?? 0)) / strong.length;
    expect(receipt.cascade?.allStrongUsd).toBeCloseTo(perStrong * ROWS, 6);
    const who = column(result, "x_model") as string[];
    const sure = column(result, "x_confidence") as (number | null)[];
    for (const [row, name] of who.entries()) {
      expect(name.startsWith(strong.includes(row) ? "strong" : "cheap")).toBe(true);
      expect(sure[row]).toBe(strong.includes(row) ? null : (90 + (row % 10)) / 100);
    }
    const rows = await Array.fromAsync(run);
    expect(rows.map(({ value }) => value)).toEqual(column(result, "x"));
  });

  it("asks only the cheap model how sure it is", async () => {
    await start(sensible);
    await enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model("cheap"), options());
    for (const { model: name, body } of sent)
      expect(body.includes('"confidence"')).toBe(name === "cheap");
  });

  it("buys nothing when it is called again, and decides the same without a cache", async () => {
    await start(sensible);
    const call = { ...options(), cache: false } as const;
    const frame = pl.DataFrame({ text: TEXTS });
    const first = enrichColumn(frame, "{{ text }}", model("cheap"), call);
    const receipt = await first.report();
    const bought = sent.length;
    const again = await enrichColumn(frame, "{{ text }}", model("cheap"), call).report();
    expect(sent.length).toBe(bought);
    expect(again.cascade).toEqual(receipt.cascade);
    const elsewhere = { ...call, runDir: join(folder, "elsewhere") };
    const other = await enrichColumn(frame, "{{ text }}", model("cheap"), elsewhere).report();
    expect(other.cascade).toEqual(receipt.cascade);
  });

  it("asks the strong model once about rows with the same text, sampled or not", async () => {
    await start(sensible);
    const twice = [...TEXTS, ...TEXTS, null];
    const result = await enrichColumn(pl.DataFrame({ text: twice }), "{{ text }}", model("cheap"), {
      ...options(),
      cache: false,
    });
    const strong = sent.filter((it) => it.model === "strong").map(({ row }) => row);
    expect(new Set(strong).size).toBe(strong.length);
    expect(column(result, "x")).toEqual(
      [...TEXTS, ...TEXTS].map((_, at) => right(at % ROWS)).concat([null as never]),
    );
  });

  it.each<[string, Says, number]>([
    ["the sample is too small", sensible, 20],
    [
      "confidences say nothing and answers are poor",
      (row, name) =>
        name === "strong"
          ? { label: right(row) }
          : { label: right(row % 3 === 0 ? row + 1 : row), confidence: 90 },
      120,
    ],
    [
      "there are no confidences",
      (row, name) =>
        name === "strong" ? { label: right(row) } : { label: right(row), confidence: "sure" },
      120,
    ],
  ])(
    "asks the strong model of every row where %s, and says so",
    async (_what, says, labelBudget) => {
      await start(says);
      const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", model("cheap"), {
        ...options(),
        cascade: { ...options().cascade, labelBudget },
      });
      const receipt = await run.report();
      expect(sentTo("strong")).toBe(ROWS);
      expect(receipt.passes?.[0]?.answers).toBe(0);
      expect(receipt.warnings?.join()).toContain("every row was asked of openai/strong");
      expect(column(await run, "x")).toEqual(TEXTS.map((_, row) => right(row)));
    },
  );

  it("hands what the cheap model failed to the strong one, and never shows a cheap answer in its place", async () => {
    await start((row, name) => {
      if (name === "cheap" && row % 50 === 1) return null;
      // Unsure rows of the cheap model, of which the strong one refuses some.
      if (name === "strong" && row % 100 === 0) return null;
      return sensible(row, name);
    });
    const run = enrichColumn(
      pl.DataFrame({ text: TEXTS }),
      "{{ text }}",
      model("cheap"),
      options(),
    );
    const result = await run;
    const statuses = column(result, "x_status");
    const values = column(result, "x");
    for (let row = 0; row < ROWS; row++) {
      expect(statuses[row], String(row)).toBe(row % 100 === 0 ? "failed" : "ok");
      expect(values[row], String(row)).toBe(row % 100 === 0 ? null : right(row));
    }
    expect((await run.report()).failedBy).toEqual({ refused: 6 });
  });

  it("goes over files as one run that is listed, resumed by name, read again and removed", async () => {
    await start(sensible);
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(
      input,
      `id,text\n${TEXTS.map((text, row) => `${String(row)},${text}`).join("\n")}\n`,
    );
    const given = { ...options(), runDir: join(folder, "runs"), name: "both" };
    const receipt = await enrichFile(
      { input, output },
      "{{ text }}",
      model("cheap"),
      given,
    ).report();
    const written = await readFile(output, "utf8");
    const bought = sent.length;
    const status = await findRun("both", given.runDir);
    expect(status.passes).toHaveLength(3);
    expect(status.finishedAt).not.toBeNull();
    expect(await Array.fromAsync(failuresOf(status))).toEqual([]);
    const resumed = await resumeRun(status, { pollEveryMs: 5 });
    expect(resumed.cascade).toEqual(receipt.cascade);
    await reparseRun(status);
    expect(await readFile(output, "utf8")).toBe(written);
    expect(sent.length).toBe(bought);
    await removeRun(status);
    expect((await listRuns(given.runDir)).runs).toEqual([]);
  });

  it("takes the free model of the package for its cheap one, by that one's own confidence", async () => {
    await start((_row, _name) => ({ label: "positive" }));
    const texts = ["I love it", "Wonderful", "Terrible, broken", "Awful waste of money"];
    const run = classify(
      pl.DataFrame({ text: texts }),
      { ...options(), text: "text", labels: ["positive", "negative"], meta: ["model"] },
      "embedded/use-lite",
    );
    const receipt = await run.report();
    expect(receipt.cascade).toMatchObject({ sampled: 4, disagreed: 2 });
    expect(receipt.passes?.[0]?.costUsd).toBe(0);
  });

  describe("with gold labels", () => {
    // Every third row is labelled, so each kind of row alike; blank cells are no labels.
    const GOLD = TEXTS.map((_, row) =>
      row % 3 === 0 ? ` ${right(row)} ` : row % 3 === 1 ? " " : null,
    );
    const labelled = (gold: readonly (string | null)[] = GOLD) =>
      pl.DataFrame({ text: TEXTS, truth: pl.Series("truth", [...gold], pl.Utf8) });
    const withGold = (numbers: { labelBudget?: number } = {}) => ({
      ...options(),
      cascade: { model: model("strong"), target: 0.95, gold: "truth", ...numbers } as const,
    });

    it("buys no sample, and asks the strong model only of what the cheap one is unsure of", async () => {
      await start(sensible);
      const run = enrichColumn(labelled(), "{{ text }}", model("cheap"), withGold());
      const result = await run;
      const receipt = await run.report();
      expect(receipt.passes?.map(({ role }) => role)).toEqual(["cheap", "strong"]);
      expect(receipt.cascade).toMatchObject({
        ...{ gold: "truth", rows: ROWS, sampled: ROWS / 3, disagreed: ROWS / 15 },
        ...{ disagreedKept: 0, keepAbove: 0.4, estimatedAgreement: 1 },
      });
      expect(receipt.cascade?.agreementAtLeast).toBeGreaterThanOrEqual(0.95);
      const strong = sent.filter((it) => it.model === "strong").map(({ row }) => row);
      expect(strong.toSorted((a, b) => a - b)).toEqual(
        TEXTS.flatMap((_, row) => (row % 5 === 0 ? [row] : [])),
      );
      expect(sentTo("cheap")).toBe(ROWS);
      expect(column(result, "x")).toEqual(TEXTS.map((_, row) => right(row)));
      expect(column(result, "truth")).toEqual(GOLD);
      const bought = sent.length;
      await enrichColumn(labelled(), "{{ text }}", model("cheap"), withGold());
      expect(sent.length).toBe(bought);
    });

    it("never sends them, unless the template names their column", async () => {
      await start(sensible);
      const secret = TEXTS.map((_, row) => (row % 3 === 0 ? "zebra" : null));
      await enrichColumn(labelled(secret), "{{ text }}", model("cheap"), withGold());
      expect(sent.length).toBeGreaterThan(ROWS);
      expect(sent.filter(({ body }) => /zebra|truth/.test(body))).toEqual([]);
    });

    it("believes them and not the strong model, and compares as many as it is told", async () => {
      // The strong model says of every row what the cheap one does; the labels say otherwise.
      await start((row) => ({ label: right(row), confidence: 90 }));
      const contrary = TEXTS.map((_, row) => right(row + 1));
      const run = enrichColumn(
        labelled(contrary),
        "{{ text }}",
        model("cheap"),
        withGold({ labelBudget: 150 }),
      );
      const receipt = await run.report();
      expect(receipt.cascade).toMatchObject({ sampled: 150, disagreed: 150, keepAbove: 0.9 });
      expect(sentTo("strong")).toBe(ROWS);
      expect(receipt.passes?.[0]?.answers).toBe(0);
    });

    it("sets the threshold anew by other labels, over cheap answers that are there already", async () => {
      await start(sensible);
      await enrichColumn(labelled(), "{{ text }}", model("cheap"), withGold());
      const few = GOLD.map((label, row) => (row < 30 ? label : null));
      const again = enrichColumn(labelled(few), "{{ text }}", model("cheap"), withGold());
      const receipt = await again.report();
      expect(receipt.cascade).toMatchObject({ sampled: 10, keepAbove: null });
      expect(receipt.warnings?.join()).toContain("too small");
      expect(sentTo("cheap")).toBe(ROWS);
      expect(sentTo("strong")).toBe(ROWS);
    });

    it.each<[string, object, string]>([
      ["an unknown column", { cascade: { gold: "trooth" } }, "unknown_column"],
      ["no label in it", { cascade: { gold: "blank" } }, "nothing_to_evaluate"],
      [
        "several labels for a row",
        { output: { labels: ["a", "b"], multi: true } },
        "option_unsupported",
      ],
      ["a schema", { output: "parity: even|odd" }, "option_unsupported"],
    ])("is refused with %s, before anything is sent", async (_what, differing, code) => {
      await start(sensible);
      const { cascade: other = {}, ...rest } = differing as { cascade?: object };
      const all = { ...withGold(), ...rest, cascade: { ...withGold().cascade, ...other } };
      const frame: pl.DataFrame = pl.DataFrame({
        text: TEXTS,
        truth: GOLD,
        blank: TEXTS.map(() => " "),
      });
      const run = enrichColumn(
        frame,
        "{{ text }}",
        model("cheap"),
        all as EnrichOptions<"x", OutputOption>,
      );
      await expect(run).rejects.toMatchObject({
        code,
        message: expect.stringContaining("Nothing was sent") as unknown,
      });
      expect(emulator.requests()).toEqual([]);
    });
  });

  it.each<[string, Partial<EnrichOptions<"x", OutputOption>>, string]>([
    ["free text", { output: undefined }, "option_unsupported"],
    ["a target above 1", { cascade: { model: "openai/strong", target: 95 } }, "option_invalid"],
    ["a fallback besides", { fallbackModel: "openai/other" }, "option_unsupported"],
    ["pieces of long texts", { maxChars: 10, onLong: "chunk" }, "option_unsupported"],
    ["votes", { votes: 3 }, "option_unsupported"],
  ])("is refused with %s, before anything is sent", async (_what, differing, code) => {
    await start(sensible);
    const all = { ...options(), ...differing } as EnrichOptions<"x", OutputOption>;
    const failure = await Promise.resolve()
      .then(() =>
        enrichColumn(pl.DataFrame({ text: ["row 1"] }), "{{ text }}", model("cheap"), all),
      )
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect(failure).toMatchObject({ code });
    expect(emulator.requests()).toEqual([]);
  });
});
