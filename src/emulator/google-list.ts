/** Google's lists: one page of things, and a token for the next. */
import { badRequest, refusal } from "./google-errors.ts";

/** One page; the token is left out on the last. */
export interface GooglePage<T> {
  readonly items: readonly T[];
  readonly nextPageToken?: string;
}

/** The page of `items` that the query's `pageSize` and `pageToken` ask for; a size beyond `most` is cut to it. */
export function googlePage<T>(
  items: readonly T[],
  query: URLSearchParams,
  sizes: { readonly usual: number; readonly most: number },
): GooglePage<T> {
  const asked = Number(query.get("pageSize") ?? sizes.usual);
  const start = Number(query.get("pageToken") ?? 0);
  if (!Number.isInteger(asked) || asked < 0) {
    throw refusal(badRequest("* page_size: must be a number from 0."));
  }
  if (!Number.isInteger(start) || start < 0) throw refusal(badRequest("* page_token: is invalid."));
  const end = start + Math.min(asked === 0 ? sizes.usual : asked, sizes.most);
  const rest = end < items.length ? { nextPageToken: String(end) } : {};
  return { items: items.slice(start, end), ...rest };
}
