/** The thread that writes to a cache: packs what it is given, and puts it into the index. */

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
  let waiting = 0;
  let idle: NodeJS.Timeout | undefined;
  // Listened to at once: Deno hands on no message that came before.
  port.on("message", (order: CacheOrder) => {
    clearTimeout(idle);
    void opened.then((cache) => {
      clearTimeout(idle);
      const isDone = carriedOut(cache, order);
      if (order === null) cache[Symbol.dispose]();
      port.postMessage(isDone satisfies CacheReport);
      if (order === null) return;
      // Once it is answered: nobody waits for it.
      if (waiting >= INDEXED_AT_ONCE) index(cache);
      else idle = setTimeout(index, IDLE_MS, cache);
    });
  });

  function index(cache: ReplyCache): void {
    if (carriedOut(cache, null)) waiting = 0;
  }

  function carriedOut(cache: ReplyCache, order: CacheOrder): boolean {
    try {
      if (order === null) cache.index();
      else for (const batch of replyBatches(order.replies)) cache.put(batch, order.under);
      waiting += order?.replies.lengths.length ?? 0;
      return true;
    } catch {
      // Who ordered it does it again, and meets the same error where it can be told.
      return false;
    }
  }
}

if (parentPort !== null) serve(parentPort);
