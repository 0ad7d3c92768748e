/** Quotes that leave open what a cell is, told from those that are part of a cell's text. */

const quote = 0x22;
const space = 0x20;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Whether a cell's value can come from quotes that leave open what it is: a look that spares most records. */
export function isSuspect(value: string | null): boolean {
  if (value === null) return false;
  const first = value.charCodeAt(0);
  if (first === quote) return true;
  return (first === space || first === tab) && value.trimStart().startsWith('"');
}

/**
 * Whether the bytes of a record hold text after a closing quote, or a quote after nothing but blanks.
 *
 * Readers differ in what they take these for. A quote elsewhere in a cell that does not begin with one
 * is text to all of them, as in `5" pipe`.
 */
export function hasStrayQuote(record: Buffer, separator: string): boolean {
  const delimiter = Buffer.from(separator);
  const endsCell = (at: number): boolean =>
    at >= record.length ||
    record[at] === lineFeed ||
    record[at] === carriageReturn ||
    isDelimiter(at);
  const isDelimiter = (at: number): boolean =>
    record.subarray(at, at + delimiter.length).equals(delimiter);
  let at = 0;
  // Blank lines before a record belong to its bytes.
  while (record[at] === lineFeed || record[at] === carriageReturn) at += 1;
  while (at < record.length) {
    const begin = at;
    while ((record[at] === space || record[at] === tab) && !isDelimiter(at)) at += 1;
    if (record[at] === quote) {
      if (at > begin) return true;
      at = pastClosing(record, at + 1);
      if (!endsCell(at)) return true;
    }
    while (at < record.length && !isDelimiter(at)) at += 1;
    at += delimiter.length;
  }
  return false;
}

/** The offset just past the quote that closes the cell whose text begins at `from`. */
function pastClosing(record: Buffer, from: number): number {
  let at = from;
  for (;;) {
    const found = record.indexOf(quote, at);
    if (found < 0) return record.length;
    if (record[found + 1] !== quote) return found + 1;
    at = found + 2;
  }
}
