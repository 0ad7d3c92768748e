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

// Ids are random: a page of the index is written once for all of a transaction that it takes up.
const UNITS_AT_ONCE = 16 * 1024 * 1024;

/** Keeps accepted replies under their requests' identities, a few thousand in a transaction. */
export function remembering({ store, cache, provider, model }: RememberingInput): Remember {
  let pending: { readonly ordinal: number; readonly line: string }[] = [];
  let units = 0;
  const flush = async (): Promise<void> => {
    // In the order of the plan: a later run over the same rows finds them one after another.
    const taken = pending.toSorted((a, b) => a.ordinal - b.ordinal);
    pending = [];
    units = 0;
    const replies: CachedReply[] = [];
    for (const { ordinal, line } of taken)
      replies.push({ id: await store.requestId(ordinal), line });
    cache.put(replies, { provider, model });
  };
  return {
    add: (ordinal, line) => {
      pending.push({ ordinal, line });
      units += line.length;
      return units >= UNITS_AT_ONCE;
    },
    flush,
    close: flush,
  };
}
