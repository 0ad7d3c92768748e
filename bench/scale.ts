/**
 * Whether a row costs the same however many there are: `node bench/scale.ts [largest]`.
 *
 * Plans files of 10,000 rows and ten times as many up to the largest (1,000,000 when left out), every row a
 * request of its own, and writes new columns beside theirs into Parquet. Time per row and peak memory of each,
 * with what a start costs, measured over 1,000 rows, and without.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enrichFile, openFile, writeFileFrame } from "../src/index.ts";
import { isTaskRun, lineOf, measured, type Measured, type Tasks } from "./measure.ts";
import { writeRows } from "./rows.ts";

const BLOCK_ROWS = 1000;

/** Three new columns, as a run of labels adds them. */
async function* cellsOf(rows: number) {
  for (let firstRow = 0; firstRow < rows; firstRow += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, rows - firstRow);
    const own = Array.from({ length: count }, (_, at) => firstRow + at);
    const answers = own.map((row) => `answer ${String(row % 5000)}`);
    const columns = [answers, own.map(() => "ok"), own.map(() => null)];
    yield await Promise.resolve({ firstRow, columns });
  }
}

const tasks: Tasks = {
  input: (folder, rows) => writeRows(join(folder, "rows.parquet"), { rows }),
  plan: async (folder, rows) => {
    const runDir = join(folder, "runs");
    await mkdir(runDir);
    const files = { input: join(folder, "rows.parquet"), output: join(folder, "out.parquet") };
    const model = { provider: "openai", model: "m", baseUrl: "http://127.0.0.1:9", apiKey: "none" };
    const { requests } = await enrichFile(files, "{{ review }}", model, { runDir }).plan();
    if (requests !== rows) throw new Error(`${String(requests)} requests were planned`);
  },
  write: async (folder, rows) => {
    const input = await openFile(join(folder, "rows.parquet"));
    const columns = ["answer", "answer_status", "answer_error"].map(
      (name) => ({ name, type: "text" }) as const,
    );
    const output = join(folder, "out.parquet");
    await writeFileFrame({ input, output, columns, cells: cellsOf(rows) });
  },
};

const STEPS = ["plan", "write"] as const;
const START_ROWS = 1000;

/** Runs a task over a file of so many rows, made for it. */
async function over(rows: number, step: (typeof STEPS)[number]): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), "bench-scale-"));
  try {
    const series = { file: import.meta.filename, folder, rows };
    measured("input", series);
    return measured(step, series);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function main(largest: number): Promise<void> {
  for (const step of STEPS) {
    const start = await over(START_ROWS, step);
    console.log(lineOf(`${step} ${String(START_ROWS)} rows`, start));
    const perRow: { whole: number; beyond: number }[] = [];
    for (let rows = 10_000; rows <= largest; rows *= 10) {
      const took = await over(rows, step);
      console.log(lineOf(`${step} ${String(rows)} rows`, took));
      const whole = (took.cpuSeconds * 1e6) / rows;
      const beyond = ((took.cpuSeconds - start.cpuSeconds) * 1e6) / (rows - START_ROWS);
      console.log(
        `  ${whole.toFixed(2)} µs of processors a row, ${beyond.toFixed(2)} µs without the start`,
      );
      if (rows >= 100_000) perRow.push({ whole, beyond });
    }
    if (perRow.length < 2) continue;
    const spread = (of: readonly number[]): string =>
      (Math.max(...of) / Math.min(...of)).toFixed(2);
    console.log(
      `  from 100,000 rows up within x ${spread(perRow.map(({ whole }) => whole))} of each other, x ${spread(perRow.map(({ beyond }) => beyond))} without the start`,
    );
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 1_000_000));
