/** Records of CSV whose cells are plain, read many times faster than by the parser, to which all others are left. */

import { isAscii } from "node:buffer";

/** What stands in one cell: null when nothing stands there, "" when a pair of quotes does. */
export type CsvCell = string | null;

/** How plain records are read. */
export interface PlainOptions {
  /** One character. */
  readonly delimiter: string;
  /** As the parser's options have it. */
  readonly skipBlankLines: boolean;
  readonly tellsNullFromEmpty: boolean;
}

/** The plain records that bytes begin with. */
export interface PlainRecords {
  readonly records: CsvCell[][];
  /** Where each ends, with what ends it. */
  readonly ends: number[];
  /** Whether the record after them ends with later bytes, as far as can be told; false where it is the parser's. */
  readonly isOpen: boolean;
}

const quote = 0x22;
const space = 0x20;
const tab = 0x09;
const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/** Whether a file cut at this delimiter may hold plain records. */
export function mayBePlain(delimiter: string): boolean {
  return delimiter.length === 1 && isAscii(Buffer.from(delimiter)) && !/["\r\n]/.test(delimiter);
}

/**
 * The plain records that whole lines of UTF-8 begin with, the same that the parser gives of them.
 *
 * A record is plain where each cell is bare and does not open with a quote, blanks before it or none, or stands in
 * quotes from its first character to its last; and where LF or CRLF ends it.
 */
export function plainRecords(bytes: Buffer, options: PlainOptions): PlainRecords {
  const { skipBlankLines, tellsNullFromEmpty } = options;
  const delimiter = options.delimiter.charCodeAt(0);
  const text = isAscii(bytes) ? bytes.toString("latin1") : null;
  const size = bytes.length;
  const records: CsvCell[][] = [];
  const ends: number[] = [];
  const slice = (from: number, to: number): string =>
    text === null ? bytes.toString("utf8", from, to) : text.slice(from, to);
  const stopped = (isOpen: boolean): PlainRecords => ({ records, ends, isOpen });
  let at = 0;
  for (;;) {
    const record: CsvCell[] = [];
    while (skipBlankLines && at < size) {
      if (bytes[at] === lineFeed) at += 1;
      else if (bytes[at] === carriageReturn && bytes[at + 1] === lineFeed) at += 2;
      else break;
    }
    for (let isEnded = false; !isEnded;) {
      if (at >= size) return stopped(true);
      const from = at;
      if (bytes[at] === quote) {
        let hasQuotes = false;
        let close = bytes.indexOf(quote, from + 1);
        while (close >= 0 && bytes[close + 1] === quote) {
          hasQuotes = true;
          close = bytes.indexOf(quote, close + 2);
        }
        if (close < 0 || close + 1 >= size) return stopped(true);
        const cell = slice(from + 1, close);
        record.push(hasQuotes ? cell.replaceAll('""', '"') : cell);
        at = close + 1;
        if (bytes[at] === carriageReturn) {
          if (at + 1 >= size) return stopped(true);
          if (bytes[at + 1] === lineFeed) at += 1;
        }
        isEnded = bytes[at] === lineFeed;
        if (!isEnded && bytes[at] !== delimiter) return stopped(false);
      } else {
        let hasQuotes = false;
        let byte = bytes[at];
        while (at < size && byte !== delimiter && byte !== lineFeed) {
          if (byte === quote) hasQuotes = true;
          byte = bytes[++at];
        }
        if (at >= size) return stopped(true);
        isEnded = byte === lineFeed;
        const to = isEnded && at > from && bytes[at - 1] === carriageReturn ? at - 1 : at;
        if (hasQuotes && opensWithQuote(bytes, from)) return stopped(false);
        record.push(from < to ? slice(from, to) : tellsNullFromEmpty ? null : "");
      }
      at += 1;
    }
    records.push(record);
    ends.push(at);
  }
}

/** Whether the first character of a cell that is no blank is a quote. */
function opensWithQuote(bytes: Buffer, from: number): boolean {
  let at = from;
  while (bytes[at] === space || bytes[at] === tab) at += 1;
  return bytes[at] === quote;
}
