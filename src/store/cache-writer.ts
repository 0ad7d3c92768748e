/** Writing to a cache without holding up the loop: what is more than a little is packed and written in a thread. */

import { Worker } from "node:worker_threads";
import type { CacheOrder, CacheReport } from "./cache-thread.ts";
import type { KeptUnder, SessionCache } from "./reply-cache.ts";
import { replyBatches, type RepliesInFile } from "./reply-file.ts";

/** Keeps replies in a cache. */
export interface CacheWriter {
  /** Settles once the replies are kept, whose file must stay till then. @throws {StoreError} as {@link SessionCache.put} */
  keep(replies: RepliesInFile, under: KeptUnder): Promise<void>;
  /** Brings the index up to date and ends the thread. */
  close(): Promise<void>;
}

// So much is packed by the loop itself in less time than a thread takes to begin.
const BYTES_WITHOUT_THREAD = 8 * 1024 * 1024;

/**
 * Starts writing to a cache; `path` is its file, null where it is kept in none and takes no thread. Where a
 * thread cannot begin, or cannot do what it is told, the loop does it.
 */
export function cacheWriter(
  cache: Pick<SessionCache, "put" | "index">,
  path: string | null,
): CacheWriter {
  let bytes = 0;
  let thread: CacheThread | null = null;
  return {
    keep: async (replies, under) => {
      bytes += replies.lengths.reduce((sum, length) => sum + length, 0);
      if (path !== null && bytes > BYTES_WITHOUT_THREAD) thread ??= startThread(path);
      if (thread !== null && (await thread.ask({ replies, under }))) return;
      for (const batch of replyBatches(replies)) await cache.put(batch, under);
    },
    close: async () => {
      if (thread === null || !(await thread.ask(null))) cache.index();
      await thread?.end();
    },
  };
}

interface CacheThread {
  /** Whether the order was carried out. */
  ask(order: CacheOrder): Promise<boolean>;
  /** Ends the thread, which has been asked to bring the index up to date. */
  end(): Promise<unknown>;
}

function startThread(path: string): CacheThread | null {
  // The thread is a file of its own kind: .ts beside sources, .js beside compiled files.
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const file = new URL(`./cache-thread.${extension}`, import.meta.url);
  let worker: Worker;
  try {
    worker = new Worker(file, { name: "batchframe cache", workerData: { path } });
  } catch {
    return null;
  }
  const waiting: ((isDone: boolean) => void)[] = [];
  let hasEnded = false;
  // Only what is under way keeps the process alive.
  worker.unref();
  worker.on("message", (isDone: CacheReport) => {
    waiting.shift()?.(isDone);
    if (waiting.length === 0) worker.unref();
  });
  // The thread's end follows, and what it leaves undone is done here.
  worker.on("error", () => undefined);
  worker.on("exit", () => {
    hasEnded = true;
    for (const settle of waiting.splice(0)) settle(false);
  });
  return {
    end: () => worker.terminate(),
    ask: async (order) => {
      if (hasEnded) return false;
      return await new Promise<boolean>((settle) => {
        waiting.push(settle);
        worker.ref();
        worker.postMessage(order);
      });
    },
  };
}
