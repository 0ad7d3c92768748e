/** The moves of a chunk, as every store makes them. */

import type { ChunkState } from "../core/chunk.ts";
import { InvariantError } from "../core/errors.ts";
import { addEstimates, NO_TOKENS, type TokenEstimate } from "../core/token-estimate.ts";

/** The error of a move whose chunk was not found in the state it starts from; nothing was changed. */
export function wrongState(chunk: number, from: ChunkState, to: ChunkState): InvariantError {
  return new InvariantError(
    "chunk_state",
    `Chunk ${String(chunk)} was to go from ${from} to ${to}, but is not ${from}.`,
  );
}

/** What a request is expected to use when it is asked in other words: what was cut off gets twice the room. */
export function askedAgain(each: TokenEstimate | null): TokenEstimate | null {
  if (each === null) return null;
  return addEstimates(each, { ...NO_TOKENS, outputTokens: each.outputTokens });
}
