/** Remembering: the answers a run buys go to the cache, so that no run has to buy them again. */

import type { Remember } from "../stages/ports.ts";
import type { CacheWriter } from "../store/cache-writer.ts";
import type { KeptUnder, ReplyBatch } from "../store/reply-cache.ts";
import type { Store } from "../store/store.ts";

/** What remembering needs to know. */
export interface RememberingInput {
  readonly store: Pick<Store, "idsOf">;
  readonly cache: CacheWriter;
  readonly under: KeptUnder;
}

const BYTES_AT_ONCE = 16 * 1024 * 1024;

/** Keeps accepted replies under their requests' identities, some thousands in a transaction. */
export function remembering({ store, cache, under }: RememberingInput): Remember {
  let pile = replyPile();
  let last = Promise.resolve();
  const keep = async (): Promise<void> => {
    const taken = pile;
    pile = replyPile();
    if (taken.ordinals.length === 0) return;
    // In the order of the plan: a later run over the same rows finds them one after another.
    const order = [...taken.ordinals.keys()].sort(
      (a, b) => (taken.ordinals[a] ?? 0) - (taken.ordinals[b] ?? 0),
    );
    const ids = await store.idsOf(order.map((place) => taken.ordinals[place] ?? 0));
    await cache.put({ ids, ...taken.inOrder(order) }, under);
  };
  // Chunks are collected side by side: what another's flush has taken must be kept as well before this one's ends.
  const flush = async (): Promise<void> => {
    last = last.catch(() => undefined).then(keep);
    await last;
  };
  return {
    add: (ordinal, line) => pile.add(ordinal, line) >= BYTES_AT_ONCE,
    flush,
    close: async () => {
      try {
        await flush();
      } finally {
        await cache.close();
      }
    },
  };
}

/** Lines one after another in one buffer: as many strings would be moved about by the garbage collector. */
interface ReplyPile {
  readonly ordinals: readonly number[];
  /** Gives the bytes of all lines so far. */
  add(ordinal: number, line: string): number;
  /** The lines at these places, in this order. */
  inOrder(places: readonly number[]): Omit<ReplyBatch, "ids">;
}

function replyPile(): ReplyPile {
  const ordinals: number[] = [];
  const ends: number[] = [];
  let bytes = Buffer.alloc(0);
  let used = 0;
  return {
    ordinals,
    add: (ordinal, line) => {
      const most = used + 3 * line.length;
      if (most > bytes.length) {
        const larger = Buffer.allocUnsafe(2 * most);
        bytes.copy(larger, 0, 0, used);
        bytes = larger;
      }
      used += bytes.write(line, used);
      ordinals.push(ordinal);
      ends.push(used);
      return used;
    },
    inOrder: (places) => {
      const lines = Buffer.allocUnsafe(used);
      let at = 0;
      const sorted = Uint32Array.from(places, (place) => {
        const start = place === 0 ? 0 : (ends[place - 1] ?? 0);
        at += bytes.copy(lines, at, start, ends[place]);
        return at;
      });
      return { lines: lines.subarray(0, at), ends: sorted };
    },
  };
}
