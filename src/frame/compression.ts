/** Compressed text files, read and written as the text they hold; the only file that knows gzip and zstd. */

import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { createHash } from "node:crypto";
import { InputError } from "../core/errors.ts";
import { fileChunks } from "./csv-bytes.ts";
import { damagedFile, readFailure, systemCode } from "./csv-errors.ts";
import { ZstdFault, zstdFrames } from "./zstd-frames.ts";

/** How a text file is compressed; null where it is not. */
export type Compression = "gzip" | "zstd" | null;

/** As large as what is read from files that are not compressed. */
const chunkBytes = 64 * 1024;

/** How the bytes at a file's beginning say that it is compressed. No text begins like this: it would not be UTF-8. */
export function compressionOf(head: Uint8Array): Compression {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return "gzip";
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ? "zstd" : null;
}

/**
 * How a file is compressed, by its first bytes, whatever its name.
 *
 * @throws {InputError} `file_missing` or `file_unreadable`.
 */
export async function fileCompression(path: string): Promise<Compression> {
  const file = await open(path, "r").catch((error: unknown) => {
    throw readFailure(error, path);
  });
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return compressionOf(buffer.subarray(0, bytesRead));
  } catch (error) {
    throw readFailure(error, path);
  } finally {
    await file.close();
  }
}

/** How a file is to be read. */
export interface TextOptions {
  /** Bytes of the text to leave out at its beginning. */
  readonly start?: number;
  /** Told how many bytes were read from the disk, each time some were. */
  readonly onRead?: (bytes: number) => void;
}

/**
 * The text of a file as bytes, decompressed where it is compressed, in chunks that stay valid.
 *
 * Every member and frame of the file is read. Memory holds a chunk, however well it is compressed.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_damaged` where the compressed bytes are
 * damaged or cut short, `zstd_unsupported`.
 */
export async function* textChunks(path: string, options: TextOptions = {}): AsyncGenerator<Buffer> {
  const { start = 0, onRead } = options;
  const compression = await fileCompression(path);
  if (compression === null) {
    yield* counted(fileChunks(path, start), onRead);
    return;
  }
  let left = start;
  try {
    for await (const chunk of decompressed(counted(fileChunks(path), onRead), compression)) {
      const skipped = Math.min(left, chunk.length);
      left -= skipped;
      if (skipped < chunk.length) yield chunk.subarray(skipped);
    }
  } catch (error) {
    throw decompressionFailure(error, path);
  }
}

/** SHA-256 of a file's text, decompressed where it is compressed, as 64 hexadecimal digits. */
export async function textSha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of textChunks(path)) hash.update(chunk);
  return hash.digest("hex");
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  onRead: TextOptions["onRead"],
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    onRead?.(chunk.length);
    yield chunk;
  }
}

async function* decompressed(
  chunks: AsyncIterable<Buffer>,
  compression: "gzip" | "zstd",
): AsyncGenerator<Buffer> {
  if (compression === "gzip") {
    yield* through(chunks, zlib.createGunzip({ chunkSize: chunkBytes }));
    return;
  }
  const create = zstd().decompress;
  const pieces = zstdFrames(chunks)[Symbol.asyncIterator]();
  for (;;) {
    const first = await pieces.next();
    if (first.done === true) return;
    const frame = async function* (): AsyncGenerator<Buffer> {
      yield first.value.bytes;
      for (;;) {
        const next = await pieces.next();
        if (next.done === true) return;
        yield next.value.bytes;
        if (next.value.isLast) return;
      }
    };
    yield* through(frame(), create());
  }
}

/** What a stream makes of the chunks, taken no faster than it is wanted. */
async function* through(chunks: AsyncIterable<Buffer>, stream: Transform): AsyncGenerator<Buffer> {
  const fed = pipeline(Readable.from(chunks, { objectMode: false }), stream);
  // A failure reaches the loop below through the stream; here it would count as unhandled.
  fed.catch(() => undefined);
  for await (const chunk of stream as AsyncIterable<Buffer>) yield chunk;
  await fed;
}

function decompressionFailure(error: unknown, path: string): unknown {
  if (error instanceof ZstdFault) return damagedFile(path, `it ${error.message}`, error);
  const code = systemCode(error) ?? "";
  if (code === "Z_BUF_ERROR") {
    return damagedFile(path, "it ends too early: it was cut short", error);
  }
  const isDamage = code.startsWith("Z_") || code.startsWith("ZSTD_");
  if (!isDamage || !(error instanceof Error)) return error;
  return damagedFile(path, `it cannot be decompressed (${error.message})`, error);
}

/** Text compressed by itself, as one gzip member or Zstandard frame; the same bytes for the same text. */
export async function compressed(text: Buffer, compression: "gzip" | "zstd"): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const done = (error: Error | null, bytes: Buffer): void => {
    if (error === null) resolve(bytes);
    else reject(error);
  };
  if (compression === "gzip") zlib.gzip(text, done);
  else zstd().compress(text, done);
  return await promise;
}

function zstd(): {
  readonly decompress: () => Transform;
  readonly compress: typeof zlib.zstdCompress;
} {
  // Bun and older Deno have node:zlib without it; a static import of the names would not even load there.
  const { createZstdDecompress, zstdCompress } = zlib as Partial<typeof zlib>;
  if (createZstdDecompress === undefined || zstdCompress === undefined) {
    throw new InputError("zstd_unsupported", "This runtime has no Zstandard in node:zlib.", {
      hint: "Use Node 22.15 or later, or a file that ends in .gz.",
    });
  }
  return {
    decompress: () => createZstdDecompress({ chunkSize: chunkBytes }),
    compress: zstdCompress,
  };
}
