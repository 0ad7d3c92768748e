/** poll: asks how a batch is doing, and records what it showed. */

import type { Ending } from "../core/chunk.ts";
import { lookedAgain, type Look } from "../core/look.ts";
import { batchOf, providerOf, type Ports, type SubmittedChunk } from "./ports.ts";

// Others watch by the second; a batch that is asked more often need not be written down each time.
const WRITE_EVERY_MS = 1000;

/**
 * What a look at the batch showed, after the look before; or how the batch has ended, which is
 * recorded before this settles. A new phase is recorded at once, a higher count within a second.
 */
export async function poll(
  chunk: SubmittedChunk,
  before: Look | null,
  ports: Ports,
): Promise<Look | { readonly ending: Ending }> {
  const status = await providerOf(chunk, ports).poll(batchOf(chunk, ports), ports.signal);
  if (status.phase === "ended") {
    const ending = { ...status.ending, seenAtMs: await ports.store.clockMs() };
    await ports.store.ended(chunk.number, ending);
    return { ending };
  }
  const look = lookedAgain(before ?? chunk.look, status, await ports.store.clockMs());
  const written = chunk.look;
  if (written?.phase !== look.phase || look.atMs - written.atMs >= WRITE_EVERY_MS)
    await ports.store.looked(chunk.number, look);
  return look;
}
