/** A plan beside an earlier run: what would be bought again is what the emulator then bills. */

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator, table, type Emulator } from "../src/emulator/emulator.ts";
import {
  enrichFile,
  enrichFileColumns,
  listRuns,
  type EnrichOptions,
  type EnrichRun,
  type ModelSpec,
  type OutputOption,
  type Receipt,
} from "../src/index.ts";

let emulator: Emulator;
let folder: string;
let model: ModelSpec;

const refusal = { error: { status: 400, body: { error: { message: "no", code: "bad" } } } };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "against-"));
  emulator = await startEmulator({
    seed: 3,
    answer: table((text) => (text.includes("bad") ? refusal : "fine")),
  });
  model = { provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "k" };
});
afterEach(async () => {
  await emulator.close();
});

type Options = EnrichOptions<string, OutputOption>;

/** Ten dollars for each answer in batches, since every answer is one token long at the most. */
const PRICED: Options = {
  prices: { "openai/gpt-test": { inputPerM: 0, outputPerM: 20_000_000 } },
  maxTokens: 1,
};

function asking(
  texts: readonly string[],
  template = "Say: {{ text }}",
  options: Options = {},
): EnrichRun<Receipt, unknown> {
  const input = join(folder, "in.csv");
  writeFileSync(input, `text\n${texts.join("\n")}\n`);
  return enrichFile({ input, output: join(folder, "out.csv") }, template, model, {
    ...{ column: "said", lane: "batch", pollEveryMs: 5, runDir: join(folder, "runs") },
    ...PRICED,
    ...options,
  });
}

const sent = (): number => emulator.stats().rowsExecuted + emulator.stats().liveCalls;
const OLD = ["a", "b", "c", "d", "e", "f"];

describe("a plan against the latest run", () => {
  it.each<[string, readonly string[], string, readonly [number, number, number]]>([
    ["the same rows", OLD, "Say: {{ text }}", [6, 0, 0]],
    ["another prompt", OLD, "Tell: {{ text }}", [0, 6, 0]],
    ["another prompt and rows added", ["x", "y", ...OLD], "Tell: {{ text }}", [0, 6, 2]],
    ["another prompt and rows removed", ["a", "b"], "Tell: {{ text }}", [0, 2, 0]],
    ["rows added in front", ["x", "y", ...OLD], "Say: {{ text }}", [6, 0, 2]],
    ["a row edited", ["a", "B", "c", "d", "e", "f"], "Say: {{ text }}", [5, 1, 0]],
    ["a row edited, one added", ["g", "a", "B", "c", "d", "e", "f"], "Say: {{ text }}", [5, 1, 1]],
    ["rows that repeat", [...OLD, "a", "x", "x"], "Say: {{ text }}", [7, 0, 2]],
  ])("tells what %s would buy, and it is what is billed", async (_, texts, template, rows) => {
    await asking(OLD);
    const before = sent();
    const [kept, again, fresh] = rows;
    const run = asking(texts, template);
    const { against, costUsd } = await run.plan({ against: "latest" });
    expect(against?.run).toMatch(/^in-said-/);
    expect(against?.rows).toEqual({ kept, again, new: fresh });
    expect(sent()).toBe(before);
    // Asked twice, as people do: the plan's own directory is there now and is not the latest.
    expect((await run.plan({ against: "latest" })).against).toEqual(against);
    await run;
    const bought = new Set(texts.slice(0).filter((text) => !OLD.includes(text) || again > 1));
    expect(sent() - before).toBe(template.startsWith("Tell") ? new Set(texts).size : bought.size);
    // Answers of one token at ten dollars each: the most is no guess.
    const all = again + fresh === 0 ? 0 : ((costUsd?.high ?? 0) * again) / (again + fresh);
    expect(against?.costUsd?.high).toBeCloseTo(all, 6);
    expect(against?.realtimeCostUsd?.high).toBeCloseTo(all * 2, 6);
    if (again === 6) expect(against?.costUsd?.high).toBe(60);
  });

  it("buys what failed there, and what it kept nowhere, again; what was never sent is new", async () => {
    await asking(["a", "bad", "c"]);
    const failed = await asking(["a", "bad", "c"], undefined, { limit: 10 }).plan({
      against: "latest",
    });
    expect(failed.against?.rows).toEqual({ kept: 2, again: 1, new: 0 });
    const uncached = await asking(["a", "bad", "c"], undefined, { cache: "refresh" }).plan({
      against: "latest",
    });
    expect(uncached.against?.rows).toEqual({ kept: 0, again: 3, new: 0 });

    await asking(["h", "i", "j", "k"], "Other: {{ text }}", {
      ...{ chunkRows: 1, maxCostUsd: 20, name: "stopped" },
    })
      .report()
      .catch(() => undefined);
    const short = await asking(["h", "i", "j", "k"], "Else: {{ text }}").plan({ against: "stop" });
    expect(short.against).toMatchObject({ run: "stopped", rows: { kept: 0, again: 2, new: 2 } });
  });

  it("costs nobody knows what without a price, and is refused where there is nothing to compare", async () => {
    const free = { prices: {} };
    await expect(asking(OLD, undefined, free).plan({ against: "latest" })).rejects.toThrow(
      expect.objectContaining({ code: "nothing_to_compare" }),
    );
    await asking(OLD, "Tell: {{ text }}", free);
    const { against } = await asking(OLD, undefined, free).plan({ against: "latest" });
    expect(against).toMatchObject({ rows: { again: 6 }, costUsd: null, realtimeCostUsd: null });
    await expect(asking(OLD).plan({ against: "none" })).rejects.toThrow(
      expect.objectContaining({ code: "run_unknown" }),
    );
  });

  it("compares each column of several with the same column of the earlier run", async () => {
    const input = join(folder, "in.csv");
    writeFileSync(input, `text\n${OLD.join("\n")}\n`);
    const columns = (second: string): EnrichRun<Receipt, unknown> =>
      enrichFileColumns(
        { input, output: join(folder, "out.csv") },
        [
          { column: "one", template: "One: {{ text }}", model },
          { column: "two", template: second, model },
          { column: "three", template: "{{ one }} {{ two }}", model },
        ],
        { runDir: join(folder, "runs"), pollEveryMs: 5 },
      );
    await columns("Two: {{ text }}");
    expect((await listRuns(join(folder, "runs"))).runs).toHaveLength(1);
    // What a later step asks depends on answers: its rows are in no plan.
    const { against } = await columns("Second: {{ text }}").plan({ against: "latest" });
    expect(against?.rows).toEqual({ kept: 6, again: 6, new: 0 });
  });
});
