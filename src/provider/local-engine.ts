/** The local batch engine: runs a chunk in this process and presents it as a batch. */

import { createReadStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Readable } from "node:stream";
import type { BatchOutcome } from "../core/chunk.ts";
import { InputError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { customIdOf, openJournal, type Journal } from "./local-journal.ts";
import type { Batch, BatchProvider, BatchStatus, RequestFile } from "./provider.ts";

/** When to stop. */
export interface Stops {
  /** Aborted when nothing new may be begun: what is being asked is finished, what waits is given up. */
  readonly stopping: AbortSignal;
  /** Aborted when even what is being asked must be given up. */
  readonly cut: AbortSignal;
}

/** What answers request lines in this process: a model that runs here, or a client of single requests. */
export interface LocalAnswerer {
  /** How many groups of lines may be with it at once. */
  readonly groupsAtOnce: number;
  /** How many lines make a group, judged by the first line of a chunk. */
  linesAtOnce(firstLine: string): number;
  /**
   * Reply lines, without newlines, one for each request line and in any order, as they come; those of
   * one piece came together. A row that cannot be answered gets a reply that says so.
   *
   * @throws what keeps every row from being answered. Lines that have no reply by then, or when it
   * ends early because it was told to stop, are asked another time.
   */
  answer(lines: readonly string[], stops: Stops): AsyncIterable<readonly string[]>;
  /** Releases what it holds. */
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
  | "list"
  | "remove"
  | "close"
  | "settleMs"
  | "pollEveryMs"
  | "asksLive"
  | "watched"
>;

interface Job {
  done: number;
  outcome: BatchOutcome | null;
  failure: Error | null;
  cancelled: boolean;
  /** Whether it was left because of what came of its requests. */
  halted: boolean;
  readonly stopping: AbortController;
  readonly cut: AbortController;
}

// Long enough for most answers that are on their way, and were paid for; short enough for who leaves.
const GRACE_MS = 10_000;

/**
 * Batches that run in this process.
 *
 * Replies go to a journal beside the request file, in whatever order they come, and a request counts
 * as under way until its reply is on the disk. After a crash the first look at the batch starts it
 * again with the requests that have no reply in the journal. So what costs money is asked twice at
 * most for the requests that were under way at a kill: never more than `groupsAtOnce` groups for each
 * batch. A batch whose creation was cut off had asked nothing yet, and is simply made again.
 *
 * Cancelling finishes what is under way. Closing waits `graceMs` for it, and then gives it up.
 */
export function localBatches(answerer: LocalAnswerer, graceMs: number = GRACE_MS): LocalBatches {
  const jobs = new Map<string, Job>();
  const running = new Set<Promise<void>>();

  let judge: (line: string) => boolean = () => true;
  const seen = (replies: readonly string[]): void => {
    if (replies.every((line) => judge(line))) return;
    for (const job of jobs.values()) {
      if (job.outcome === null && !job.stopping.signal.aborted) job.halted = true;
      job.stopping.abort();
    }
  };

  const start = (batch: Batch): Job => {
    const job = newJob();
    const run = runJob(fileOf(batch), job, { answerer, seen })
      .catch((error: unknown) => {
        job.failure = error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => running.delete(run));
    jobs.set(batch.batchId, job);
    running.add(run);
    return job;
  };

  return {
    asksLive: true,
    settleMs: 0,
    pollEveryMs: 200,
    stage: () => Promise.resolve({}),
    create: async (submission) => {
      // Replies to a batch that was made of this file before are no answers to this one.
      await rm(journalPath(submission.file), { force: true });
      return `local-${submission.tag.intent}`;
    },
    find: () => Promise.resolve({ found: "nothing" }),
    revoke: () => Promise.resolve(),
    poll: async (batch) => {
      const job = jobs.get(batch.batchId) ?? start(batch);
      // What has failed is started again at the next look, from where its journal ends.
      if (job.failure !== null) jobs.delete(batch.batchId);
      return await Promise.resolve(statusOf(job));
    },
    replies: (batch) => createReadStream(journalPath(fileOf(batch))),
    cancel: (batch) => {
      const job = jobs.get(batch.batchId) ?? start(batch);
      job.cancelled = true;
      job.stopping.abort();
      return Promise.resolve();
    },
    discard: (batch) => rm(journalPath(fileOf(batch)), { force: true }),
    // Batches of this process are in no list: nobody else can have made one.
    list: () => Readable.from([]),
    remove: () => Promise.resolve(),
    watched: (by) => {
      judge = by;
    },
    close: async () => {
      for (const job of jobs.values()) job.stopping.abort();
      const grace = setTimeout(() => {
        for (const job of jobs.values()) job.cut.abort();
      }, graceMs);
      await Promise.all(running);
      clearTimeout(grace);
      await answerer.close();
    },
  };
}

function newJob(): Job {
  const [stopping, cut] = [new AbortController(), new AbortController()];
  return { done: 0, outcome: null, failure: null, cancelled: false, halted: false, stopping, cut };
}

function statusOf(job: Job): BatchStatus {
  if (job.failure !== null) throw job.failure;
  if (job.outcome !== null)
    return {
      phase: "ended",
      ending: { outcome: job.outcome, results: {}, reason: job.halted ? HALTED : null },
    };
  return { phase: job.cancelled ? "cancelling" : "running", done: job.done };
}

const HALTED = {
  code: "left_unasked",
  message: "too many of those before them failed",
  again: "unasked",
} as const;

function fileOf({ file, batchId }: Batch): RequestFile {
  if (file !== null) return file;
  throw new InputError(
    "batch_elsewhere",
    `${batchId} runs on the machine that started it, beside its request file, and is not known here.`,
    { hint: "Go on with its run there: batchframe resume" },
  );
}

function journalPath(file: RequestFile): string {
  return `${file.path}.journal`;
}

/** Answers every request of a chunk that the journal has no reply to, unless it is stopped first. */
async function runJob(file: RequestFile, job: Job, { answerer, seen }: Engine): Promise<void> {
  const journal = await openJournal(journalPath(file));
  try {
    job.done = journal.answered.size;
    const groups = groupsOf(file, journal.answered, answerer);
    const workers = Array.from({ length: answerer.groupsAtOnce }, () =>
      work(groups, { job, journal, answerer, seen }),
    );
    const outcomes = await Promise.allSettled(workers);
    const failed = outcomes.find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
  } finally {
    await journal.close();
  }
  // A job that this process had no time for is neither finished nor cancelled.
  if (job.cancelled || job.halted) job.outcome = "cancelled";
  else if (!job.stopping.signal.aborted) job.outcome = "completed";
}

/** The lines to ask, in groups; read from the file as they are wanted. */
async function* groupsOf(
  file: RequestFile,
  answered: ReadonlySet<string>,
  answerer: LocalAnswerer,
): AsyncGenerator<readonly string[]> {
  let linesAtOnce = 0;
  let group: string[] = [];
  for await (const { text } of linesOf(createReadStream(file.path))) {
    if (linesAtOnce === 0) linesAtOnce = answerer.linesAtOnce(text);
    if (answered.size > 0 && answered.has(customIdOf(text) ?? "")) continue;
    group.push(text);
    if (group.length < linesAtOnce) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

interface Engine {
  readonly answerer: LocalAnswerer;
  /** Told of replies once they are on the disk. */
  readonly seen: (replies: readonly string[]) => void;
}

interface Work extends Engine {
  readonly job: Job;
  readonly journal: Journal;
}

/** Takes one group after another; several do this at once, from one source. */
async function work(
  groups: AsyncGenerator<readonly string[]>,
  { job, journal, answerer, seen }: Work,
): Promise<void> {
  const stops = { stopping: job.stopping.signal, cut: job.cut.signal };
  try {
    // Leaving the loop ends the source for the other workers too, which is meant.
    for await (const group of groups) {
      if (stops.stopping.aborted) return;
      for await (const replies of answerer.answer(group, stops)) {
        await journal.append(replies);
        job.done += replies.length;
        seen(replies);
      }
    }
  } catch (error) {
    // The others finish what they have under way, and begin nothing that would fail the same.
    job.stopping.abort();
    throw error;
  }
}
