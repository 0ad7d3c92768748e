/** audit: batches at the provider that carry our tag and that no chunk owns. */

import { BY_HAND } from "../core/tracker.ts";
import type { BatchProvider, ListedBatch, Tag } from "../provider/provider.ts";

/** What an audit compares the provider's list with. */
export interface AuditInput {
  readonly provider: Pick<BatchProvider, "list">;
  /** The ids of every batch that some chunk owns. */
  readonly owned: ReadonlySet<string>;
  /** Only batches of this run's token; null for every batchframe batch of the account. */
  readonly token: string | null;
  /** Batches made before this are left out, in epoch milliseconds. */
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

/** A batch that carries a batchframe tag and belongs to no chunk here. */
export type UnownedBatch = ListedBatch & { readonly tag: Tag };

// Providers' clocks and ours differ by less than this.
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The batches nobody owns, the newest first: money that may be spent with nothing to show for it.
 *
 * Reads the provider's list only; cancels nothing.
 */
export async function unownedBatches(input: AuditInput): Promise<readonly UnownedBatch[]> {
  const unowned: UnownedBatch[] = [];
  for await (const batch of input.provider.list(input.signal)) {
    if (batch.createdAtMs < input.sinceMs - CLOCK_SKEW_MS) break;
    const { tag } = batch;
    if (tag === null || (input.token !== null && tag.run !== input.token)) continue;
    // Whoever submits by hand keeps the id: that no chunk owns it says nothing.
    if (tag.run === BY_HAND) continue;
    if (!input.owned.has(batch.batchId)) unowned.push({ ...batch, tag });
  }
  return unowned;
}
