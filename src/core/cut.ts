/** Long texts, cut where a word ends. */

/** What becomes of a text that is longer than it may be. */
export interface LongTexts {
  /** The most characters, whole code points, that a cell may put into a prompt. */
  readonly maxChars: number;
  /** `fail` leaves the row unasked, as `too_long`; `truncate` cuts the text and says so. */
  readonly onLong: "fail" | "truncate";
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
