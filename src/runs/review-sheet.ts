/** The file that people review: its columns, and the marks by which its rows are known again. */

import { REQUEST_ID_BYTES } from "../core/chunk.ts";

/** The column with the row's number, counted from 1. */
export const ROW = "row";

/** The column with the row's {@link requestMark}. */
export const REQUEST = "request";

/** The column that people fill in. */
export function fillColumn(column: string): string {
  return `correct_${column}`;
}

/**
 * Every column of a review in its order, the last one to be filled in. A column of the input with the name of
 * another gets `input_` before it.
 */
export function reviewNames(
  column: string,
  promptColumns: readonly string[],
  tellsConfidence: boolean,
): readonly string[] {
  const answers = [
    ...[column, `${column}_status`, `${column}_error`],
    ...(tellsConfidence ? [`${column}_confidence`] : []),
    fillColumn(column),
  ];
  const own = new Set([ROW, REQUEST, ...answers]);
  const taken = new Set([...own, ...promptColumns]);
  const shown = promptColumns.map((name) => {
    if (!own.has(name)) return name;
    let other = `input_${name}`;
    while (taken.has(other)) other = `input_${other}`;
    taken.add(other);
    return other;
  });
  return [ROW, REQUEST, ...shown, ...answers];
}

const MARK_DIGITS = 12;

/** What stands for a request in a file for people: short, and no spreadsheet takes it for a number. */
export function requestMark(id: string): string {
  return `r${id.slice(0, MARK_DIGITS)}`;
}

/** The identities, hexadecimal, of some requests. */
export async function requestIdsAt(
  wanted: ReadonlySet<number>,
  pages: AsyncIterable<Uint8Array>,
): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>();
  const sought = [...wanted].sort((a, b) => a - b);
  let first = 0;
  let next = 0;
  for await (const ids of pages) {
    const count = ids.byteLength / REQUEST_ID_BYTES;
    for (; next < sought.length && (sought[next] ?? 0) < first + count; next++) {
      const request = sought[next] ?? 0;
      const at = (request - first) * REQUEST_ID_BYTES;
      found.set(request, Buffer.from(ids.subarray(at, at + REQUEST_ID_BYTES)).toString("hex"));
    }
    first += count;
  }
  return found;
}
