/**
 * Planning rows that repeat, and rows that were answered before: `node bench/again.ts [rows]`.
 *
 * `read` is reading the template's column and nothing else. `nine in ten repeat` plans a file of which only every
 * tenth prompt is new. `one in a hundred changed` plans a file of which all but 1 % was answered by an earlier run,
 * so that the answers come from the cache.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openParquet } from "../src/frame/parquet.ts";
import { enrichFile } from "../src/index.ts";
import { isTaskRun, lineOf, measured, ratioOf, type Tasks } from "./measure.ts";
import { LABELS, writeReplies } from "./replies.ts";
import { reviewOf, writeRows } from "./rows.ts";

function runOver(folder: string, name: string) {
  const files = { input: join(folder, `${name}.parquet`), output: join(folder, "out.parquet") };
  const model = { provider: "openai", model: "m", baseUrl: "http://127.0.0.1:9", apiKey: "none" };
  const runDir = join(folder, "runs");
  const output = { labels: LABELS };
  return enrichFile(files, "{{ review }}", model, { runDir, name, lane: "batch", output });
}

const tasks: Tasks = {
  input: async (folder, rows) => {
    await mkdir(join(folder, "runs"));
    await writeRows(join(folder, "first.parquet"), { rows });
    const repeated = (row: number): string => reviewOf(Math.floor(row / 10));
    await writeRows(join(folder, "repeated.parquet"), { rows, reviewOf: repeated });
    const changed = (row: number): string => reviewOf(row % 100 === 0 ? -row - 1 : row);
    await writeRows(join(folder, "changed.parquet"), { rows, reviewOf: changed });
    const first = runOver(folder, "first");
    for (const { chunk, path } of await first.requestFiles()) {
      const results = join(folder, "replies.jsonl");
      await writeReplies(path, results);
      await first.collect({ results, chunk, sends: false });
    }
  },
  read: async (folder) => {
    const frame = await openParquet(join(folder, "changed.parquet"));
    for await (const block of frame.blocks(["review"], 1000)) block.text("review");
  },
  repeated: async (folder, rows) => {
    const { requests } = await runOver(folder, "repeated").plan();
    if (requests !== rows / 10) throw new Error(`${String(requests)} requests were planned`);
  },
  changed: async (folder, rows) => {
    const { cached } = await runOver(folder, "changed").plan();
    if (cached !== rows - rows / 100) throw new Error(`${String(cached)} answers were found`);
  },
};

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-again-"));
  try {
    const series = { file: import.meta.filename, folder, rows };
    measured("input", series);
    const read = measured("read", { ...series, repetitions: 3 });
    const repeated = measured("repeated", series);
    const changed = measured("changed", series);
    console.log(`${String(rows)} rows`);
    console.log(lineOf("read", read));
    console.log(lineOf("nine in ten repeat", repeated));
    console.log(lineOf("one in a hundred changed", changed));
    console.log(`nine in ten repeat: ${ratioOf(repeated, read)} of reading`);
    console.log(`one in a hundred changed: ${ratioOf(changed, read)} of reading`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 200_000));
