/** The local batch engine: runs a chunk in this process and presents it as a batch. */

import { open, readFile, rm, stat, truncate } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { BatchOutcome } from "../core/chunk.ts";
import { linesOf } from "../core/lines.ts";
import type { Batch, BatchProvider, BatchStatus, RequestFile } from "./provider.ts";

/** What a model that runs here must be able to do. */
export interface LocalAnswerer {
  /** How many request lines it answers best at once. */
  readonly linesAtOnce: number;
  /** One reply line, without newline, for each request line, in the same order. A row that cannot be answered gets a reply that says so. */
  answer(lines: readonly string[]): Promise<readonly string[]>;
  /** Releases the model. */
  close(): Promise<void>;
}

/** The part of a {@link BatchProvider} that a local engine plays; ids, forms and lines are the model's own. */
export type LocalBatches = Pick<
  BatchProvider,
  | "stage"
  | "create"
  | "find"
  | "revoke"
  | "poll"
  | "replies"
  | "cancel"
  | "discard"
  | "tagged"
  | "close"
  | "free"
  | "settleMs"
  | "pollEveryMs"
>;

interface Job {
  done: number;
  outcome: BatchOutcome | null;
  failure: Error | null;
  stopped: boolean;
}

/**
 * Batches that run in this process, one at a time.
 *
 * Replies go to a journal beside the request file as they are made. After a crash the first look at
 * the batch starts it again where the journal ends, so no answered row is asked twice. Nothing leaves
 * the machine and nothing is paid, so a batch whose creation was cut off is simply made again.
 */
export function localBatches(answerer: LocalAnswerer): LocalBatches {
  const jobs = new Map<string, Job>();
  const running: Promise<void>[] = [];

  const start = (batch: Batch): Job => {
    const job: Job = { done: 0, outcome: null, failure: null, stopped: false };
    jobs.set(batch.batchId, job);
    running.push(
      runJob(batch.file, job, answerer).catch((error: unknown) => {
        job.failure = error instanceof Error ? error : new Error(String(error));
      }),
    );
    return job;
  };

  return {
    free: true,
    settleMs: 0,
    pollEveryMs: 200,
    stage: () => Promise.resolve({}),
    create: (submission) => Promise.resolve(`local-${submission.tag.intent}`),
    find: () => Promise.resolve({ found: "nothing" }),
    revoke: () => Promise.resolve(),
    poll: async (batch) => {
      const job = jobs.get(batch.batchId) ?? start(batch);
      // What has failed is started again at the next look, from where its journal ends.
      if (job.failure !== null) jobs.delete(batch.batchId);
      return await Promise.resolve(statusOf(job));
    },
    replies: (batch) => createReadStream(journalPath(batch.file)),
    cancel: (batch) => {
      (jobs.get(batch.batchId) ?? start(batch)).stopped = true;
      return Promise.resolve();
    },
    discard: (batch) => rm(journalPath(batch.file), { force: true }),
    // Batches of this process are in no list: nobody else can have made one.
    tagged: () => Readable.from([]),
    close: async () => {
      for (const job of jobs.values()) job.stopped = true;
      await Promise.all(running);
      await answerer.close();
    },
  };
}

function statusOf(job: Job): BatchStatus {
  if (job.failure !== null) throw job.failure;
  if (job.outcome === null) return { phase: "running", done: job.done };
  return { phase: "ended", ending: { outcome: job.outcome, results: {}, reason: null } };
}

function journalPath(file: RequestFile): string {
  return `${file.path}.journal`;
}

async function runJob(file: RequestFile, job: Job, answerer: LocalAnswerer): Promise<void> {
  const path = journalPath(file);
  const answered = await wholeLines(path);
  const journal = await open(path, "a");
  try {
    let place = 0;
    let group: string[] = [];
    const answerGroup = async (): Promise<void> => {
      const replies = await answerer.answer(group);
      await journal.appendFile(replies.map((reply) => `${reply}\n`).join(""));
      job.done += group.length;
      group = [];
    };
    job.done = answered;
    for await (const line of linesOf(createReadStream(file.path))) {
      if (job.stopped) break;
      place += 1;
      if (place <= answered) continue;
      group.push(line.text);
      if (group.length >= answerer.linesAtOnce) await answerGroup();
    }
    if (!job.stopped && group.length > 0) await answerGroup();
    await journal.sync();
  } finally {
    await journal.close();
  }
  job.outcome = job.stopped ? "cancelled" : "completed";
}

/** The number of whole lines in the journal; half a line at its end, left by a crash, is cut off. */
async function wholeLines(path: string): Promise<number> {
  const exists = await stat(path).then(
    () => true,
    () => false,
  );
  if (!exists) return 0;
  const bytes = await readFile(path);
  const end = bytes.lastIndexOf(10) + 1;
  if (end < bytes.length) await truncate(path, end);
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
}
