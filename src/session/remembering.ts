/** Remembering: the answers a run buys go to the cache, so that no run has to buy them again. */

import type { Remember } from "../stages/ports.ts";
import type { CachedReply, ReplyCache } from "../store/reply-cache.ts";
import type { Store } from "../store/store.ts";

/** What remembering needs to know. */
export interface RememberingInput {
  readonly store: Pick<Store, "requestId">;
  readonly cache: Pick<ReplyCache, "put">;
  readonly provider: string;
  readonly model: string;
}

// Enough that a page of the index takes up several at once, few enough that nothing waits for long.
const REPLIES_AT_ONCE = 4096;

/** Keeps accepted replies under their requests' identities, a few thousand in a transaction. */
export function remembering({ store, cache, provider, model }: RememberingInput): Remember {
  let pending: CachedReply[] = [];
  const flush = (): void => {
    const replies = pending;
    pending = [];
    cache.put(replies, { provider, model });
  };
  return {
    add: async (ordinal, line) => {
      pending.push({ id: await store.requestId(ordinal), line });
      if (pending.length >= REPLIES_AT_ONCE) flush();
    },
    flush: () => {
      flush();
    },
    close: () => {
      flush();
      return Promise.resolve();
    },
  };
}
