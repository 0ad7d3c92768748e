/** A thread beside a plan, for what needs nothing but the texts of prompts: their identities, their JSON, their tokens. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InvariantError } from "../core/errors.ts";
import type { Digested, PackedTexts } from "../core/packed.ts";
import type { CountedModel, PlanQuestion, PlanReply } from "./plan-worker.ts";

/** The thread of one plan. It is of no use before it is begun, and where none can be had. */
export interface PlanThread {
  /** Whether it was made to count tokens. */
  readonly counts: boolean;
  /** Begins it, where that has not been tried: not with one processor, nor in a runtime or a bundle without its file. */
  begin(): void;
  /** Whether it can be asked to digest texts now without being kept waiting. */
  isFree(): boolean;
  /** What texts come to; their bytes are taken away. */
  digest(texts: PackedTexts): Promise<Digested>;
  /** The tokens of each text. */
  count(texts: readonly string[]): Promise<readonly number[]>;
  /** Ends it. */
  close(): Promise<void>;
}

/** A thread that counts the tokens of a model, or none where that is null, once it is begun. */
export function planThread(counted: CountedModel | null, file: URL = workerFile()): PlanThread {
  let running: Running | null = null;
  let isTried = false;
  const ask = async (
    question: PlanQuestion,
    moved: readonly ArrayBuffer[],
  ): Promise<Exclude<PlanReply, "ready">> => {
    if (running === null) throw threadEnded("it was never begun");
    return await running.ask(question, moved);
  };
  return {
    counts: counted !== null,
    begin: () => {
      if (isTried) return;
      isTried = true;
      if (availableParallelism() > 1) running = started(file, counted);
    },
    isFree: () => running?.isFree() === true,
    digest: async (texts) => (await ask(texts, [texts.bytes.buffer])) as Digested,
    count: async (texts) => (await ask(texts, [])) as readonly number[],
    close: async () => {
      await running?.close();
    },
  };
}

// The worker is a file of its own kind: .ts beside sources, .js beside compiled files.
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./plan-worker.${extension}`, import.meta.url);
}

// What it makes is gone at once: with more room than this the garbage only lies there longer.
const SPARING = { maxYoungGenerationSizeMb: 4 };
// Enough that the thread never waits; the more lie there, the more memory they take.
const MOST_UNDER_WAY = 3;

interface Running extends Pick<PlanThread, "isFree" | "close"> {
  ask(question: PlanQuestion, moved: readonly ArrayBuffer[]): Promise<Exclude<PlanReply, "ready">>;
}

function started(file: URL, workerData: CountedModel | null): Running | null {
  let worker: Worker;
  try {
    worker = new Worker(file, { name: "batchframe plan", workerData, resourceLimits: SPARING });
  } catch {
    return null;
  }
  const waiting: PromiseWithResolvers<Exclude<PlanReply, "ready">>[] = [];
  let isReady = false;
  let ended: string | null = null;
  const end = (reason: string): void => {
    isReady = false;
    ended ??= reason;
    for (const { reject } of waiting.splice(0)) reject(threadEnded(ended));
  };
  worker.on("message", (reply: PlanReply) => {
    if (reply === "ready") isReady = true;
    else waiting.shift()?.resolve(reply);
    // It keeps the process alive only while it is waited for.
    if (waiting.length === 0) worker.unref();
  });
  worker.on("error", (error) => {
    end(String(error));
  });
  worker.on("exit", (code) => {
    end(`it ended with code ${String(code)}`);
  });
  worker.unref();
  return {
    isFree: () => isReady && waiting.length < MOST_UNDER_WAY,
    ask: async (question, moved) => {
      if (ended !== null) throw threadEnded(ended);
      const asked = Promise.withResolvers<Exclude<PlanReply, "ready">>();
      waiting.push(asked);
      worker.ref();
      worker.postMessage(question, moved);
      return await asked.promise;
    },
    close: async () => {
      await worker.terminate();
    },
  };
}

function threadEnded(reason: string): InvariantError {
  return new InvariantError(
    "plan_thread_ended",
    `The thread that prepares requests broke off: ${reason}. Nothing of this plan was sent by it; what was recorded is kept.`,
    { hint: "Give the same command again: planning goes on after the last recorded chunk." },
  );
}
