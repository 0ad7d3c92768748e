/** Reading packed chunk files: places are those in the unpacked file, of which only the frames that are asked for are unpacked. */

import { zstdDecompressSync } from "node:zlib";
import { StoreError } from "../core/errors.ts";
import {
  frameStarts,
  SEEK_FOOTER_BYTES,
  seekTableBytes,
  type FrameStarts,
} from "../core/seek-table.ts";
import type { ChunkFileReader } from "./store.ts";

// Lines lie in nearly the order they are asked for; those of rows that repeat lie before.
const MOST_HELD_BYTES = 16 * 1024 * 1024;

/** The same file with its bytes unpacked; `packed` has so many. @throws {StoreError} `chunk_file_short` */
export function packedReader(
  packed: ChunkFileReader,
  { path, size }: { readonly path: string; readonly size: number },
): ChunkFileReader {
  const starts = startsIn(packed, size);
  if (starts === null) throw damaged(path);
  const held = new Map<number, Buffer>();
  let heldBytes = 0;
  let last = 0;

  const frameOf = (offset: number): number => {
    const { unpacked } = starts;
    if (offset < (unpacked[last] ?? 0) || offset >= (unpacked[last + 1] ?? 0))
      last = lastUpTo(unpacked, offset);
    return last;
  };

  const unpackedFrame = (frame: number): Buffer => {
    const known = held.get(frame);
    if (known !== undefined) return known;
    const [from = 0, to = 0] = starts.packed.subarray(frame, frame + 2);
    const [first = 0, end = 0] = starts.unpacked.subarray(frame, frame + 2);
    const bytes = unpack(packed.bytes(from, to - from), end - first);
    if (bytes?.length !== end - first) throw damaged(path);
    for (const [oldest, { length }] of held) {
      if (heldBytes + bytes.length <= MOST_HELD_BYTES) break;
      held.delete(oldest);
      heldBytes -= length;
    }
    held.set(frame, bytes);
    heldBytes += bytes.length;
    return bytes;
  };

  const bytesAt = (offset: number, length: number): Buffer => {
    const frame = frameOf(offset);
    const from = offset - (starts.unpacked[frame] ?? 0);
    const bytes = unpackedFrame(frame);
    // No line goes on in the next frame.
    if (from + length > bytes.length) throw damaged(path);
    return bytes.subarray(from, from + length);
  };

  return {
    text: (offset, length) => bytesAt(offset, length).toString("utf8"),
    bytes: bytesAt,
    forget: () => {
      held.clear();
      heldBytes = 0;
      packed.forget();
    },
    close: () => packed.close(),
  };
}

function startsIn(packed: ChunkFileReader, size: number): FrameStarts | null {
  if (size < SEEK_FOOTER_BYTES) return null;
  const tableBytes = seekTableBytes(packed.bytes(size - SEEK_FOOTER_BYTES, SEEK_FOOTER_BYTES));
  if (tableBytes === null || tableBytes > size) return null;
  const starts = frameStarts(packed.bytes(size - tableBytes, tableBytes));
  return starts.packed.at(-1) === size - tableBytes ? starts : null;
}

/** The place of the last of some ascending numbers that is not larger than another. */
function lastUpTo(ascending: Float64Array, wanted: number): number {
  let low = 0;
  let high = ascending.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((ascending[middle] ?? 0) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

function unpack(frame: Buffer, bytes: number): Buffer | null {
  try {
    return zstdDecompressSync(frame, { chunkSize: Math.max(SMALLEST_ROOM, bytes) });
  } catch {
    return null;
  }
}

// As much as the library asks for.
const SMALLEST_ROOM = 64;

function damaged(path: string): StoreError {
  return new StoreError(
    "chunk_file_short",
    `${path} is shorter than it was when it was written, or was altered. No money was spent.`,
    { hint: "Restore the run directory from a copy." },
  );
}
