/** What a plan and a receipt say of texts that were cut, and of quotes that are none. */

import type { Settings } from "./settings.ts";

/** That some texts are cut before they are sent; nothing where none are. */
export function cutWarnings(rows: number, { long }: Pick<Settings, "long">): readonly string[] {
  if (rows === 0 || long === null) return [];
  const what = rows === 1 ? "1 row has a text" : `${String(rows)} rows have a text`;
  return [`${what} longer than ${String(long.maxChars)} characters; only the beginning is sent.`];
}

/** That some quotes were left out; nothing where none were. */
export function quoteWarnings(quotes: number): readonly string[] {
  if (quotes === 0) return [];
  const what = quotes === 1 ? "1 quote does" : `${String(quotes)} quotes do`;
  return [`${what} not occur in the row's text and ${quotes === 1 ? "is" : "are"} left out.`];
}
