/** Numbers of a public data set through `extract`: every one comes back to its own row. */

import { existsSync, readFileSync } from "node:fs";
import pl from "nodejs-polars";
import { expect, it, onTestFinished } from "vitest";
import { lastUserText } from "../../src/emulator/answerers.ts";
import { startEmulator, type Answerer } from "../../src/emulator/emulator.ts";
import { extract } from "../../src/verbs/extract.ts";
import { newFolder } from "../frame/support.ts";

interface Problem {
  readonly question: string;
  /** Ends with `#### ` and the number, as people write it: `-10`, `1,450,000`. */
  readonly answer: string;
}

const SAMPLE = new URL("../data/gsm8k-sample.jsonl", import.meta.url);
const ALL = new URL("../../../shared/data/gsm8k-test.jsonl", import.meta.url);

/** Numbers that the data set has none of. */
const MORE: readonly Problem[] = [
  { question: "What is half of five?", answer: "#### 2.5" },
  { question: "What is a thousandth, taken from nothing?", answer: "#### -0.001" },
  { question: "What\ndoes 1,234.5\nbecome below zero?", answer: "#### -1,234.5" },
  { question: "What is [/text 00000000] worth?", answer: "#### 0" },
];

function problemsOf(file: URL): readonly Problem[] {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return [...lines.map((line) => JSON.parse(line) as Problem), ...MORE];
}

function writtenNumber({ answer }: Problem): string {
  return answer.slice(answer.lastIndexOf("#### ") + "#### ".length);
}

function numberOf(problem: Problem): number {
  return Number(writtenNumber(problem).replaceAll(",", ""));
}

/** Answers each problem with what was recorded for it; a text that is none of them with nothing at all. */
function recorded(problems: readonly Problem[]): Answerer {
  const table = new Map(problems.map((problem) => [problem.question, problem]));
  return (request) => {
    const text = /^\[text (\w+)\]\n(.*)\n\[\/text \1\]$/s.exec(lastUserText(request))?.[2] ?? "";
    const problem = table.get(text);
    if (problem === undefined) return { content: null };
    const said = { answer: numberOf(problem), written: writtenNumber(problem) };
    return { content: JSON.stringify(said) };
  };
}

async function joinsAll(problems: readonly Problem[], chunkRows: number): Promise<void> {
  const faults = {
    ...{ dropRows: 0.02, duplicateRows: 0.02, failRows: 0.02 },
    createAcceptedThenCut: { count: 1 },
  };
  const emulator = await startEmulator({ seed: 8, answer: recorded(problems), faults });
  onTestFinished(() => emulator.close());
  const questions = problems.map(({ question }) => question);
  const run = extract(
    pl.DataFrame({ question: pl.Series("question", questions, pl.String) }),
    {
      text: "question",
      schema: "answer: float, written: str",
      ...{ runDir: await newFolder(), pollEveryMs: 5, chunkRows, lane: "batch" },
    },
    { provider: "openai", model: "m", baseUrl: emulator.url, apiKey: "key", settleMs: 200 },
  );
  const df = await run;
  expect(df.getColumn("question").toArray()).toEqual(questions);
  expect(df.getColumn("extracted_answer").toArray()).toEqual(problems.map(numberOf));
  expect(df.getColumn("extracted_written").toArray()).toEqual(problems.map(writtenNumber));
  expect(new Set(df.getColumn("extracted_status").toArray())).toEqual(new Set(["ok"]));
  const { requests, resent, rows } = await run.report();
  expect(rows).toMatchObject({ total: problems.length, ok: problems.length, failed: 0 });
  const stats = emulator.stats();
  expect(resent).toBeGreaterThan(0);
  expect(stats.customIdsBilledAgain).toBe(0);
  expect(stats.rowsExecuted + stats.rowsFailed).toBe(requests + resent);
}

it("joins the numbers of 100 problems right, in spite of lost, doubled and failed rows", async () => {
  const problems = problemsOf(SAMPLE);
  expect(problems).toHaveLength(100 + MORE.length);
  await joinsAll(problems, 40);
});

const isHere = existsSync(ALL);

it.runIf(isHere)(
  `joins the numbers of all 1,319 problems right${isHere ? "" : " (not run: ../shared/data/gsm8k-test.jsonl is not on this machine)"}`,
  async () => {
    const problems = problemsOf(ALL);
    expect(problems).toHaveLength(1319 + MORE.length);
    await joinsAll(problems, 500);
  },
);
