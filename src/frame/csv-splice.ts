/** Records as they stand in the file, with more cells put in before their line ending. */

import { createHash } from "node:crypto";
import { InvariantError } from "../core/errors.ts";
import { textChunks } from "./compression.ts";
import { terminatorLength } from "./csv-dialect.ts";
import type { CsvDialect } from "./csv-records.ts";

/** One pass over a file: chunks for the parser, and the same bytes held until their record is known. */
export interface Tape {
  /** The file after its preamble. To be read once. */
  readonly chunks: AsyncIterable<Buffer>;
  /** The bytes before the header; complete once the first record is known. */
  preamble(): Buffer;
  /** The bytes not taken yet, up to `end` as records count their ends. */
  take(end: number): Buffer;
  /** The bytes not taken yet. */
  rest(): Buffer;
  /** How many bytes were read from the disk, compressed where the file is. */
  bytesRead(): number;
  /** SHA-256 of the text, in hexadecimal; to be asked once. */
  sha256(): string;
}

/**
 * Starts a {@link Tape} of what follows the first bytes, which are the preamble, or records that are done
 * with. It holds no more of the file than one record and one chunk.
 */
export function tapeOf(path: string, preambleBytes: number, isPreamble = true): Tape {
  const hash = createHash("sha256");
  const preamble: Buffer[] = [];
  let held: Buffer[] = [];
  let heldFrom = 0;
  let bytesRead = 0;
  let position = 0;
  const onRead = (bytes: number): void => {
    bytesRead += bytes;
  };
  async function* chunks(): AsyncGenerator<Buffer> {
    for await (const chunk of textChunks(path, { onRead })) {
      const skipped = Math.min(Math.max(0, preambleBytes - position), chunk.length);
      hash.update(chunk);
      position += chunk.length;
      // Even an empty piece of a chunk would keep the whole chunk in memory.
      if (skipped > 0 && isPreamble) preamble.push(Buffer.from(chunk.subarray(0, skipped)));
      if (skipped === chunk.length) continue;
      held.push(chunk.subarray(skipped));
      yield chunk.subarray(skipped);
    }
  }
  return {
    chunks: chunks(),
    preamble: () => Buffer.concat(preamble),
    take: (end) => {
      const parts: Buffer[] = [];
      while (heldFrom < end) {
        const [first, ...others] = held;
        if (first === undefined) {
          throw new InvariantError("csv_offset", `A record of ${path} ends after its last byte.`);
        }
        const part = first.subarray(0, end - heldFrom);
        held = part.length < first.length ? [first.subarray(part.length), ...others] : others;
        heldFrom += part.length;
        parts.push(part);
      }
      return joined(parts);
    },
    rest: () => joined(held),
    bytesRead: () => bytesRead,
    sha256: () => hash.digest("hex"),
  };
}

function joined(parts: readonly Buffer[]): Buffer {
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}

/** Which of a record's cells are left out, counted from 0, and how many its header has. */
export interface LeftOut {
  readonly positions: ReadonlySet<number>;
  readonly columnCount: number;
}

/**
 * A record's bytes, blank lines before it included, with what is `added` before what ends it, and without the
 * cells that are left out; of these, `added` may take the bytes over by their positions.
 */
export function withCells(
  record: Buffer,
  added: string | ((old: readonly Buffer[]) => Buffer),
  { dialect, leftOut }: { readonly dialect: CsvDialect; readonly leftOut: LeftOut | null },
): readonly Buffer[] {
  const cut = record.length - terminatorLength(record, dialect);
  const end = record.subarray(cut);
  const old = record.subarray(0, cut);
  const cells = leftOut === null ? [] : cellsOf(old, leftOut, dialect);
  const made = typeof added === "string" ? Buffer.from(added) : added(cells);
  const delimiter = Buffer.from(dialect.delimiter);
  if (leftOut === null) return [old, delimiter, made, end];
  const staying = cells.filter((_, position) => !leftOut.positions.has(position));
  const blank = old.subarray(0, blankBytes(old, leftOut, dialect));
  return [blank, ...staying.flatMap((cell) => [cell, delimiter]), made, end];
}

/** The cells of a record as they stand. */
function cellsOf(record: Buffer, leftOut: LeftOut, dialect: CsvDialect): readonly Buffer[] {
  const delimiter = Buffer.from(dialect.delimiter);
  const cells: Buffer[] = [];
  for (let start = blankBytes(record, leftOut, dialect); ;) {
    const end = cellEnd(record, start, delimiter);
    cells.push(record.subarray(start, end));
    if (end === record.length) return cells;
    start = end + delimiter.length;
  }
}

/** How many bytes of blank lines stand before a record; where a row has one cell they are rows. */
function blankBytes(record: Buffer, { columnCount }: LeftOut, { terminator }: CsvDialect): number {
  let at = 0;
  for (; columnCount > 1; at += 1) {
    const isBreak = record[at] === LINE_FEED;
    const isReturn = record[at] === RETURN && (terminator === "cr" || record[at + 1] === LINE_FEED);
    if (!isBreak && !isReturn) break;
  }
  return at;
}

const LINE_FEED = 0x0a;
const RETURN = 0x0d;
const QUOTE = 0x22;

/** Just past the cell that begins at `start`: at the next delimiter that is not within quotes, or the end. */
function cellEnd(record: Buffer, start: number, delimiter: Buffer): number {
  let from = start;
  if (record[start] === QUOTE) {
    from = record.indexOf(QUOTE, start + 1);
    // A pair of quotes within quotes is one that is part of the text.
    while (from >= 0 && record[from + 1] === QUOTE) from = record.indexOf(QUOTE, from + 2);
    if (from < 0) return record.length;
  }
  const end = record.indexOf(delimiter, from);
  return end < 0 ? record.length : end;
}
