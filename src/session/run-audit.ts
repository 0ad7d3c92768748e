/** The last look of a run at the provider's books. */

import { isGiven } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import type { Warning } from "../run.ts";
import { unownedBatches } from "../stages/audit.ts";
import type { Ports } from "../stages/ports.ts";

/** Looks for batches that carry this run's tag and belong to no chunk: paid for, and nobody waits for them. */
export async function warnOfUnowned(
  { store, provider, token, signal }: Ports,
  { sinceMs, warn }: { readonly sinceMs: number; readonly warn: (warning: Warning) => void },
): Promise<void> {
  const chunks = await store.chunks();
  // Where nothing was sent in a batch from here there is none to have lost.
  const isSent = chunks.some(
    ({ intent, lane }) => lane === "batch" && intent !== null && !isGiven(intent),
  );
  if (!isSent) return;
  const owned = new Set(chunks.flatMap(({ batchId }) => batchId ?? []));
  try {
    for (const batch of await unownedBatches({ provider, owned, token, sinceMs, signal }))
      warn({
        chunk: batch.tag.chunk,
        code: "batch_unowned",
        message: `The provider lists batch ${batch.batchId} under this run's tag, and no chunk owns it. It may be charged; cancel it there if it is open.`,
      });
  } catch (error) {
    // Only a look at the books: every answer is on disk, so a list that cannot be had stops nothing.
    if (!(error instanceof ProviderError)) throw error;
    warn({ chunk: 0, code: error.code, message: error.message });
  }
}
