/**
 * Whether a row costs the same however many there are: `node bench/scale.ts [largest]`.
 *
 * Plans files of 10,000 rows and ten times as many up to the largest (1,000,000 when left out), every row a
 * request of its own, and writes their columns into Parquet. Time per row and peak memory of each.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { enrichFile } from "../src/index.ts";
import { isTaskRun, lineOf, measured, type Tasks } from "./measure.ts";
import { writeRows } from "./rows.ts";

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
};

async function main(largest: number): Promise<void> {
  for (let rows = 10_000; rows <= largest; rows *= 10) {
    const folder = await mkdtemp(join(tmpdir(), "bench-scale-"));
    try {
      const series = { file: import.meta.filename, folder, rows };
      measured("input", series);
      const plan = measured("plan", series);
      const perRow = (seconds: number): string => ((seconds * 1e6) / rows).toFixed(2);
      console.log(lineOf(`plan ${String(rows)} rows`, plan));
      console.log(
        `  ${perRow(plan.seconds)} µs a row, ${perRow(plan.cpuSeconds)} µs of processors`,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 1_000_000));
