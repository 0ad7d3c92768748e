/**
 * Collecting and joining replies that come in any order, beside the least that could be done:
 * `node bench/collect.ts [rows]`.
 *
 * `bare` calls JSON.parse on every reply line and puts the answers into columns by row. `collect + join` is
 * what a run does once its batches have ended: it stores the replies, matches and reads them, keeps them
 * for later runs, reads them again in row order and writes the Parquet file with the new columns. The last
 * line gives the ratio.
 */

import { createReadStream } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { linesOf } from "../src/core/lines.ts";
import { enrichFile } from "../src/index.ts";
import { LABELS, writeReplies } from "./replies.ts";
import { isTaskRun, lineOf, measured, ratioOf, type Tasks } from "./measure.ts";
import { writeRows } from "./rows.ts";

function runIn(folder: string) {
  const files = { input: join(folder, "rows.parquet"), output: join(folder, "out.parquet") };
  const model = { provider: "openai", model: "m", baseUrl: "http://127.0.0.1:9", apiKey: "none" };
  const runDir = join(folder, "runs");
  return enrichFile(files, "{{ review }}", model, {
    runDir,
    column: "answer",
    name: "run",
    lane: "batch",
    output: { labels: LABELS },
  });
}

const tasks: Tasks = {
  input: async (folder, rows) => {
    await writeRows(join(folder, "rows.parquet"), { rows });
    await mkdir(join(folder, "runs"));
    await mkdir(join(folder, "replies"));
    const chunks = await runIn(folder).requestFiles();
    for (const { chunk, path } of chunks)
      await writeReplies(path, join(folder, "replies", `${String(chunk)}.jsonl`));
    await writeFile(join(folder, "chunks.json"), JSON.stringify(chunks.map(({ chunk }) => chunk)));
  },
  bare: async (folder, rows) => {
    const answers = new Array<string | null>(rows).fill(null);
    const tokens = new Float64Array(rows);
    for (const chunk of await chunksIn(folder))
      for await (const { text } of linesOf(
        createReadStream(join(folder, "replies", `${String(chunk)}.jsonl`), {
          highWaterMark: 1 << 18,
        }),
      )) {
        const reply = JSON.parse(text) as Reply;
        const row = Number(reply.custom_id.slice(reply.custom_id.lastIndexOf("-") + 1));
        const said = JSON.parse(reply.response.body.choices[0]?.message.content ?? "") as {
          label: string;
        };
        answers[row] = said.label;
        tokens[row] = reply.response.body.usage.total_tokens;
      }
    if (answers.includes(null)) throw new Error("an answer is missing");
  },
  collect: async (folder) => {
    const run = runIn(folder);
    for (const chunk of await chunksIn(folder))
      await run.collect({
        results: join(folder, "replies", `${String(chunk)}.jsonl`),
        chunk,
        sends: false,
      });
    await run.result();
  },
};

interface Reply {
  readonly custom_id: string;
  readonly response: {
    readonly body: {
      readonly choices: readonly { readonly message: { readonly content: string } }[];
      readonly usage: { readonly total_tokens: number };
    };
  };
}

async function chunksIn(folder: string): Promise<readonly number[]> {
  return JSON.parse(await readFile(join(folder, "chunks.json"), "utf8")) as readonly number[];
}

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), `${basename(import.meta.filename, ".ts")}-`));
  try {
    const series = { file: import.meta.filename, folder, rows };
    measured("input", series);
    const bare = measured("bare", { ...series, repetitions: 3 });
    console.log(lineOf("bare parse", bare));
    // Once: a finished run has nothing left to collect.
    const collect = measured("collect", series);
    console.log(lineOf("collect + join", collect));
    console.log(`collect + join is ${ratioOf(collect, bare)} of the bare parse`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

if (!(await isTaskRun(tasks))) await main(Number(process.argv[2] ?? 1_000_000));
