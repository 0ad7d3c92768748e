/** audit: batches at the provider that carry our tag and that no chunk owns. */

import type { BatchProvider, TaggedBatch } from "../provider/provider.ts";

/** What an audit compares the provider's list with. */
export interface AuditInput {
  readonly provider: Pick<BatchProvider, "tagged">;
  /** The ids of every batch that some chunk owns. */
  readonly owned: ReadonlySet<string>;
  /** Only batches of this run's token; null for every batchframe batch of the account. */
  readonly token: string | null;
  /** Batches made before this are left out, in epoch milliseconds. */
  readonly sinceMs: number;
  readonly signal: AbortSignal;
}

// Providers' clocks and ours differ by less than this.
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The batches nobody owns, the newest first: money that may be spent with nothing to show for it.
 *
 * Reads the provider's list only; cancels nothing.
 */
export async function unownedBatches(input: AuditInput): Promise<readonly TaggedBatch[]> {
  const unowned: TaggedBatch[] = [];
  for await (const batch of input.provider.tagged(input.signal)) {
    if (batch.createdAtMs < input.sinceMs - CLOCK_SKEW_MS) break;
    const isMeant = input.token === null || batch.tag.run === input.token;
    if (isMeant && !input.owned.has(batch.batchId)) unowned.push(batch);
  }
  return unowned;
}
