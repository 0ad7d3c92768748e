import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchframeError, BudgetError } from "../src/core/errors.ts";
import type { Progress } from "../src/core/progress.ts";
import { startEmulator, table, type Emulator } from "../src/emulator/emulator.ts";
import { enrichColumns } from "../src/enrich-columns.ts";
import { enrichColumn, enrichFile } from "../src/enrich.ts";
import type { ModelSpec } from "../src/provider/models.ts";

let folder: string;
let emulator: Emulator;
let model: ModelSpec;

// Every answer has 16 characters, four tokens: half a dollar in a batch at a quarter of a dollar a token.
const ANSWER = "sixteen letters.";
const EACH_USD = 0.5;
const PRICES = { "openai/m": { inputPerM: 0, outputPerM: 250_000, batchShare: 0.5 } };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "budget-"));
  emulator = await startEmulator({ seed: 6, answer: table(() => ANSWER) });
  const at = { baseUrl: emulator.url, apiKey: "test-key", settleMs: 50 };
  model = { provider: "openai", model: "m", ...at };
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

const frame = (rows: number): pl.DataFrame =>
  pl.DataFrame({ text: Array.from({ length: rows }, (_, row) => `text ${String(row)}`) });

/** Options of every run here; an answer may have eight tokens, twice what it will have. */
const here = (maxCostUsd?: number) => ({
  ...{ runDir: join(folder, "runs"), pollEveryMs: 5, prices: PRICES, maxTokens: 8 },
  ...({ lane: "batch", column: "said", chunkRows: 5 } as const),
  ...(maxCostUsd === undefined ? {} : { maxCostUsd }),
});

async function failureOf(act: PromiseLike<unknown>): Promise<BatchframeError> {
  const error: unknown = await Promise.resolve(act).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof BatchframeError) return error;
  throw new Error(`No error of ours: ${String(error)}`);
}

/** What the service has charged, in US dollars. */
const billed = (): number => emulator.stats().rowsExecuted * EACH_USD;

describe("a cap on the cost of a run", () => {
  it("is kept, though every chunk might have cost twice as much, and used up as far as may be", async () => {
    const error = await failureOf(enrichColumn(frame(40), "{{ text }}", model, here(10)));
    expect(error).toBeInstanceOf(BudgetError);
    expect(error.code).toBe("budget_reached");
    expect(error.message).toMatch(/^\$\d+\.\d\d of the \$10\.00 this run may cost is spent/);
    expect(billed()).toBeLessThanOrEqual(10);
    // What is left is less than one more request may cost.
    expect(billed()).toBeGreaterThan(8);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it("lets the run go on where it stopped once it is higher, and pays for nothing twice", async () => {
    await failureOf(enrichColumn(frame(20), "{{ text }}", model, here(4)));
    const before = billed();
    const result = await enrichColumn(frame(20), "{{ text }}", model, here(30));
    expect(result.getColumn("said_status").toArray()).toEqual(Array(20).fill("ok"));
    expect(before).toBeGreaterThan(0);
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 20, bodiesBilledAgain: 0 });
  });

  it("counts what was spent under another cap before", async () => {
    await failureOf(enrichColumn(frame(20), "{{ text }}", model, here(4)));
    const before = billed();
    await failureOf(enrichColumn(frame(20), "{{ text }}", model, here(4)));
    expect(billed()).toBe(before);
  });

  it("writes what there is: rows that were left over are skipped, for the budget", async () => {
    const input = join(folder, "in.csv");
    const output = join(folder, "out.csv");
    await writeFile(
      input,
      `text\n${Array.from({ length: 20 }, (_, n) => `t${String(n)}`).join("\n")}\n`,
    );
    const run = enrichFile({ input, output }, "{{ text }}", model, here(4));
    await failureOf(run);
    const receipt = run.partial()?.receipt;
    const rows = parse<Record<string, string>>(await readFile(output), { columns: true });
    const left = rows.filter(({ said_error }) => said_error === "budget");
    expect(rows).toHaveLength(20);
    expect(new Set(left.map(({ said_status }) => said_status))).toEqual(new Set(["skipped"]));
    expect(receipt?.skippedBy).toEqual({ budget: left.length });
    expect(receipt?.rows).toMatchObject({ total: 20, ok: 20 - left.length, failed: 0 });
    expect(receipt?.costUsd).toBeCloseTo(billed());
  });

  it("holds for all steps of a run together", async () => {
    const step = (column: string) => ({
      column,
      template: `${column}: {{ text }}`,
      model,
      prices: PRICES,
      maxTokens: 8,
    });
    const { runDir, pollEveryMs, lane, chunkRows } = here();
    const steps = [step("a"), step("b"), step("c")];
    const options = { runDir, pollEveryMs, lane, chunkRows, maxCostUsd: 12 };
    const error = await failureOf(enrichColumns(frame(20), steps, options));
    expect(error.code).toBe("budget_reached");
    expect(billed()).toBeLessThanOrEqual(12);
    expect(billed()).toBeGreaterThan(8);
  });

  it("holds where requests are asked one by one, at their full price", async () => {
    const live = { ...model, provider: "compatible", baseUrl: emulator.urls.plain } as const;
    const prices = { "compatible/m": PRICES["openai/m"] };
    const options = { ...here(8), lane: "auto", prices } as const;
    const error = await failureOf(enrichColumn(frame(20), "{{ text }}", live, options));
    expect(error.code).toBe("budget_reached");
    const { liveCalls } = emulator.stats();
    expect(liveCalls * 2 * EACH_USD).toBeLessThanOrEqual(8);
    expect(liveCalls).toBeGreaterThan(4);
  });

  it("tells those who watch what is spent and what may be", async () => {
    const seen: Progress[] = [];
    const onProgress = (progress: Progress): void => {
      seen.push(progress);
    };
    await enrichColumn(frame(4), "{{ text }}", model, { ...here(50), onProgress });
    expect(seen.at(-1)).toMatchObject({ spentUsd: 2, capUsd: 50 });
  });

  it("needs a price, and is refused before anything is sent where there is none", async () => {
    const options = { ...here(5), prices: {} };
    const error = await failureOf(enrichColumn(frame(4), "{{ text }}", model, options));
    expect(error.code).toBe("price_unknown");
    expect(error.hint).toContain("--price");
    expect(emulator.requests()).toEqual([]);
    expect((await failureOf(enrichColumn(frame(4), "{{ text }}", model, here(0.01)))).code).toBe(
      "budget_reached",
    );
    expect(emulator.stats().rowsExecuted).toBe(0);
  });

  it("is an amount of money", () => {
    expect(() => enrichColumn(frame(4), "{{ text }}", model, here(Number.NaN))).toThrow(
      expect.objectContaining({ code: "option_invalid" }),
    );
  });
});
