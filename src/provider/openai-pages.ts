/** The lists of hosts of OpenAI's protocol: page by page, or all at once. */

import { asRecord, numberOf, textOf } from "./json-values.ts";
import type { HostCalls, Query } from "./openai-sdk.ts";

/** How a host cuts its lists: after an id, by page number, or not at all. */
export type Paging = "cursor" | "numbered" | "whole";

/** What to read of which list. */
export interface Listing {
  readonly path: string;
  readonly paging: Paging;
  readonly query?: Query;
  readonly pageSize: number;
}

/**
 * The objects of a list, in the host's order.
 *
 * The list may be the reply itself, or stand in it under `data` or, as in Azure's previews, `value`. A
 * host that repeats a page instead of going on does not keep the reader for ever.
 */
export async function* listed(
  calls: HostCalls,
  listing: Listing,
  signal: AbortSignal,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const seen = new Set<string>();
  let query: Query = { ...listing.query, ...firstPage(listing) };
  for (;;) {
    const reply = await calls.get(listing.path, signal, query);
    const items = itemsOf(reply);
    const fresh = items.filter((item) => !seen.has(textOf(item["id"]) ?? ""));
    for (const item of fresh) seen.add(textOf(item["id"]) ?? "");
    yield* fresh;
    const isLast = listing.paging === "cursor" && asRecord(reply)?.["has_more"] === false;
    if (listing.paging === "whole" || isLast || fresh.length === 0) return;
    query = { ...query, ...nextPage(listing, query, textOf(items.at(-1)?.["id"]) ?? "") };
  }
}

function firstPage({ paging, pageSize }: Listing): Query {
  if (paging === "cursor") return { limit: pageSize };
  return paging === "numbered" ? { page: 0, page_size: pageSize } : {};
}

function nextPage({ paging }: Listing, query: Query, lastId: string): Query {
  return paging === "cursor" ? { after: lastId } : { page: (numberOf(query["page"]) ?? 0) + 1 };
}

function itemsOf(reply: unknown): readonly Readonly<Record<string, unknown>>[] {
  const record = asRecord(reply);
  const list = Array.isArray(reply)
    ? (reply as unknown[])
    : (record?.["data"] ?? record?.["value"]);
  return (Array.isArray(list) ? (list as unknown[]) : []).flatMap((item) => {
    const object = asRecord(item);
    return object === null ? [] : [object];
  });
}
