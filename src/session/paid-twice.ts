/** Rows that were asked in a batch that was cancelled, and asked again: they may have been charged twice. */

import type { Chunk } from "../core/chunk.ts";
import type { PaidTwice } from "../core/receipt.ts";
import type { Store } from "../store/store.ts";

// Enough to look at; how many there are is told besides.
const MOST_ROWS = 1000;

/**
 * The rows whose request was in a batch that was cancelled before it answered it, and was sent again
 * later; null when there are none. Whether the provider had worked on it, and charges for it, it does
 * not say. Reads the store only.
 */
export async function perhapsPaidTwice(
  store: Pick<Store, "chunks" | "ordinals" | "replyIndexes" | "plannedRows">,
): Promise<PaidTwice | null> {
  const chunks = await store.chunks();
  const cancelled = chunks.filter(wasCancelled);
  if (cancelled.length === 0) return null;
  const answered = new Map<number, ReadonlySet<number>>();
  for await (const { chunk, index } of store.replyIndexes())
    if (cancelled.some(({ number }) => number === chunk))
      answered.set(chunk, new Set(index.ordinals));
  const doubtful = new Set<number>();
  for (const { number } of cancelled)
    for (const ordinal of await store.ordinals(number))
      if (answered.get(number)?.has(ordinal) !== true) doubtful.add(ordinal);
  const again = new Set<number>();
  const first = Math.min(...cancelled.map(({ number }) => number));
  for (const { number, intent } of chunks)
    if (number > first && intent !== null)
      for (const ordinal of await store.ordinals(number))
        if (doubtful.has(ordinal) && answered.get(number)?.has(ordinal) !== false)
          again.add(ordinal);
  if (again.size === 0) return null;
  let count = 0;
  const rows: number[] = [];
  for await (const { firstRow, requests } of store.plannedRows())
    for (const [at, request] of requests.entries())
      if (again.has(request)) {
        count += 1;
        if (rows.length < MOST_ROWS) rows.push(firstRow + at);
      }
  const batches = cancelled.flatMap(({ batchId }) => batchId ?? []);
  return { requests: again.size, count, rows, batches };
}

function wasCancelled({ lane, ending, collection }: Chunk): boolean {
  return lane === "batch" && ending?.outcome === "cancelled" && (collection?.resent ?? 0) > 0;
}
