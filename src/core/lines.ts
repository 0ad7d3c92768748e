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
const CARRIAGE_RETURN = 13;
// Texts of more than about twice as much are allocated one by one, which takes several times as long.
const MOST_PIECE_BYTES = 64 * 1024;
const BYTE_ORDER_MARK = Buffer.from("\uFEFF");

/**
 * The lines of a byte stream, split on line feeds only (a JSON text may hold U+2028), blank ones left out.
 *
 * A byte order mark at the start is dropped from the text and stays in the offsets. Memory is bounded
 * by the longest line.
 */
export async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  for await (const { piece, spans, terminated } of linePieces(pieces)) {
    // All at once: the piece's bytes are good only until the next one is asked for.
    const texts = spans.map(({ start, end }) => piece.bytes.toString("utf8", start, end));
    for (const [at, { offset, length }] of spans.entries())
      yield { text: texts[at] ?? "", offset, length, terminated };
  }
}

/** Bytes that hold lines. */
export interface Piece {
  /** Good until the next piece is asked for. */
  readonly bytes: Buffer;
  /** The same bytes as one character each, whatever they mean: where a text is known to be ASCII, the text itself. */
  chars(): string;
}

/** Where a line lies. */
export interface LineSpan {
  /** In its piece; without the line feed, a carriage return before it, and a byte order mark at the stream's start. */
  readonly start: number;
  readonly end: number;
  /** In the stream, as in {@link Line}. */
  readonly offset: number;
  readonly length: number;
}

/** A piece of a stream and the lines in it. */
export interface LinesIn {
  readonly piece: Piece;
  readonly spans: readonly LineSpan[];
  /** As in {@link Line}. */
  readonly terminated: boolean;
}

/** The same lines not decoded yet: in the pieces as they come, and one that is spread over several in a piece of its own. */
export async function* linePieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<LinesIn> {
  let kept: Uint8Array[] = [];
  let keptBytes = 0;
  let offset = 0;
  for await (const given of pieces) {
    const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
    let start = 0;
    if (keptBytes > 0) {
      const end = bytes.indexOf(LINE_FEED);
      if (end >= 0) {
        const whole = Buffer.concat([...kept, bytes.subarray(0, end)]);
        const spans = spansIn(whole, offset);
        if (spans.length > 0) yield { piece: pieceOf(whole), spans, terminated: true };
        offset += whole.length + 1;
        start = end + 1;
        kept = [];
        keptBytes = 0;
      }
    }
    const end = keptBytes > 0 ? -1 : bytes.lastIndexOf(LINE_FEED);
    while (start <= end) {
      const far = bytes.lastIndexOf(LINE_FEED, start + MOST_PIECE_BYTES);
      const last = far >= start ? far : bytes.indexOf(LINE_FEED, start);
      const some = bytes.subarray(start, last);
      const spans = spansIn(some, offset);
      if (spans.length > 0) yield { piece: pieceOf(some), spans, terminated: true };
      offset += last + 1 - start;
      start = last + 1;
    }
    if (start < bytes.length) {
      // Copied because the reader may reuse the buffer it handed us.
      kept.push(Buffer.from(bytes.subarray(start)));
      keptBytes += bytes.length - start;
    }
  }
  const rest = Buffer.concat(kept);
  const spans = spansIn(rest, offset);
  if (spans.length > 0) yield { piece: pieceOf(rest), spans, terminated: false };
}

/** A piece of its own. */
export function pieceOf(bytes: Buffer): Piece {
  let chars: string | null = null;
  return { bytes, chars: () => (chars ??= bytes.toString("latin1")) };
}

/** The lines of bytes of which the last one is all that follows the last line feed; `offset` is that of the first. */
function spansIn(bytes: Buffer, offset: number): readonly LineSpan[] {
  const spans: LineSpan[] = [];
  for (let first = 0; first < bytes.length;) {
    const feed = bytes.indexOf(LINE_FEED, first);
    const after = feed < 0 ? bytes.length : feed;
    const isMarked = offset + first === 0 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK);
    const start = isMarked ? first + BYTE_ORDER_MARK.length : first;
    const end = after > start && bytes[after - 1] === CARRIAGE_RETURN ? after - 1 : after;
    if (end > start) spans.push({ start, end, offset: offset + first, length: after - first });
    first = after + 1;
  }
  return spans;
}
