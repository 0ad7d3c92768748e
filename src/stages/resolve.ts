/** resolve: a chunk whose creation was cut off is looked up, adopted, or given back. */

import type { Chunk } from "../core/chunk.ts";
import { providerOf, requestFile, submissionOf, type Ports } from "./ports.ts";

/** What looking gave: the batch was found, there is none and the chunk is planned again, or it is too early to tell. */
export type ResolveOutcome = "adopted" | "planned" | "unclear";

// Longer than any provider's create call is waited for.
const LONGEST_CREATE_MS = 10 * 60_000;

/**
 * Finds out whether a `submitting` chunk has a batch.
 *
 * A batch that is found is adopted at once. That there is none is believed only when `settleMs` have
 * passed since the call was over, and after what a late call would read has been deleted and the list
 * looked at once more; only then may the chunk be sent again. The call was over by the first look, or ten
 * minutes after it began: `firstLooks` holds this process's first looks by intent, in the store's time.
 */
export async function resolve(
  chunk: Chunk & { readonly intent: NonNullable<Chunk["intent"]> },
  ports: Ports,
  firstLooks: Map<string, number>,
): Promise<ResolveOutcome> {
  const { store, signal } = ports;
  const provider = providerOf(chunk, ports);
  const nowMs = await store.clockMs();
  const submission = { ...submissionOf(chunk, ports.token, requestFile(ports, chunk)), nowMs };
  if (chunk.intent.staged === null) {
    // The create call comes after this record, so it was never made.
    await provider.revoke(submission, signal);
    await store.withdraw(chunk.number, "Its upload was cut off.");
    return "planned";
  }
  const sighting = await provider.find(submission, signal, await store.claimedBatches());
  if (sighting.found === "batch") {
    await store.submitted(chunk.number, sighting.batchId, "adopted");
    return "adopted";
  }
  if (sighting.found === "unclear") return "unclear";
  // A call may take as long to lose its answer as settling takes, and make its batch at the very end.
  const firstLookMs = firstLooks.get(chunk.intent.id) ?? nowMs;
  firstLooks.set(chunk.intent.id, firstLookMs);
  const overMs = Math.min(firstLookMs, chunk.intent.atMs + LONGEST_CREATE_MS);
  if (nowMs - overMs < provider.settleMs) return "unclear";
  await provider.revoke(submission, signal);
  const again = await provider.find(submission, signal, await store.claimedBatches());
  if (again.found === "batch") {
    await store.submitted(chunk.number, again.batchId, "adopted");
    return "adopted";
  }
  if (again.found === "unclear") return "unclear";
  await store.withdraw(chunk.number, "No batch was found for it.");
  return "planned";
}
