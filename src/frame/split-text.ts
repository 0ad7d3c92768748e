/** A CSV or JSON Lines file cut into pieces that are files of their own, each row's bytes as they stand. */

import { open } from "node:fs/promises";
import { textChunks } from "./compression.ts";
import { csvRecords } from "./csv-judged.ts";
import type { CsvFrame } from "./csv.ts";

/** How a file is cut. */
export interface Cutting {
  /** The most rows of a piece. */
  readonly maxRows: number;
  /** A piece ends with the row that makes it larger than this. */
  readonly maxBytes: number;
  /** Where a piece is written, by its number, counted from 1. */
  readonly pathOf: (number: number) => string;
}

/** Consecutive rows of a file, as a file of their own. */
export interface Piece {
  readonly path: string;
  readonly rows: number;
}

/**
 * Cuts a CSV file between records; each piece begins with the file's own header, and with its byte order
 * mark. What was compressed is written as the text it holds. Memory holds a few reads.
 *
 * @throws {InputError} `ragged_row`, `not_utf8` or `csv_syntax`, as reading the file does.
 */
export async function* splitCsv(frame: CsvFrame, how: Cutting): AsyncGenerator<Piece> {
  const { path, preambleBytes: start } = frame;
  const source = holding(textChunks(path, { start }));
  const records = csvRecords(frame, {
    columnCount: frame.columns.length,
    tellsNullFromEmpty: false,
    chunks: source.chunks,
  });
  const batches = endsOf(records);
  let head = await preambleOf(path, start);
  if (!frame.hasHeader) {
    yield* cut(batches, source, { head, how });
    return;
  }
  const first = await batches.next();
  if (first.done === true) return;
  const [headerEnd = 0, ...rest] = first.value;
  head = Buffer.concat([head, source.take(headerEnd)]);
  yield* cut(prepended(rest, batches), source, { head, how });
}

/** Cuts a JSON Lines file between lines; blank lines are no rows. Memory holds a few reads, or a line. */
export async function* splitLines(path: string, how: Cutting): AsyncGenerator<Piece> {
  const source = holding(textChunks(path));
  yield* cut(lineEnds(source.chunks), source, { head: Buffer.alloc(0), how });
}

/** Bytes that were read and not written yet. */
interface Held {
  /** What is read, in order; to be read by one. */
  readonly chunks: AsyncGenerator<Buffer>;
  /** The bytes from the last ones taken up to an offset. */
  take(end: number): Buffer;
}

function holding(from: AsyncIterable<Buffer>): Held {
  let held: Buffer[] = [];
  let at = 0;
  return {
    chunks: (async function* () {
      for await (const chunk of from) {
        held.push(chunk);
        yield chunk;
      }
    })(),
    take: (end) => {
      const all = held.length === 1 ? (held[0] ?? Buffer.alloc(0)) : Buffer.concat(held);
      const length = Math.min(all.length, end - at);
      held = length < all.length ? [all.subarray(length)] : [];
      at += length;
      return all.subarray(0, length);
    },
  };
}

/** Writes the pieces: a new one begins with the first row that the last has no room for. */
async function* cut(
  batches: AsyncIterable<readonly number[]>,
  source: Held,
  { head, how }: { readonly head: Buffer; readonly how: Cutting },
): AsyncGenerator<Piece> {
  let number = 0;
  let piece = null as OpenPiece | null;
  let lastEnd = 0;
  try {
    for await (const ends of batches) {
      for (const end of ends) {
        if (piece !== null && (piece.rows >= how.maxRows || piece.bytes >= how.maxBytes)) {
          await piece.append(source.take(lastEnd));
          yield await piece.close();
          piece = null;
        }
        piece ??= await begun(how.pathOf((number += 1)), head);
        piece.rows += 1;
        piece.bytes += end - lastEnd;
        lastEnd = end;
      }
      await piece?.append(source.take(lastEnd));
    }
    if (piece === null) return;
    // What follows the last row: blank lines.
    await piece.append(source.take(Number.POSITIVE_INFINITY));
    const last: OpenPiece = piece;
    piece = null;
    yield await last.close();
  } finally {
    await piece?.close();
  }
}

interface OpenPiece {
  rows: number;
  bytes: number;
  append(bytes: Buffer): Promise<void>;
  close(): Promise<Piece>;
}

async function begun(path: string, head: Buffer): Promise<OpenPiece> {
  const file = await open(path, "w");
  await file.writeFile(head);
  const piece: OpenPiece = {
    rows: 0,
    bytes: 0,
    append: (bytes) => file.writeFile(bytes),
    close: async () => {
      await file.close();
      return { path, rows: piece.rows };
    },
  };
  return piece;
}

async function preambleOf(path: string, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let have = 0;
  for await (const chunk of textChunks(path)) {
    chunks.push(chunk);
    have += chunk.length;
    if (have >= length) break;
  }
  return Buffer.concat(chunks).subarray(0, length);
}

async function* endsOf(
  batches: AsyncIterable<{ readonly ends: readonly number[] }>,
): AsyncGenerator<readonly number[]> {
  for await (const { ends } of batches) yield ends;
}

async function* prepended(
  first: readonly number[],
  rest: AsyncIterable<readonly number[]>,
): AsyncGenerator<readonly number[]> {
  yield first;
  yield* rest;
}

const lineFeed = 0x0a;

/** The ends of the lines that hold something, a chunk's at a time. */
async function* lineEnds(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly number[]> {
  let at = 0;
  let holds = false;
  for await (const chunk of chunks) {
    const ends: number[] = [];
    for (let from = 0; from < chunk.length;) {
      const end = chunk.indexOf(lineFeed, from);
      const upTo = end < 0 ? chunk.length : end;
      holds ||= chunk.toString("latin1", from, upTo).trim() !== "";
      if (end < 0) break;
      if (holds) ends.push(at + end + 1);
      holds = false;
      from = end + 1;
    }
    at += chunk.length;
    if (ends.length > 0) yield ends;
  }
  if (holds) yield [at];
}
