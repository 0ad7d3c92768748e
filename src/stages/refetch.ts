/** refetch: a reply file that was lost from the run directory is fetched again while the provider has it. */

import { replyFileName, type Chunk } from "../core/chunk.ts";
import { ProviderError, StoreError } from "../core/errors.ts";
import { batchOf, providerOf, type Ports, type SubmittedChunk } from "./ports.ts";

/**
 * Makes sure that the reply file of a collected chunk is there, from the provider if need be.
 *
 * Gives true when it had to be fetched. Costs nothing: results are downloaded, not bought.
 *
 * @throws {StoreError} `replies_lost` when the provider has deleted them too; only asking again, which
 * pays again, can bring the answers back.
 */
export async function refetch(
  chunk: SubmittedChunk & { readonly ending: NonNullable<Chunk["ending"]> },
  ports: Ports,
): Promise<boolean> {
  const { files } = ports.store;
  const name = replyFileName(chunk.number);
  if (await files.exists(name)) return false;
  const writer = await files.create(name);
  try {
    let bytes = 0;
    for await (const piece of providerOf(chunk, ports).replies(
      batchOf(chunk, ports),
      chunk.ending,
      ports.signal,
    )) {
      await writer.write(piece);
      bytes += piece.byteLength;
    }
    if (bytes === 0) throw repliesLost(chunk, files.path(name));
    await writer.commit();
    return true;
  } catch (error) {
    await writer.abort();
    if (error instanceof ProviderError && !error.retryable)
      throw repliesLost(chunk, files.path(name));
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw repliesLost(chunk, files.path(name));
    throw error;
  }
}

function repliesLost(chunk: Chunk, path: string): StoreError {
  return new StoreError(
    "replies_lost",
    `${path} is gone, and the provider no longer has the replies to chunk ${String(chunk.number)} either. No money was spent now.`,
    {
      hint: "Restore the run directory from a copy; or remove the run and run the command again, which pays again.",
    },
  );
}
