/** The thread that writes to a cache: packs what it is given, and puts it into the index. */

import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";
import { parentPort, workerData } from "node:worker_threads";
import { openReplyCache, type KeptUnder, type ReplyCache } from "./reply-cache.ts";
import { replyBatches, type RepliesInFile } from "./reply-file.ts";

/** Replies to be kept; null to bring the index up to date and end. */
export type CacheOrder = { readonly replies: RepliesInFile; readonly under: KeptUnder } | null;

/** Whether an order was carried out; orders are answered one after the other. */
export type CacheReport = boolean;

// Put into the index in smaller numbers, ids, which are random, would rewrite most of its pages each time.
const INDEXED_AT_ONCE = 100_000;
// Once nothing has been ordered for so long, the run's replies are in: the index is made while rows are joined.
const IDLE_MS = 100;

function serve(port: NonNullable<typeof parentPort>): void {
  // One that does not open ends the thread, and what it was given is done where it was ordered.
  const opened = openReplyCache((workerData as { readonly path: string }).path);
  let idle: NodeJS.Timeout | undefined;
  let next: NodeJS.Immediate | undefined;
  // Listened to at once: Deno hands on no message that came before.
  port.on("message", (order: CacheOrder) => {
    void opened.then((cache) => {
      clearTimeout(idle);
      const isDone = attempt(() => {
        if (order === null) cache.index();
        else for (const batch of replyBatches(order.replies)) cache.put(batch, order.under);
        return true;
      });
      if (order === null) {
        clearImmediate(next);
        cache[Symbol.dispose]();
      } else {
        index(cache, INDEXED_AT_ONCE);
        idle = setTimeout(index, IDLE_MS, cache, 1);
      }
      port.postMessage(isDone satisfies CacheReport);
    });
  });

  /** Puts into the index what waits, a little at a time: what is ordered meanwhile comes first. */
  function index(cache: ReplyCache, least: number): void {
    clearImmediate(next);
    next = setImmediate(() => {
      if (attempt(() => cache.indexSome(least))) index(cache, least);
    });
  }
}

/** What is done, or false: who ordered it does it again, and meets the same error where it can be told. */
function attempt(work: () => boolean): boolean {
  try {
    return work();
  } catch {
    return false;
  }
}

if (parentPort !== null) serve(parentPort);
