/** Text lines out of a stream of bytes, with where each one lies. */

/** One line, without its line feed or a carriage return before it. */
export interface Line {
  readonly text: string;
  /** Byte offset of the line's first byte in the stream. */
  readonly offset: number;
  /** Bytes up to, and not counting, the line feed. */
  readonly length: number;
  /** False for bytes after the last line feed. */
  readonly terminated: boolean;
}

const LINE_FEED = 10;
const BYTE_ORDER_MARK = "\uFEFF";

/**
 * The lines of a byte stream, split on line feeds only (a JSON text may hold U+2028), blank ones left out.
 *
 * A byte order mark at the start is dropped from the text and stays in the offsets. Memory is bounded
 * by the longest line.
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let offset = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (;;) {
      const end = piece.indexOf(LINE_FEED, start);
      if (end < 0) break;
      const length = keptBytes + end - start;
      const text = textOf([...kept, piece.subarray(start, end)], offset);
      if (text !== "") yield { text, offset, length, terminated: true };
      offset += length + 1;
      start = end + 1;
      kept = [];
      keptBytes = 0;
    }
    if (start < piece.length) {
      // Copied because the reader may reuse the buffer it handed us.
      kept.push(piece.slice(start));
      keptBytes += piece.length - start;
    }
  }
  const text = textOf(kept, offset);
  if (text !== "") yield { text, offset, length: keptBytes, terminated: false };
}

function textOf(pieces: readonly Uint8Array[], offset: number): string {
  const only = pieces.length === 1 ? pieces[0] : undefined;
  const bytes = only ?? Buffer.concat(pieces);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  const unmarked = offset === 0 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  return unmarked.endsWith("\r") ? unmarked.slice(0, -1) : unmarked;
}
