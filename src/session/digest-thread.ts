/** Making identities of texts in two threads: in one of its own, and here while that one is busy. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { InvariantError } from "../core/errors.ts";
import { digestTexts, type PackedTexts } from "../core/packed.ts";
import type { Digest, Digested } from "../stages/plan.ts";
import type { DigestReply } from "./digest-worker.ts";

/** Digests texts. */
export interface Digester {
  readonly digest: Digest;
  /** Ends the thread. */
  close(): Promise<void>;
}

/** How threads are used. */
export interface DigesterOptions {
  /** Blocks that are digested here before a thread is begun. */
  readonly blocksHere?: number;
  /** The thread's file. */
  readonly file?: URL;
}

// A thread takes as long to begin as these take to digest: small plans are over before it could help.
const BLOCKS_HERE = 20;
// Enough that the thread never waits; the more lie there, the more memory they take.
const MOST_UNDER_WAY = 3;

/**
 * A digester. Where no thread can be had (one processor, a runtime or a bundle without the file) everything
 * is digested here, which gives the same.
 */
export function openDigester({
  blocksHere = BLOCKS_HERE,
  file = workerFile(),
}: DigesterOptions = {}): Digester {
  let blocks = 0;
  let thread: Thread | null = null;
  return {
    digest: (texts) => {
      if (blocks++ === blocksHere && availableParallelism() > 1) thread = startThread(file);
      return thread?.isFree() === true ? thread.digest(texts) : digestHere(texts);
    },
    close: async () => {
      await thread?.close();
    },
  };
}

const digestHere: Digest = (texts) =>
  Promise.resolve({ ids: digestTexts(texts), bytes: texts.bytes });

// The worker is a file of its own kind: .ts beside sources, .js beside compiled files.
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./digest-worker.${extension}`, import.meta.url);
}

interface Thread {
  /** Whether it can be asked now. */
  isFree(): boolean;
  digest(texts: PackedTexts): Promise<Digested>;
  close(): Promise<void>;
}

function startThread(file: URL): Thread | null {
  let worker: Worker;
  try {
    worker = new Worker(file, { name: "batchframe plan" });
  } catch {
    return null;
  }
  const waiting: PromiseWithResolvers<Digested>[] = [];
  let isReady = false;
  const end = (reason: string): void => {
    isReady = false;
    for (const { reject } of waiting.splice(0)) reject(threadEnded(reason));
  };
  worker.on("message", (reply: DigestReply) => {
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
    digest: (texts) => {
      const asked = Promise.withResolvers<Digested>();
      waiting.push(asked);
      worker.ref();
      worker.postMessage(texts, [texts.bytes.buffer]);
      return asked.promise;
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
