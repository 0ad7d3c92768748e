/** How a CSV file is written, read off its first bytes. */

import type { CsvDialect } from "./csv-records.ts";
import { recordWidths } from "./csv-records.ts";

/** Delimiters tried, the likeliest first. */
const candidates = [",", ";", "\t", "|"] as const;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const quote = 0x22;

/** True where the bytes begin with the byte order mark of UTF-16. */
export function isUtf16(head: Buffer): boolean {
  const [first, second] = head;
  return (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
}

/** Bytes before the header: the UTF-8 byte order mark, if any, and blank lines. They are kept as they are. */
export function preambleBytes(head: Buffer): number {
  let at = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf ? 3 : 0;
  while (head[at] === lineFeed || head[at] === carriageReturn) at += 1;
  return at;
}

/** True where a name says that cells are cut by TAB: .tsv or .tab, compressed or not. */
export function isTsvName(path: string): boolean {
  return /\.(tsv|tab)(\.(gz|zst))?$/i.test(path);
}

/**
 * The dialect of a file that begins with `text` (its preamble taken off).
 *
 * A name ending in .tsv or .tab decides for TAB. Else the delimiter is the one that cuts the header
 * into most cells, among those that cut the first rows into as many as the header; where none cuts the
 * header, the file has one column and the comma is taken.
 */
export function dialectOf(
  text: Buffer,
  source: { readonly path: string; readonly isWhole: boolean },
): CsvDialect {
  const terminator = terminatorOf(text);
  if (isTsvName(source.path)) return { delimiter: "\t", terminator };
  let best = { delimiter: ",", columns: 1, agrees: false };
  for (const delimiter of candidates) {
    const [columns = 1, ...rows] = recordWidths(text, {
      dialect: { delimiter, terminator },
      isWhole: source.isWhole,
    });
    const agrees = rows.length > 0 && rows.every((width) => width === columns);
    const isBetter = agrees === best.agrees ? columns > best.columns : agrees;
    if (columns > 1 && isBetter) best = { delimiter, columns, agrees };
  }
  return { delimiter: best.delimiter, terminator };
}

/** The first line ending outside quotes decides; CRLF is told from LF record by record. */
function terminatorOf(text: Buffer): "lf" | "cr" {
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const byte = text[at];
    if (byte === quote) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === lineFeed) return "lf";
    else if (byte === carriageReturn) return text[at + 1] === lineFeed ? "lf" : "cr";
  }
  return "lf";
}

/** How many bytes at the end of a record are its line ending: 0 where the file ends without one. */
export function terminatorLength(record: Buffer, dialect: CsvDialect): 0 | 1 | 2 {
  const last = record.at(-1);
  if (last === lineFeed) return record.at(-2) === carriageReturn ? 2 : 1;
  return last === carriageReturn && dialect.terminator === "cr" ? 1 : 0;
}
