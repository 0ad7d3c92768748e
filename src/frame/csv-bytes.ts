/** The bytes of a file as they stand on the disk: read in order, and hashed. */

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFailure } from "./csv-errors.ts";

/** Small enough that parsing one chunk leaves the event loop free within a few milliseconds. */
const chunkBytes = 64 * 1024;

/**
 * The bytes of a file from `start` on, in chunks that stay valid after the next one is read.
 *
 * @throws {InputError} `file_missing` or `file_unreadable`.
 */
export async function* fileChunks(path: string, start = 0): AsyncGenerator<Buffer> {
  try {
    const stream = createReadStream(path, { start, highWaterMark: chunkBytes });
    for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
  } catch (error) {
    throw readFailure(error, path);
  }
}

/** SHA-256 of a file's bytes as 64 hexadecimal digits, read in a stream. */
export async function fileSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of fileChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}
