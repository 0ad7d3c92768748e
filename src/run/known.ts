/** What a chunk's state promises to be known of it. */

import type { Chunk, Ending } from "../core/chunk.ts";
import { InvariantError } from "../core/errors.ts";
import type { SubmittedChunk } from "../stages/ports.ts";

/** The intent of a chunk that has one. @throws {InvariantError} `batch_unknown` */
export function intentOf(chunk: Chunk): NonNullable<Chunk["intent"]> {
  return chunk.intent ?? unknownBatch(chunk);
}

/** The ending of a chunk whose batch has ended. @throws {InvariantError} `batch_unknown` */
export function endingOf(chunk: Chunk): Ending {
  return chunk.ending ?? unknownBatch(chunk);
}

/** A chunk whose batch is known, as one. @throws {InvariantError} `batch_unknown` */
export function asSubmitted(chunk: Chunk): SubmittedChunk {
  return { ...chunk, intent: intentOf(chunk), batchId: chunk.batchId ?? unknownBatch(chunk) };
}

function unknownBatch(chunk: Chunk): never {
  throw new InvariantError(
    "batch_unknown",
    `Chunk ${String(chunk.number)} is ${chunk.state}, yet its batch is not known.`,
  );
}
