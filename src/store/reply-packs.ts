/** Lines out of the packs that a cache keeps them in, put together as a run's files hold them. */

import { zstdDecompressSync } from "node:zlib";
import type { FoundLines } from "../core/kept-lines.ts";

/** A line that is looked for by itself is read with so many others; those of a file's rows follow each other. */
export const LINES_PER_PACK = 128;

/** Lines that were packed together. */
export interface LinePack {
  /** Where each line ends in `lines`. */
  readonly ends: Uint32Array;
  readonly reading: string | null;
  readonly lines: () => Buffer;
}

/** Lines of so many bytes that are unpacked when they are first asked for. */
export function unpackedOnce(packed: Uint8Array, bytes: number): () => Buffer {
  let lines: Buffer | null = null;
  // Told their size, zstd writes them in one piece, which need not be put together.
  const room = { chunkSize: Math.max(SMALLEST_ROOM, bytes) };
  return () => (lines ??= zstdDecompressSync(packed, room));
}

// As much as the library asks for.
const SMALLEST_ROOM = 64;

/** Gathers lines of packs, one request after another. */
export interface Gathering {
  /** The next request has the line at a place of a pack; none where the pack is null. */
  add(pack: LinePack | null, place: number): void;
  found(): FoundLines;
}

const LINE_FEED = 10;
const FIRST_BYTES = 64 * 1024;

/** Starts gathering lines for so many requests; told about how many bytes they take, it seldom moves them. */
export function gathering(count: number, expectedBytes = 0): Gathering {
  const ends = new Uint32Array(count);
  const readings = new Array<string | null>(count).fill(null);
  let bytes = Buffer.allocUnsafe(0);
  let [end, at] = [0, 0];
  return {
    add: (pack, place) => {
      if (pack !== null) {
        const from = place === 0 ? 0 : (pack.ends[place - 1] ?? 0);
        const to = pack.ends[place] ?? from;
        const next = end + to - from + 1;
        if (next > bytes.length) {
          const larger = Buffer.allocUnsafe(Math.max(FIRST_BYTES, expectedBytes, 2 * next));
          larger.set(bytes.subarray(0, end));
          bytes = larger;
        }
        pack.lines().copy(bytes, end, from, to);
        bytes[next - 1] = LINE_FEED;
        readings[at] = pack.reading;
        end = next;
      }
      ends[at++] = end;
    },
    found: () => ({ bytes: bytes.subarray(0, end), ends, readings }),
  };
}
