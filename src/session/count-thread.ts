/** Counting the tokens of texts for one model, in a thread of its own where the table to count by is large. */

import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { CountedModel } from "./count-worker.ts";
import { countsBy, tokenCounter, type CountedBy } from "./tokenizer.ts";

/** Counts the tokens of texts. */
export interface TokenCounts extends CountedBy {
  /** The tokens of each text. */
  count(texts: readonly string[]): Promise<readonly number[]>;
  /** Ends the thread. */
  close(): Promise<void>;
}

/**
 * The counts of a model's tokens. The thread is begun at once, so that its table is there when it is asked for;
 * where none can be had (one processor, a runtime or a bundle without the file) texts are counted here.
 */
export function openCounts(model: CountedModel, file: URL = workerFile()): TokenCounts {
  const by = countsBy(model.provider, model.model);
  const thread = by.isExact && availableParallelism() > 1 ? startThread(model, file) : null;
  const here = async (texts: readonly string[]): Promise<readonly number[]> => {
    const { count } = await tokenCounter(model.provider, model.model);
    return texts.map(count);
  };
  return {
    ...by,
    count: async (texts) => (await thread?.count(texts)) ?? (await here(texts)),
    close: async () => {
      await thread?.close();
    },
  };
}

// The worker is a file of its own kind: .ts beside sources, .js beside compiled files.
function workerFile(): URL {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  return new URL(`./count-worker.${extension}`, import.meta.url);
}

interface Thread {
  /** Null where the thread has ended. */
  count(texts: readonly string[]): Promise<readonly number[] | null>;
  close(): Promise<void>;
}

function startThread(workerData: CountedModel, file: URL): Thread | null {
  let worker: Worker;
  try {
    worker = new Worker(file, { name: "batchframe count", workerData });
  } catch {
    return null;
  }
  const waiting: ((counts: readonly number[] | null) => void)[] = [];
  let isThere = true;
  const end = (): void => {
    isThere = false;
    for (const tell of waiting.splice(0)) tell(null);
  };
  worker.on("message", (counts: readonly number[]) => {
    waiting.shift()?.(counts);
    // It keeps the process alive only while it is waited for.
    if (waiting.length === 0) worker.unref();
  });
  worker.on("error", end);
  worker.on("exit", end);
  worker.unref();
  return {
    count: async (texts) => {
      if (!isThere) return null;
      return await new Promise((resolve) => {
        waiting.push(resolve);
        worker.ref();
        worker.postMessage(texts);
      });
    },
    close: async () => {
      await worker.terminate();
    },
  };
}
