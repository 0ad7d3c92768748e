/** The lines of a file on disk, found once and read again one by one. */
import { createReadStream } from "node:fs";

const LINE_FEED = 0x0a;
const PIECE_BYTES = 256 * 1024;

/** One line as it lies in its file. */
export interface FileLine {
  /** Counts from 1. */
  readonly number: number;
  /** Where it begins, in bytes from the start of the file. */
  readonly offset: number;
  /** Its bytes without the line feed. Valid only until `act` has returned. */
  readonly bytes: Buffer;
}

/**
 * Gives `act` the lines of the file at `path`, in order, a quarter of a megabyte in memory at a time, and
 * ends at the first for which it gives anything but null: resolves to that, or to null after the last line.
 *
 * Only a line feed ends a line: U+2028 and a lone carriage return are part of the text. A line feed
 * at the very end begins no further line.
 */
export async function eachLine<T>(
  path: string,
  act: (line: FileLine) => T | null,
): Promise<T | null> {
  let number = 0;
  let offset = 0;
  let held: Buffer[] = [];
  const take = (last: Buffer): FileLine => {
    const bytes = held.length === 0 ? last : Buffer.concat([...held, last]);
    held = [];
    number += 1;
    const line = { number, offset, bytes };
    offset += bytes.length + 1;
    return line;
  };
  for await (const piece of createReadStream(path, { highWaterMark: PIECE_BYTES })) {
    const buffer = piece as Buffer;
    let from = 0;
    for (;;) {
      const end = buffer.indexOf(LINE_FEED, from);
      if (end < 0) break;
      const found = act(take(buffer.subarray(from, end)));
      if (found !== null) return found;
      from = end + 1;
    }
    if (from < buffer.length) held.push(buffer.subarray(from));
  }
  return held.length > 0 ? act(take(Buffer.alloc(0))) : null;
}
