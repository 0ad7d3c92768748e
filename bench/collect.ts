/**
 * Collecting and joining replies that come in any order, beside the least that could be done:
 * `node bench/collect.ts [rows] [zod]`.
 *
 * `bare` calls JSON.parse on every reply line and puts the answers into columns by row. `collect + join` is
 * what a run does once its batches have ended: it finds that they have, stores the replies, matches and
 * reads them, keeps them for later runs, and writes the Parquet file with the new columns in row order. The
 * service is a folder of reply files. The last line gives the ratio. With `zod` a schema's own code checks every answer.
 */

import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { requestFileName } from "../src/core/chunk.ts";
import { linesOf } from "../src/core/lines.ts";
import * as z from "zod";
import { enrichFile } from "../src/index.ts";
import { openModel } from "../src/provider/models.ts";
import type { BatchProvider } from "../src/provider/provider.ts";
import { LABELS, writeReplies } from "./replies.ts";
import { isTaskRun, lineOf, measured, ratioOf, type Tasks } from "./measure.ts";
import { writeRows } from "./rows.ts";

/** OpenAI's lines and replies, with a folder for the service; batches end once the replies are there. */
async function folderService(folder: string): Promise<BatchProvider> {
  const address = { baseUrl: "http://127.0.0.1:9", apiKey: "none" };
  const { provider } = await openModel({ provider: "openai", model: "m", ...address });
  const { live: _none, ...service } = provider;
  const repliesOf = (batchId: string): string => join(folder, "replies", `${batchId}.jsonl`);
  return {
    ...service,
    stage: () => Promise.resolve({}),
    create: ({ tag }) => Promise.resolve(String(tag.chunk)),
    poll: ({ batchId }) =>
      Promise.resolve(
        existsSync(repliesOf(batchId))
          ? { phase: "ended", ending: { outcome: "completed", results: {}, reason: null } }
          : { phase: "running", done: null },
      ),
    replies: ({ batchId }) => createReadStream(repliesOf(batchId), { highWaterMark: 1 << 18 }),
    discard: () => Promise.resolve(),
    list: async function* () {
      yield* await Promise.resolve([]);
    },
  };
}

// The processes that are measured have it from the one that compares.
if (process.argv[3] === "zod") process.env["BENCH_SCHEMA"] = "zod";
const output =
  process.env["BENCH_SCHEMA"] === "zod" ? z.object({ label: z.enum(LABELS) }) : { labels: LABELS };

function runIn(folder: string, provider: BatchProvider) {
  const files = { input: join(folder, "rows.parquet"), output: join(folder, "out.parquet") };
  const runDir = join(folder, "runs");
  return enrichFile(
    files,
    "{{ review }}",
    { provider, model: "m" },
    {
      runDir,
      column: "answer",
      name: "run",
      lane: "batch",
      pollEveryMs: 10,
      output,
    },
  );
}

const tasks: Tasks = {
  input: async (folder, rows) => {
    await writeRows(join(folder, "rows.parquet"), { rows });
    await mkdir(join(folder, "runs"));
    await mkdir(join(folder, "replies"));
    const service = await folderService(folder);
    const { chunks } = await runIn(folder, service).plan();
    const numbers = Array.from({ length: chunks }, (_, at) => at + 1);
    const polled = new Set<string>();
    const sending = runIn(folder, {
      ...service,
      poll: (batch, signal) => {
        if (polled.add(batch.batchId).size === chunks) void sending.detach();
        return service.poll(batch, signal);
      },
    });
    await sending.result().catch((error: unknown) => {
      if (polled.size < chunks) throw error;
    });
    for (const chunk of numbers) {
      const requests = join(folder, "runs", "run", "chunks", requestFileName(chunk));
      await writeReplies(requests, join(folder, "replies", `${String(chunk)}.jsonl`));
    }
    await writeFile(join(folder, "chunks.json"), JSON.stringify(numbers));
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
    await runIn(folder, await folderService(folder)).result();
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
