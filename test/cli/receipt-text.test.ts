/** What a run prints at its end: shares, money and where things are. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { colours } from "../../src/cli/colour.ts";
import { receiptText } from "../../src/cli/receipt-text.ts";
import type { Emulator } from "../../src/emulator/emulator.ts";
import type { Receipt } from "../../src/index.ts";
import { cli, emulated, folder, manyRows, pointedAt } from "./support.ts";

const FREE = ["classify", "in.csv", "--text", "text", "--labels", "positive,negative"];
const PAID = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "--yes"];
const ROWS = "text\nI love it.\nIt broke at once.\n";

let emulator: Emulator;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  emulator = await emulated();
  env = pointedAt(emulator);
});
afterAll(async () => {
  await emulator.close();
});

describe("the shares of labels", () => {
  it("are of all answers, those from the cache included", async () => {
    const cwd = folder({ "in.csv": ROWS });
    await cli(cwd, [...FREE, "-q"]);
    writeFileSync(join(cwd, "in.csv"), `${ROWS}Terrible.\nAwful.\n`);
    const { stderr } = await cli(cwd, FREE);
    expect(stderr).toContain("4 rows = 2 ok + 2 cached + 0 skipped + 0 failed");
    expect(stderr).toMatch(/positive +1 +25\.0 %/);
    expect(stderr).toMatch(/negative +3 +75\.0 %/);
  });
});

describe("the sum of rows", () => {
  const RECEIPT: Receipt = {
    ...{ run: "in-topic-0123456", models: ["openai/x"], batches: [], requests: 30, cached: 0 },
    rows: { total: 2000, ok: 30, cached: 0, skipped: 1970, failed: 0 },
    skippedBy: { where: 1603, sample: 367 },
    ...{ failedBy: {}, duplicates: 0, resent: 0, duplicateReplies: 0, unknownReplies: 0 },
    usage: {
      ...{ inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, cacheWriteHourTokens: 0 },
      ...{ outputTokens: 0, reasoningTokens: 0 },
    },
    ...{ costUsd: 0, output: "out.csv", neutralisedCells: 0, labels: null },
  };
  const FACTS = {
    ...{ input: "in.csv", reading: {}, output: "out.csv", model: "openai/x", modelWhy: null },
    ...{ promptColumns: ["text"], column: "topic", runDir: undefined },
  };
  const told = (wrapWidth: number, receipt: Receipt = RECEIPT): string =>
    receiptText(
      receipt,
      { facts: FACTS, host: { name: "x", free: true }, columns: [], wasFinished: false },
      { colours: colours(false), width: wrapWidth, wrapWidth },
    );

  it("goes on below itself where a terminal is narrow, words whole", () => {
    expect(told(80)).toContain(
      "✔ 2,000 rows = 30 ok + 1,970 skipped (1,603 left out by the condition, 367 not\n  in the sample) + 0 failed\n",
    );
  });

  it("has no shares of labels below it where nothing was answered", () => {
    const labels = { good: 0, bad: 0 };
    const none = { total: 2, ok: 0, cached: 0, skipped: 2, failed: 0 };
    expect(told(80, { ...RECEIPT, labels, rows: none })).not.toContain("good");
    expect(told(80, { ...RECEIPT, labels: { good: 30, bad: 0 } })).toContain("100.0 %");
  });
});

describe("money", () => {
  it("of answers from the cache is not said to be a free model's", async () => {
    const cwd = folder({ "in.csv": ROWS });
    await cli(cwd, [...PAID, "--poll", "20ms", "-q", "--name", "first"], env);
    const again = ["--poll", "20ms", "--name", "second"];
    await cli(cwd, [...PAID, ...again], env);
    const { code, stderr } = await cli(cwd, ["collect", "second"], env);
    expect(code).toBe(0);
    expect(stderr).toContain(
      "cost      nothing was sent: every answer was there · $0.00 · 0 tokens",
    );
    expect(stderr).not.toContain("runs here");
  });

  it("is not said to be for every answer where some are missing", async () => {
    const cwd = folder({ "in.csv": ROWS });
    await cli(cwd, [...PAID.slice(0, -1), "--name", "planned"], env);
    const { code, stderr } = await cli(cwd, ["export", "planned", "-o", "out.csv"]);
    expect(code).toBe(75);
    expect(stderr).toContain("2 skipped (not answered yet)");
    expect(stderr).toContain("cost      nothing was sent · $0.00");
    const shown = await cli(cwd, ["show", "planned", "--row", "1"]);
    expect(shown.stderr).toContain("answered  not sent yet\n");
    expect(shown.stderr).not.toContain("cost unknown");
  });

  it("below a cent is written as the plan writes it, where a cap stops the run", async () => {
    const cwd = folder({ "in.csv": ROWS });
    const capped = [...PAID, "--poll", "20ms", "--max-cost", "0.0000001"];
    const { code, stderr } = await cli(cwd, capped, env);
    expect(code).toBe(5);
    expect(stderr).toContain("error: $0.00 of the $0.00000010 this run may cost is spent");
  });
});

describe("the status", () => {
  it("fits 80 columns whatever the ids of this machine are", async () => {
    const cwd = folder({ "in.csv": ROWS });
    await cli(cwd, [...FREE, "-q"]);
    const { stderr } = await cli(cwd, ["status"], { COLUMNS: "80" });
    expect(stderr).toMatch(
      /chunk +state +batch +asked .*ok +failed\n +1 +collected +one by one +2/,
    );
    expect(Math.max(...stderr.split("\n").map(({ length }) => length))).toBeLessThanOrEqual(80);
  });

  it("names the model that each chunk was asked of", async () => {
    const faulty = await emulated({ faults: { refuseRows: { count: 2 } } });
    const cwd = folder({ "in.csv": manyRows(10) });
    const words = [...PAID, "--poll", "20ms", "--fallback-model", "openai/gpt-5", "-q"];
    expect(await cli(cwd, words, pointedAt(faulty))).toMatchObject({ code: 0 });
    const { stderr } = await cli(cwd, ["status"]);
    expect(stderr).toMatch(
      /\nopenai\/gpt-5-mini\n +chunk .*\n +1 +collected +batch_\w+ +10 +8 +2\n/,
    );
    expect(stderr).toMatch(/\nopenai\/gpt-5\n +chunk .*\n +1 +collected +batch_\w+ +2 +2 +0\n/);
    const { stdout } = await cli(cwd, ["status", "--json"]);
    const { batches } = JSON.parse(stdout) as { batches: readonly { model: string }[] };
    expect(batches.map(({ model }) => model)).toEqual(["openai/gpt-5-mini", "openai/gpt-5"]);
    await faulty.close();
  });

  it("says in words what a pipe is", async () => {
    const cwd = folder({ "in.csv": ROWS });
    await cli(cwd, [...FREE, "-q", "-o", "-"]);
    const { stderr } = await cli(cwd, ["status"]);
    expect(stderr).toContain("files     in.csv → standard output\n");
  });
});
