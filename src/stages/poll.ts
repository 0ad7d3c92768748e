/** poll: asks how a batch is doing, and records that it has ended. */

import type { BatchStatus } from "../provider/provider.ts";
import { batchOf, providerOf, type Ports, type SubmittedChunk } from "./ports.ts";

/** The batch's status; one that has ended is recorded as `ended` before this settles. */
export async function poll(chunk: SubmittedChunk, ports: Ports): Promise<BatchStatus> {
  const status = await providerOf(chunk, ports).poll(batchOf(chunk, ports), ports.signal);
  if (status.phase === "ended")
    await ports.store.ended(chunk.number, { ...status.ending, seenAtMs: Date.now() });
  return status;
}
