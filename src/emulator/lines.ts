/** The lines of a file on disk, found once and read again one by one. */
import { createReadStream } from "node:fs";

const LINE_FEED = 0x0a;
const PIECE_BYTES = 1024 * 1024;

/** One line as it lies in its file. */
export interface FileLine {
  /** Counts from 1. */
  readonly number: number;
  /** Where it begins, in bytes from the start of the file. */
  readonly offset: number;
  /** Its bytes without the line feed. Valid only until the next line is asked for. */
  readonly bytes: Buffer;
}

/**
 * The lines of the file at `path`, in order, one megabyte in memory at a time.
 *
 * Only a line feed ends a line: U+2028 and a lone carriage return are part of the text. A line feed
 * at the very end begins no further line.
 */
export async function* linesOf(path: string): AsyncGenerator<FileLine, undefined, undefined> {
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
      yield take(buffer.subarray(from, end));
      from = end + 1;
    }
    if (from < buffer.length) held.push(buffer.subarray(from));
  }
  if (held.length > 0) yield take(Buffer.alloc(0));
  return undefined;
}
