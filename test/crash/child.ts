/**
 * A process that enriches one CSV file, and is killed, frozen or put to sleep at a named step when told to.
 *
 * `CRASH_JOB` says what to do and `CRASH_POINTS` where to be struck; prints the receipt as JSON, or the
 * error's code on standard error. Steps are named `store.intend:before`, `provider.create:after`,
 * `replies.write:after`, `provider.replies:mid` (after a piece) and the like.
 */

import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { BatchframeError } from "../../src/core/errors.ts";
import { parseTemplate } from "../../src/core/template.ts";
import { EnrichRun } from "../../src/enrich-run.ts";
import { openColumn } from "../../src/open-column.ts";
import { chosenFrame } from "../../src/row-choice.ts";
import { cascadePlan, cheapSettings, strongSettings } from "../../src/passes/cascade.ts";
import { fallbackPlan } from "../../src/passes/fallback.ts";
import { openCsv } from "../../src/frame/csv.ts";
import { writeCsv } from "../../src/frame/csv-write.ts";
import { answerForm } from "../../src/output/form.ts";
import type { WriteResume } from "../../src/frame/write-marks.ts";
import type { Passes } from "../../src/passes/passes.ts";
import { openModel } from "../../src/provider/models.ts";
import type { Settings } from "../../src/session/settings.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import type { RowSample } from "../../src/core/sample.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";

/** What the process is to do. */
export interface ChildJob {
  readonly input: string;
  readonly output: string;
  readonly runDir: string;
  /** The run's directory name, so that a test finds it. */
  readonly name: string;
  readonly model: "openai" | "anthropic" | "google" | "embedded";
  readonly baseUrl: string;
  readonly settleMs: number;
  readonly pollEveryMs: number;
  readonly chunkRows: number;
  readonly resends: number;
  readonly stallMs: number | null;
  readonly lane: "batch" | "realtime";
  readonly deadlineMs: number | null;
  /** The most requests under way at once in realtime; null for what is usual. */
  readonly concurrency: number | null;
  readonly keepRemote: boolean;
  /** Asks a second model, `gpt-large`, as well: about rows that failed, or as the strong one of a cascade. */
  readonly second: "fallback" | "cascade" | null;
  /** Asks only rows that are drawn; null asks all. */
  readonly sample: RowSample | null;
  /** Asks failed rows again first. */
  readonly retry: boolean;
  /** Stops the remote work once the plan is made. */
  readonly cancel: boolean;
  /** Gives up root for this user once everything is loaded; null stays what it is. */
  readonly userId: number | null;
}

/** Where the process is struck, and how. */
export interface CrashPoint {
  readonly at: string;
  /** At which passage, counted from 1. */
  readonly nth: number;
  /** `kill` is SIGKILL, `stop` SIGSTOP, `sleep` a wall clock that is two days later from then on. */
  readonly action: "kill" | "stop" | "sleep";
}

const job = JSON.parse(process.env["CRASH_JOB"] ?? "null") as ChildJob;
const points = JSON.parse(process.env["CRASH_POINTS"] ?? "[]") as readonly CrashPoint[];
const TWO_DAYS_MS = 2 * 24 * 60 * 60 * 1000;
const passages = new Map<string, number>();

function passes(step: string): void {
  const passage = (passages.get(step) ?? 0) + 1;
  passages.set(step, passage);
  for (const { at, nth, action } of points)
    if (step === at && passage === nth) strike(step, action);
}

function strike(step: string, action: CrashPoint["action"]): void {
  writeSync(1, `struck at ${step}\n`);
  if (action === "sleep") {
    const now = Date.now.bind(Date);
    Date.now = () => now() + TWO_DAYS_MS;
    return;
  }
  process.kill(process.pid, action === "kill" ? "SIGKILL" : "SIGSTOP");
  // The signal of a kill may take a moment; nothing more may happen in it.
  while (action === "kill");
}

/** The same object, with every asynchronous call passing `name.method` before, in the middle and after. */
function watched<T extends object>(target: T, name: string): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if ((key === "files" || key === "live") && typeof value === "object" && value !== null)
        return watched(value, key);
      if (typeof value !== "function" || typeof key === "symbol") return value;
      const step = `${name}.${key}`;
      return (...given: unknown[]): unknown => {
        passes(`${step}:before`);
        const result: unknown = Reflect.apply(value, object, given);
        if (isIterable(result)) return watchedPieces(result, step);
        if (!(result instanceof Promise)) return result;
        return result.then((settled: unknown) => {
          passes(`${step}:after`);
          return step === "files.create" ? watchedWriter(settled, given[0]) : settled;
        });
      };
    },
  });
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

async function* watchedPieces<T>(pieces: AsyncIterable<T>, step: string): AsyncGenerator<T> {
  for await (const piece of pieces) {
    yield piece;
    passes(`${step}:mid`);
  }
  passes(`${step}:after`);
}

function watchedWriter(writer: unknown, name: unknown): unknown {
  const file = String(name);
  const kind = file.endsWith(".answers")
    ? "answers"
    : file.includes(".replies.")
      ? "replies"
      : "requests";
  return typeof writer === "object" && writer !== null ? watched(writer, kind) : writer;
}

// The request file is on its way once this many bytes have been given to a socket in one piece or more.
const MID_UPLOAD_BYTES = 100_000;

/** Passes `upload:mid` while a large request file leaves this process. */
function watchUploads(): void {
  const write: unknown = Reflect.get(Socket.prototype, "write");
  if (typeof write !== "function") throw new Error("sockets cannot be watched");
  let sentBytes = 0;
  Object.assign(Socket.prototype, {
    write(this: Socket, ...given: unknown[]): unknown {
      const [piece] = given;
      const result: unknown = Reflect.apply(write, this, given);
      if (piece instanceof Uint8Array) sentBytes += piece.byteLength;
      if (sentBytes >= MID_UPLOAD_BYTES) passes("upload:mid");
      return result;
    },
  });
}

async function settingsOf(): Promise<Settings> {
  const file = await openCsv(job.input);
  const choice = { where: null, limit: null, sample: job.sample };
  const ref =
    job.model === "embedded"
      ? ("embedded/use-lite" as const)
      : {
          provider: job.model,
          model: "gpt-test",
          baseUrl: job.baseUrl,
          apiKey: "test-key",
          settleMs: job.settleMs,
          ...(job.concurrency === null ? {} : { concurrency: job.concurrency }),
        };
  const model = await openModel(ref);
  return {
    frame: chosenFrame(file, choice),
    ...(job.sample === null ? {} : { choice }),
    template: parseTemplate("Judge this: {{text}}"),
    system: undefined,
    onNull: "skip",
    limit: null,
    validate: null,
    flatten: 1,
    long: null,
    meta: [],
    price: null,
    form: answerForm(
      job.model === "embedded"
        ? { labels: ["positive", "negative"] }
        : job.second === "cascade"
          ? { labels: ["answer-0"], allowOther: true }
          : undefined,
      model.model,
    ),
    call: {},
    promptCache: null,
    examples: [],
    column: "answer",
    replaces: false,
    model: { ...model, provider: watched(model.provider, "provider") },
    endpoint: null,
    runDir: job.runDir,
    cache: { file: join(job.runDir, "cache.sqlite"), reads: true },
    refreshed: null,
    mayAskNothing: false,
    name: job.name,
    memo: {},
    openStore: async (directory, fresh) => {
      passes("store.open:before");
      const store = await openSqliteStore(directory, fresh);
      passes("store.open:after");
      return watched(store, "store");
    },
  };
}

async function withSecond(settings: Settings): Promise<Passes | null> {
  if (job.second === null) return null;
  const opened = await settingsOf();
  const other = { ...opened, model: { ...opened.model, model: "gpt-large" } };
  if (job.second === "fallback") return { settings, plan: fallbackPlan(settings, other) };
  const numbers = { target: 0.9, delta: 0.3, labelBudget: 20 };
  return {
    settings: cheapSettings(settings),
    plan: cascadePlan(strongSettings(other), numbers, null),
  };
}

/** Marks made wherever they can be; says from which row the cells were asked for again. */
function markedAlways(resume: WriteResume): WriteResume {
  const { source: own } = resume;
  const source: WriteResume["source"] = {
    placeAt: async (row) => {
      // The mark before this one is on the disk.
      passes("output.mark:before");
      return await own.placeAt(row);
    },
    cellsFrom: (place) => {
      writeSync(2, `goes on at ${String(place.firstRow)}\n`);
      return watchedPieces(own.cellsFrom(place), "output.write");
    },
  };
  return { ...resume, source, everyMs: 0 };
}

function runOf(): EnrichRun<Receipt, unknown> {
  return new EnrichRun<Receipt, unknown>({
    open: openColumn(settingsOf, withSecond),
    finish: async (session) => {
      const input = await openCsv(job.input);
      const receipt = await session.complete(async (columns, cells, resume) => {
        const watchedCells = watchedPieces(cells, "output.write");
        const marked = resume === undefined ? {} : { resume: markedAlways(resume) };
        const written = await writeCsv({
          ...{ input, output: job.output, columns, cells: watchedCells, ...marked },
        });
        passes("output:after");
        return { output: job.output, neutralisedCells: written.neutralisedCells };
      });
      return { result: receipt, receipt };
    },
    preview: () => Promise.reject(new Error("Nobody asks this run for a preview.")),
    conduct: {
      requestsPerChunk: job.chunkRows,
      lane: job.lane,
      deadlineMs: job.deadlineMs,
      pollEveryMs: job.pollEveryMs,
      maxResends: job.resends,
      maxFailures: null,
      stallMs: job.stallMs,
      keepRemote: job.keepRemote,
      purse: null,
    },
    signal: undefined,
    ...(job.retry ? { retry: "all" as const } : {}),
  });
}

watchUploads();
try {
  const run = runOf();
  run.on("warning", ({ code }) => writeSync(2, `warning ${code}\n`));
  if (job.userId !== null) {
    // What is loaded when first needed may lie where only root can read.
    await import("../../src/provider/openai.ts");
    await import("../../src/provider/open-host.ts");
    process.setgid?.(job.userId);
    process.setuid?.(job.userId);
  }
  const receipt = job.cancel ? await run.cancel() : await run.report();
  writeSync(1, `${JSON.stringify(receipt)}\n`);
} catch (error) {
  if (!(error instanceof BatchframeError)) throw error;
  writeSync(2, `${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
