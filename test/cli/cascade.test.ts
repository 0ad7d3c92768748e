import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt, runsIn } from "./support.ts";

let emulator: Emulator;
let sent: { model: string; row: number; said: string }[] = [];

const right = (row: number): string => (row % 2 === 0 ? "even" : "odd");

beforeEach(async () => {
  sent = [];
  emulator = await emulated({
    answer: ({ body }) => {
      const { model } = body as unknown as { model: string };
      const said = JSON.stringify(body);
      const row = Number(/row (\d+)/.exec(said)?.[1]);
      sent.push({ model, row, said });
      const isRight = model === "large" || row % 5 !== 0;
      const answer = { label: right(isRight ? row : row + 1) };
      const sure = model === "large" ? {} : { confidence: isRight ? 90 : 40 };
      return { content: JSON.stringify({ ...answer, ...sure }) };
    },
  });
});
afterEach(async () => {
  await emulator.close();
});

const ROWS = 400;
const LINES = Array.from({ length: ROWS }, (_, row) => `row ${String(row)}`);
const CSV = [
  "text,truth",
  ...LINES.map((text, row) => `${text},${row % 2 === 0 ? "" : right(row)}`),
];
const ASK = [
  ...["classify", "in.csv", "--text", "text", "--labels", "even,odd", "-c", "x"],
  ...["-m", "openai/small", "--cascade", "openai/large"],
];
const GO = ["--target", "0.95", "--yes", "--poll", "20ms", "-o", "out.csv"];

const to = (name: string): number => sent.filter(({ model }) => model === name).length;

function answers(cwd: string): readonly (string | undefined)[] {
  const [, ...lines] = readFileSync(join(cwd, "out.csv"), "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(",")[2]);
}

it(
  "asks the strong model of a sample and of unsure rows, tells what it rests on, and is gone on with by name",
  { timeout: 90_000 },
  async () => {
    const cwd = folder({ "in.csv": `${CSV.join("\n")}\n` });
    const env = pointedAt(emulator);
    const ran = await cli(cwd, [...ASK, ...GO, "--label-budget", "100"], env);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toMatch(/cascade +100 rows compared, \d+ differ: cheap answers stay above/);
    expect(ran.stderr).toMatch(/agreement \S+ % expected, at least \S+ % with 95\.0 % confidence/);
    expect(answers(cwd)).toEqual(LINES.map((_, row) => right(row)));
    expect(to("small")).toBe(ROWS);
    const strong = sent.filter(({ model }) => model === "large").map(({ row }) => row);
    expect(new Set(strong).size).toBe(strong.length);
    expect(strong.length).toBeLessThanOrEqual(ROWS / 5 + 100);
    const bought = sent.length;
    const resumed = await cli(cwd, ["resume", "latest", "--json"], env);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      cascade: { target: 0.95, rows: ROWS, sampled: 100 },
      passes: [{ role: "cheap" }, { role: "sample", rows: 100 }, { role: "strong" }],
    });
    expect(sent.length).toBe(bought);
    const [run = ""] = runsIn(cwd);
    expect((await cli(cwd, ["rm", run])).code).toBe(0);
    expect(runsIn(cwd)).toEqual([]);
  },
);

it(
  "sets the threshold by a column of gold labels, which is not sent, and buys no sample",
  { timeout: 90_000 },
  async () => {
    const cwd = folder({ "in.csv": `${CSV.join("\n")}\n` });
    const env = pointedAt(emulator);
    const ran = await cli(cwd, [...ASK, ...GO, "--cascade-gold", "truth"], env);
    expect(ran.code, ran.stderr).toBe(0);
    expect(ran.stderr).toContain(
      "200 rows compared with truth, 40 differ: cheap answers stay above",
    );
    expect(ran.stderr).toContain("if those with a gold label are a uniform sample of them");
    expect(answers(cwd)).toEqual(LINES.map((_, row) => right(row)));
    expect(to("large")).toBe(ROWS / 5);
    expect(sent.filter(({ said }) => said.includes("truth"))).toEqual([]);
    const bought = sent.length;
    const resumed = await cli(cwd, ["resume", "latest", "--json"], env);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(JSON.parse(resumed.stdout)).toMatchObject({
      cascade: { gold: "truth", sampled: 200 },
      passes: [{ role: "cheap" }, { role: "strong", rows: ROWS / 5 }],
    });
    expect(sent.length).toBe(bought);
  },
);

it.each<[string, readonly string[], string]>([
  ["no target", ASK, "needs its strong model and its target"],
  [
    "gold labels and no cascade",
    [...ASK.slice(0, -2), "--cascade-gold", "truth", "--yes"],
    "needs its strong model and its target",
  ],
  ["a gold column that is not there", [...ASK, ...GO, "--cascade-gold", "trooth"], "truth"],
])(
  "refuses a cascade with %s, before anything is sent",
  { timeout: 60_000 },
  async (_, words, says) => {
    const cwd = folder({ "in.csv": `${CSV.join("\n")}\n` });
    const ran = await cli(cwd, words, pointedAt(emulator));
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain("Nothing was sent");
    expect(ran.stderr).toContain(says);
    expect(emulator.requests()).toEqual([]);
  },
);

it("says so where the sample is every row", { timeout: 90_000 }, async () => {
  const cwd = folder({ "in.csv": `${CSV.slice(0, 61).join("\n")}\n` });
  const env = pointedAt(emulator);
  const ran = await cli(cwd, [...ASK, ...GO, "--target", "0.6", "--label-budget", "60"], env);
  expect(ran.code, ran.stderr).toBe(0);
  expect(to("large")).toBe(60);
  expect(ran.stderr).toMatch(/60 rows compared, 12 differ: every row was in the sample\n/);
  expect(ran.stderr).toContain("0 answers of openai/small · 60 of openai/large");
  expect(ran.stderr.replace(/\s+/g, " ")).toContain(
    "Every row was in the sample, so all answers are those of openai/large;",
  );
  expect(ran.stderr).not.toContain("do not tell");
});
