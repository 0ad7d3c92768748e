/** The thread that writes to a cache: packs what it is given, and puts it into the index. */

import { parentPort, workerData } from "node:worker_threads";
import { openReplyCache, type KeptUnder, type ReplyBatch, type ReplyCache } from "./reply-cache.ts";

/** Replies to be kept; null to bring the index up to date and end. */
export type CacheOrder = { readonly replies: ReplyBatch; readonly under: KeptUnder } | null;

/** Whether an order was carried out; orders are answered one after the other. */
export type CacheReport = boolean;

// Put into the index in smaller numbers, ids, which are random, would rewrite most of its pages each time.
const INDEXED_AT_ONCE = 100_000;

function serve(port: NonNullable<typeof parentPort>): void {
  // One that does not open ends the thread, and what it was given is done where it was ordered.
  const opened = openReplyCache((workerData as { readonly path: string }).path);
  let waiting = 0;
  // Listened to at once: Deno hands on no message that came before.
  port.on("message", (order: CacheOrder) => {
    void opened.then((cache) => {
      const isDone = carriedOut(cache, order);
      if (order === null) cache[Symbol.dispose]();
      port.postMessage(isDone satisfies CacheReport);
      // Once it is answered: nobody waits for it.
      if (order !== null && waiting >= INDEXED_AT_ONCE && carriedOut(cache, null)) waiting = 0;
    });
  });

  function carriedOut(cache: ReplyCache, order: CacheOrder): boolean {
    try {
      if (order === null) cache.index();
      else cache.put(order.replies, order.under);
      waiting += order?.replies.ends.length ?? 0;
      return true;
    } catch {
      // Who ordered it does it again, and meets the same error where it can be told.
      return false;
    }
  }
}

if (parentPort !== null) serve(parentPort);
