import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt, runsIn } from "./support.ts";

let emulator: Emulator;

beforeEach(async () => {
  emulator = await emulated({ answer: table(() => "sixteen letters.") });
});
afterEach(async () => {
  await emulator.close();
});

const ROWS = Array.from({ length: 20 }, (_, row) => `${String(row)},text ${String(row % 16)}`);
const FILES = { "in.csv": `id,text\n${ROWS.join("\n")}\n` };
const ASK = ["in.csv", "-p", "{{ text }}", "-m", "openai/x", "--lane", "batch", "--poll", "20ms"];
// A dollar for four tokens at half price, and room for twice as many.
const PRICED = ["--price", "in=0,out=500000", "--max-tokens", "8"];

describe("plan", () => {
  it("tells what a run would send and cost, needs no key, sends nothing and leaves nothing", async () => {
    const cwd = folder(FILES);
    const env = { OPENAI_BASE_URL: emulator.url };
    const words = ["plan", ...ASK, ...PRICED, "--json"];
    const { code, stdout, stderr } = await cli(cwd, words, env);
    expect([code, stderr.includes("Nothing was sent")]).toEqual([0, true]);
    const plan = JSON.parse(stdout) as Record<string, unknown>;
    expect(plan).toMatchObject({
      ...{ rows: 20, requests: 16, duplicates: 4, costUsd: { high: 32 } },
      ...{ realtimeCostUsd: { high: 64 }, leaves: { columns: ["text"] } },
    });
    expect(stderr).toMatch(
      /cost {6}\$\d+\.\d\d – \$32\.00, likely .* in batches \(.* in realtime\)/,
    );
    expect(stderr).toContain('"text" only → 127.0.0.1');
    expect(stderr).toMatch(/first +text 0\n/);
    expect(stderr).toMatch(/longest +text 10\n/);
    expect(stderr).toMatch(/prompts +4–7 characters +█+ 16/);
    expect(runsIn(cwd)).toEqual([]);
    expect(emulator.requests()).toEqual([]);
  });

  it("counts what earlier runs have answered, from every verb", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    expect((await cli(cwd, ["run", ...ASK, "--limit", "10", "--yes"], env)).code).toBe(0);
    const runs = runsIn(cwd);
    const after = await cli(cwd, ["run", ...ASK, ...PRICED, "--dry-run", "--json"], env);
    expect(JSON.parse(after.stdout)).toMatchObject({ requests: 16, cached: 0 });
    const same = await cli(cwd, ["plan", ...ASK, "--price", "in=0,out=500000", "--json"], env);
    expect(JSON.parse(same.stdout)).toMatchObject({
      ...{ requests: 16, cached: 10, outputTokens: { expected: 24 } },
      estimate: { inputBy: "replies", outputBy: "replies", repliesSeen: 10 },
    });
    expect(runsIn(cwd)).toEqual(runs);
    const verb = ["summarize", "in.csv", "--text", "text", "-m", "openai/x", "--dry-run", "--json"];
    expect(JSON.parse((await cli(cwd, verb, env)).stdout)).toMatchObject({ costUsd: null });
  });
});

describe("preview", () => {
  it("shows its rows as a table and as data, and the run asks so many less", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    const words = ["in.csv", "-p", "{{ text }}", "-m", "openai/x", ...PRICED];
    const asked = ["preview", ...words, "--rows", "5", "--json"];
    const refused = await cli(cwd, asked, env);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/would send 5 requests to \S+ for .* Nothing was sent/);
    expect(emulator.stats().liveCalls).toBe(0);
    const shown = await cli(cwd, [...asked, "--yes"], env);
    expect(shown.code).toBe(0);
    const told = JSON.parse(shown.stdout) as {
      readonly rows: readonly number[];
      readonly preview: readonly Readonly<Record<string, unknown>>[];
    };
    expect(told).toMatchObject({ status: "previewed", costUsd: 10, requestsLeft: 11 });
    expect(told.rows).toHaveLength(5);
    expect(told.preview.map(({ text, enriched }) => [text, enriched])).toEqual(
      told.rows.map((row) => [`text ${String((row - 1) % 16)}`, "sixteen letters."]),
    );
    const lines = shown.stderr.split("\n");
    expect(lines.find((text) => /row +text +enriched/.test(text))).toBeDefined();
    for (const row of told.rows)
      expect(shown.stderr).toMatch(
        new RegExp(`^ *${String(row)} +text ${String((row - 1) % 16)} +sixteen letters\\.`, "m"),
      );
    expect(shown.stderr).toMatch(/tried +5 rows: 5 answered · \$10\.00/);
    expect(shown.stderr).toMatch(/the rest +11 requests · \$1\d\.50 – \$11\.50 in batches/);
    expect(emulator.stats()).toMatchObject({ liveCalls: 5, rowsExecuted: 0 });
    const run = await cli(
      cwd,
      ["run", ...words, "--lane", "batch", "--poll", "20ms", "--yes"],
      env,
    );
    expect(run.code).toBe(0);
    expect(emulator.stats()).toMatchObject({ liveCalls: 5, rowsExecuted: 11 });
    // Two votes on three rows, asked once more each, since what is answered is no label.
    const voted = [
      "preview",
      ...words,
      "-c",
      "v",
      "--labels",
      "a,b",
      "--votes",
      "2",
      "--rows",
      "3",
      "--yes",
    ];
    expect((await cli(cwd, [...voted, "--json"], env)).stdout).toContain("v_agreement");
    expect(emulator.stats().liveCalls).toBe(5 + 2 * 3 * 2);
  });
});

describe("plan --against", () => {
  it("prices a changed prompt, and is refused where a run would begin", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    expect((await cli(cwd, ["run", ...ASK, "--limit", "10", "--yes"], env)).code).toBe(0);
    const runs = runsIn(cwd);
    const words = ["plan", ...ASK, ...PRICED, "-p", "New: {{ text }}", "--against", "latest"];
    const { code, stdout, stderr } = await cli(cwd, [...words, "--json"], env);
    expect([code, JSON.parse(stdout)]).toMatchObject([
      0,
      // Ten of the twenty rows were bought, at two dollars for the most there may be in an answer.
      { against: { rows: { kept: 0, again: 10, new: 10 }, costUsd: { high: 16 } } },
    ]);
    expect(stderr).toMatch(/against {3}in-\S+: 10 rows bought again · 0 kept · 10 new/);
    expect(stderr).toMatch(/again: \$\S+ – \$16\.00, likely .* in batches/);
    expect(runsIn(cwd)).toEqual(runs);
    const refused = await cli(cwd, ["run", ...ASK, "--against", "latest"], env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/Add --dry-run/)]);
  });
});

describe("a run that costs money", () => {
  it("is refused where nobody can be asked, by its price, and goes with --max-cost", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    const refused = await cli(cwd, ["run", ...ASK, ...PRICED], env);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /16 requests to .*, for \$.* – \$32\.00.*Add --yes .*--max-cost 32\.00/s,
    );
    expect(emulator.stats().rowsExecuted).toBe(0);
    const capped = await cli(cwd, ["run", ...ASK, ...PRICED, "--max-cost", "40"], env);
    expect(capped.code).toBe(0);
    expect(capped.stderr).toMatch(/cost {6}\$16\.00 actual · \$\S+ – \$32\.00 planned/);
  });

  it("stops at its cap with 5, writes what there is, and goes on under a higher one", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    const words = ["run", ...ASK, ...PRICED, "--chunk-rows", "3", "--name", "r"];
    const stopped = await cli(cwd, [...words, "--max-cost", "9"], env);
    expect(stopped.code).toBe(5);
    expect(stopped.stderr).toContain("left over by the budget");
    expect(stopped.stderr).toMatch(/of the \$9\.00 this run may cost is spent/);
    // Told while it went on, and to whoever looks at it from elsewhere.
    expect(stopped.stderr).toMatch(/answered.*\$\d\.00 of the \$9\.00 cap spent/);
    const status = await cli(cwd, ["status", "r", "--json"], env);
    const { capUsd, spentUsd } = JSON.parse(status.stdout) as Record<string, number>;
    expect([capUsd, (spentUsd ?? 10) <= 9]).toEqual([9, true]);
    expect((await cli(cwd, ["status", "r"], env)).stderr).toContain("of the $9.00 cap spent");
    const written = readFileSync(join(cwd, "in.enriched.csv"), "utf8");
    expect(written).toMatch(/,skipped,budget/);
    expect(emulator.stats().rowsExecuted).toBeLessThanOrEqual(9);
    const resumed = await cli(cwd, ["resume", "r", "--max-cost", "50", "--poll", "20ms"], env);
    expect(resumed.code).toBe(0);
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 16, bodiesBilledAgain: 0 });
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).not.toContain("budget");
  });

  it("takes prices from a file, and says of what is none why not", async () => {
    const prices = JSON.stringify({ "openai/x": { inputPerM: 0, outputPerM: 500_000 } });
    const cwd = folder({ ...FILES, "prices.json": prices, "bad.json": '{"openai/x": 3}' });
    const env = pointedAt(emulator);
    const plan = await cli(
      cwd,
      ["plan", ...ASK, "--prices", "prices.json", "--max-tokens", "8", "--json"],
      env,
    );
    expect(JSON.parse(plan.stdout)).toMatchObject({ costUsd: { high: 32 } });
    for (const [flags, says] of [
      [["--prices", "bad.json"], /holds no prices by model/],
      [["--prices", "none.json"], /No prices can be read from none\.json/],
      [["--price", "in=1"], /price "in=1" cannot be read/],
      [["--price", "in=1,out=2,x=3"], /cannot be read/],
      [["--max-cost", "5"], /needs a price, and that of openai\/x/],
    ] as const) {
      const { code, stderr } = await cli(cwd, ["run", ...ASK, ...flags], env);
      expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
    }
    expect(emulator.stats().rowsExecuted).toBe(0);
  });
});

describe("models", () => {
  it("lists prices with their day and where they are from", async () => {
    const { code, stdout } = await cli(folder(), ["models", "--provider", "anthropic"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/anthropic\/claude-\S+ +\S+/);
    expect(stdout).toContain("https://www.anthropic.com/pricing");
    const json = await cli(folder(), ["models", "--json"]);
    const { models } = JSON.parse(json.stdout) as { models: readonly unknown[] };
    expect(models.length).toBeGreaterThan(100);
    expect((await cli(folder(), ["models", "--provider", "nobody"])).code).toBe(2);
  });
});
