/** Remembering: the answers a run buys go to the cache, so that no run has to buy them again. */

import { replyFileName } from "../core/chunk.ts";
import type { Remember } from "../stages/ports.ts";
import type { CacheWriter } from "../store/cache-writer.ts";
import type { KeptUnder } from "../store/reply-cache.ts";
import type { Store } from "../store/store.ts";

/** What remembering needs to know. */
export interface RememberingInput {
  readonly store: Pick<Store, "idsOf" | "files">;
  readonly cache: CacheWriter;
  readonly under: KeptUnder;
}

/** Keeps accepted replies under their requests' identities. */
export function remembering({ store, cache, under }: RememberingInput): Remember {
  return {
    keep: async (chunk, { ordinals, offsets, lengths }) => {
      if (ordinals.length === 0) return;
      // In the order of the plan: a later run over the same rows finds them one after another.
      const ids = await store.idsOf(ordinals);
      const path = store.files.path(replyFileName(chunk));
      await cache.keep({ path, ids, offsets, lengths }, under);
    },
    close: () => cache.close(),
  };
}
