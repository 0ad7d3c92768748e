/** What the crash tests share: an emulator, a file of rows, children that enrich it, and the judgement. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Receipt } from "../../src/core/receipt.ts";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import { spawned, type Ended, type Spawned } from "../setup/spawned.ts";
import type { ChildJob, CrashPoint } from "./child.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const COMMAND = [process.execPath, "--disable-warning=ExperimentalWarning", CHILD] as const;

/** Rows to enrich, and what the output must be, worked out without the code under test. */
export interface Rows {
  readonly csv: string;
  readonly expected: string;
  readonly count: number;
  /** Rows with the same text share a request. */
  readonly requests: number;
}

/** How many rows, and how long each text is at least. */
export interface RowsShape {
  readonly count: number;
  readonly paddedTo?: number;
}

/**
 * Rows of which every tenth is blank and every seventh repeats an earlier text. Answers follow from
 * the text alone, so the expected output is known beforehand.
 */
export function rowsOf({ count, paddedTo = 0 }: RowsShape): Rows {
  const lines = ["id,text"];
  const expected = ["id,text,answer,answer_status,answer_error"];
  const subjects = new Set<number>();
  for (let row = 0; row < count; row += 1) {
    if (row % 10 === 9) {
      lines.push(`${String(row)},`);
      expected.push(`${String(row)},,,skipped,`);
      continue;
    }
    const subject = row % 7 === 6 ? row - 6 : row;
    subjects.add(subject);
    const text = `subject ${String(subject)}, as it was`.padEnd(paddedTo, " so it went");
    lines.push(`${String(row)},"${text}"`);
    expected.push(`${String(row)},"${text}",${answerTo(text)},ok,`);
  }
  return {
    csv: `${lines.join("\n")}\n`,
    expected: `${expected.join("\n")}\n`,
    count,
    requests: subjects.size,
  };
}

/** The one right answer to a text. */
export function answerTo(text: string): string {
  return `answer-${/subject (\d+)/.exec(text)?.[1] ?? "none"}`;
}

/** One run to be put through something, by children against one emulator. */
export interface Stand {
  readonly emulator: Emulator;
  readonly rows: Rows;
  readonly job: ChildJob;
  readonly folder: string;
  /** The run's own directory. */
  readonly directory: string;
  /** Starts the command in a child, to be struck at these points. */
  start(points?: readonly CrashPoint[], changes?: Partial<ChildJob>): Spawned;
  /** Starts the command under a limit on the size of the files it writes, in blocks of the shell. */
  startWithin(blocks: number): Spawned;
  /** Starts the command again and again until it ends by itself; gives how it ended. */
  finish(changes?: Partial<ChildJob>): Promise<Ended>;
  output(): string;
  /** Kills what still runs and removes every file. */
  close(): Promise<void>;
}

/** What a stand is made of, with defaults for the rest. */
export interface StandShape {
  readonly rows?: RowsShape;
  readonly emulator?: EmulatorOptions;
  readonly job?: Partial<ChildJob>;
}

const MOST_STARTS = 10;

/** A fresh stand: nothing has run yet. It must be closed. */
export async function newStand(shape: StandShape = {}): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), "crash-"));
  const rows = rowsOf(shape.rows ?? { count: 40 });
  const emulator = await startEmulator({
    seed: 1,
    answer: table(answerTo),
    ...shape.emulator,
  });
  const { model = "openai" } = shape.job ?? {};
  const job: ChildJob = {
    input: join(folder, "input.csv"),
    output: join(folder, "output.csv"),
    runDir: join(folder, "runs"),
    name: "run",
    model,
    baseUrl: emulator.urls[model === "embedded" ? "openai" : model],
    settleMs: 300,
    pollEveryMs: 20,
    chunkRows: 10,
    resends: 3,
    stallMs: null,
    lane: "batch",
    deadlineMs: null,
    concurrency: null,
    keepRemote: false,
    second: null,
    sample: null,
    retry: false,
    cancel: false,
    userId: null,
    ...shape.job,
  };
  mkdirSync(job.runDir);
  writeFileSync(job.input, rows.csv);
  const children: Spawned[] = [];
  const start: Stand["start"] = (points = [], changes = {}) => {
    const child = startChild({ ...job, ...changes }, points);
    children.push(child);
    return child;
  };
  return {
    emulator,
    rows,
    job,
    folder,
    directory: join(job.runDir, job.name),
    start,
    startWithin: (blocks) => {
      const script = `ulimit -f ${String(blocks)}; exec "$0" "$@"`;
      const child = spawned("sh", ["-c", script, ...COMMAND], { env: childEnv(job, []) });
      children.push(child);
      return child;
    },
    finish: async (changes) => {
      for (let starts = 1; starts < MOST_STARTS; starts += 1) {
        const ended = await start([], changes).ended;
        if (ended.signal === null) return ended;
      }
      throw new Error("the command never ended by itself");
    },
    output: () => readFileSync(job.output, "utf8"),
    close: async () => {
      // One that a failing test left frozen would stay so for ever.
      for (const { child } of children) child.kill("SIGKILL");
      await Promise.all(children.map((child) => child.ended));
      await emulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function startChild(job: ChildJob, points: readonly CrashPoint[]): Spawned {
  const [file, ...args] = COMMAND;
  return spawned(file, args, { env: childEnv(job, points) });
}

function childEnv(job: ChildJob, points: readonly CrashPoint[]): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Compiled once for all the children of a test run.
    NODE_COMPILE_CACHE: join(tmpdir(), "compiled"),
    CRASH_JOB: JSON.stringify(job),
    CRASH_POINTS: JSON.stringify(points),
  };
}

/**
 * Wakes a child that stopped itself, and gives its end.
 *
 * Asks again and again: a single SIGCONT can arrive before the stop it is meant to end.
 */
export async function woken({ child, ended }: Spawned): Promise<Ended> {
  const waking = setInterval(() => child.kill("SIGCONT"), 20);
  const end = await ended;
  clearInterval(waking);
  return end;
}

/** The receipt a child printed; fails with what it said when it printed none. */
export function receiptOf(ended: Ended): Receipt {
  const line = ended.stdout.split("\n").findLast((text) => text.startsWith("{"));
  if (ended.code !== 0 || line === undefined)
    throw new Error(`the child ended with ${String(ended.code ?? ended.signal)}: ${ended.stderr}`);
  return JSON.parse(line) as Receipt;
}

/** What a finished run lost, got wrong or paid twice; every number must be 0. */
export interface Damage {
  readonly linesLost: number;
  readonly linesWrong: number;
  readonly requestsBilledTwice: number;
  readonly batchesNobodyOwns: number;
  readonly requestsBilledTooFew: number;
}

/** A run without damage. */
export const UNHARMED: Damage = {
  linesLost: 0,
  linesWrong: 0,
  requestsBilledTwice: 0,
  batchesNobodyOwns: 0,
  requestsBilledTooFew: 0,
};

/** Judges a finished run by its output, its receipt and what the emulator executed. */
export function damageOf(stand: Stand, receipt: Receipt): Damage {
  const { emulator, rows } = stand;
  const wanted = rows.expected.split("\n");
  const found = stand.output().split("\n");
  const stats = emulator.stats();
  return {
    linesLost: Math.max(0, wanted.length - found.length),
    linesWrong: found.filter((line, at) => line !== wanted[at]).length,
    requestsBilledTwice: stats.bodiesBilledAgain + stats.customIdsBilledAgain,
    batchesNobodyOwns: stats.batchesCreated - new Set(receipt.batches).size,
    requestsBilledTooFew: Math.max(0, rows.requests - stats.rowsExecuted),
  };
}
