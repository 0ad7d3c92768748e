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
  for await (const lines of lineBlocks(pieces)) yield* lines;
}

/** The same lines in blocks, those that end in one piece together: handed on one by one, each takes ten times as long. */
export async function* lineBlocks(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly Line[]> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let offset = 0;
  for await (const bytes of pieces) {
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const lines: Line[] = [];
    let start = 0;
    for (;;) {
      const end = piece.indexOf(LINE_FEED, start);
      if (end < 0) break;
      const length = keptBytes + end - start;
      const whole =
        keptBytes === 0
          ? piece.toString("utf8", start, end)
          : Buffer.concat([...kept, piece.subarray(start, end)]).toString("utf8");
      const text = unmarked(whole, offset);
      if (text !== "") lines.push({ text, offset, length, terminated: true });
      offset += length + 1;
      start = end + 1;
      if (keptBytes > 0) kept = [];
      keptBytes = 0;
    }
    if (lines.length > 0) yield lines;
    if (start < piece.length) {
      // Copied because the reader may reuse the buffer it handed us.
      kept.push(Buffer.from(piece.subarray(start)));
      keptBytes += piece.length - start;
    }
  }
  const text = unmarked(Buffer.concat(kept).toString("utf8"), offset);
  if (text !== "") yield [{ text, offset, length: keptBytes, terminated: false }];
}

function unmarked(text: string, offset: number): string {
  const begun = offset === 0 && text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
  return begun.endsWith("\r") ? begun.slice(0, -1) : begun;
}
