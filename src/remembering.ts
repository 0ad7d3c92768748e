/** Remembering: the answers a run buys go to the cache, so that no run has to buy them again. */

import { REQUEST_ID_LENGTH, REQUEST_IDS_FILE } from "./core/chunk.ts";
import type { Remember } from "./stages/ports.ts";
import type { CachedReply, ReplyCache } from "./store/reply-cache.ts";
import type { ChunkFileReader, Store } from "./store/store.ts";

/** What remembering needs to know. */
export interface RememberingInput {
  readonly store: Pick<Store, "files">;
  readonly cache: Pick<ReplyCache, "put">;
  readonly provider: string;
  readonly model: string;
}

const REPLIES_AT_ONCE = 256;

/**
 * Keeps accepted replies under their requests' identities, a few hundred in a transaction.
 *
 * A run that was planned without a cache has no identities on record and remembers nothing.
 */
export function remembering({ store, cache, provider, model }: RememberingInput): Remember {
  let ids: Promise<ChunkFileReader | null> | null = null;
  const openIds = async (): Promise<ChunkFileReader | null> =>
    (await store.files.exists(REQUEST_IDS_FILE)) ? await store.files.open(REQUEST_IDS_FILE) : null;
  let pending: CachedReply[] = [];
  const flush = (): void => {
    const replies = pending;
    pending = [];
    cache.put(replies, { provider, model });
  };
  return {
    add: async (ordinal, line) => {
      const reader = await (ids ??= openIds());
      if (reader === null) return;
      const id = reader.text(ordinal * (REQUEST_ID_LENGTH + 1), REQUEST_ID_LENGTH);
      pending.push({ id, line });
      if (pending.length >= REPLIES_AT_ONCE) flush();
    },
    flush: () => {
      flush();
    },
    close: async () => {
      flush();
      await (await ids)?.close();
      ids = null;
    },
  };
}
