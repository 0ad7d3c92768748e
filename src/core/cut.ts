/** Long texts, cut where a word ends. */

/** What becomes of a text that is longer than it may be. */
export interface LongTexts {
  /** The most characters, whole code points, that a cell may put into a prompt. */
  readonly maxChars: number;
  /**
   * `fail` leaves the row unasked, as `too_long`; `truncate` cuts the text and says so; `chunk` asks
   * about it piece by piece and puts the answers together.
   */
  readonly onLong: "fail" | "truncate" | "chunk";
}

/**
 * The beginning of a text, at most `maxChars` code points of it; the text itself when it is no longer.
 *
 * The cut is made at the last white space, and what is white there is left out; where there is none in
 * the second half, as in scripts that write no spaces, it is made between two characters.
 */
export function cutText(text: string, maxChars: number): string {
  const end = endOf(text, maxChars);
  if (end === text.length) return text;
  const head = text.slice(0, end);
  // Of white space alone nothing would be left to ask about.
  if (head.trim() === "") return cutText(text.trimStart(), maxChars);
  if (/\s/u.test(text.charAt(end))) return head.trimEnd();
  const space = head.search(/\s\S*$/u);
  return (space >= head.length / 2 ? head.slice(0, space) : head).trimEnd();
}

/** Where the first `count` code points of a text end. */
function endOf(text: string, count: number): number {
  if (text.length <= count) return text.length;
  let end = 0;
  for (let taken = 0; taken < count && end < text.length; taken++)
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return end;
}

// Enough for a sentence that a cut would tear apart to stand whole in one of two pieces.
const OVERLAP = 0.1;

/**
 * A text as pieces of at most `maxChars` code points, cut where words end; each begins with the last
 * tenth of the one before it, from a word's beginning. A text that is no longer is its only piece.
 */
export function piecesOf(text: string, maxChars: number): readonly string[] {
  const pieces: string[] = [];
  for (let rest = text; ;) {
    const piece = cutText(rest, maxChars);
    pieces.push(piece);
    const end = rest.indexOf(piece) + piece.length;
    if (rest.slice(end).trim() === "") return pieces;
    const tail = piece.slice(Math.ceil(piece.length * (1 - OVERLAP)));
    const space = tail.search(/\s/u);
    // A tail without a word's beginning is not repeated: there is no place to begin at.
    const repeated = space < 0 ? 0 : tail.length - space - 1;
    rest = rest.slice(end - Math.min(repeated, Math.floor(piece.length / 2))).trimStart();
  }
}
