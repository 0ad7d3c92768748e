/**
 * Planning and chunking a Parquet file, beside the least that could be done: `node bench/plan.ts [rows]`.
 *
 * `bare` reads the template's column, calls JSON.stringify on each request's body and writes the lines into
 * one file. `plan` is what `enrichFile(...).plan()` does: it hashes the file, reads, renders, knows
 * identical prompts, asks the cache, encodes, writes chunk files that survive a power cut, and records
 * which request answers which row. The last line gives the ratio.
 */

import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openParquet } from "../src/frame/parquet.ts";
import { enrichFile } from "../src/index.ts";
import { isTaskRun, lineOf, measured, ratioOf, type Tasks } from "./measure.ts";
import { writeRows } from "./rows.ts";

const SYSTEM = "You judge what customers write. Answer with one word.";
const TEMPLATE = "Is this review praise, blame or neither?\n\n{{ review }}";

const tasks: Tasks = {
  input: (folder, rows) => writeRows(join(folder, "rows.parquet"), { rows }),
  bare: async (folder) => {
    const frame = await openParquet(join(folder, "rows.parquet"));
    const out = createWriteStream(join(folder, "bare.jsonl"));
    let row = 0;
    for await (const block of frame.blocks(["review"], 1000)) {
      let text = "";
      for (const review of block.text("review")) {
        const body = {
          model: "gpt-5-mini",
          messages: [
            { role: "system", content: SYSTEM },
            {
              role: "user",
              content: `Is this review praise, blame or neither?\n\n${review ?? ""}`,
            },
          ],
        };
        const line = {
          custom_id: `row-${String(row)}`,
          method: "POST",
          url: "/v1/chat/completions",
          body,
        };
        text += `${JSON.stringify(line)}\n`;
        row += 1;
      }
      if (!out.write(text)) await once(out, "drain");
    }
    out.end();
    await once(out, "finish");
  },
  plan: async (folder, rows) => {
    const runDir = join(folder, "runs");
    await rm(runDir, { recursive: true, force: true });
    await mkdir(runDir);
    const files = { input: join(folder, "rows.parquet"), output: join(folder, "out.parquet") };
    const model = {
      provider: "openai",
      model: "gpt-5-mini",
      baseUrl: "http://127.0.0.1:9",
      apiKey: "none",
    };
    const run = enrichFile(files, TEMPLATE, model, { system: SYSTEM, runDir });
    const plan = await run.plan();
    if (plan.requests !== rows) throw new Error(`${String(plan.requests)} requests planned`);
  },
};

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-plan-"));
  try {
    const series = { file: import.meta.filename, folder, rows };
    measured("input", series);
    const bare = measured("bare", { ...series, repetitions: 3 });
    console.log(lineOf("bare loop", bare));
    const plan = measured("plan", { ...series, repetitions: 3 });
    console.log(lineOf("plan + chunk", plan));
    console.log(`plan + chunk is ${ratioOf(plan, bare)} of the bare loop`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 1_000_000));
