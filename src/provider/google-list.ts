/** Lists of the Gemini API, page by page. */

import type { GoogleHttp } from "./google-http.ts";
import { asRecord, textOf } from "./json-values.ts";

/** The API's version in its paths; batches, files and JSON Schemas are all documented under this one. */
export const VERSION = "v1beta";

/** A list to read. */
export interface GoogleList {
  /** Completes "could not …". */
  readonly action: string;
  /** Such as `batches`. */
  readonly path: string;
  /** The member of a page that holds its items. */
  readonly member: string;
  readonly signal: AbortSignal;
}

/**
 * Every item of a list, in the API's order, of which nothing is promised.
 *
 * A page size is always named: without one, lists of batches have been seen to be empty.
 */
export async function* pagesOf(
  http: GoogleHttp,
  { action, path, member, signal }: GoogleList,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let token: string | null = null;
  do {
    const query = new URLSearchParams({ pageSize: "100" });
    if (token !== null) query.set("pageToken", token);
    const page: Readonly<Record<string, unknown>> = await http.json({
      action,
      method: "GET",
      path: `/${VERSION}/${path}?${query.toString()}`,
      signal,
    });
    const items = page[member];
    for (const item of Array.isArray(items) ? items : []) {
      const record = asRecord(item);
      if (record !== null) yield record;
    }
    token = textOf(page["nextPageToken"]);
  } while (token !== null && token !== "");
}
