/** Anthropic's lists: one page of things that have ids, read forwards or backwards. */
import { badRequest, refusal } from "./anthropic-errors.ts";

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 1000;

/** One page, as it goes over the wire. `first_id` and `last_id` are null on an empty page. */
export interface ListPage<T> {
  readonly data: readonly T[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

/**
 * The page of `items` that the query's `limit` and `after_id` or `before_id` ask for; throws the
 * refusal of bad ones. `has_more` looks in the direction that was asked for.
 */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
): ListPage<T> {
  const limit = Number(query.get("limit") ?? DEFAULT_LIMIT);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw refusal(badRequest(`limit: Input should be from 1 to ${String(MAX_LIMIT)}`));
  const after = query.get("after_id");
  const before = query.get("before_id");
  if (after !== null && before !== null)
    throw refusal(badRequest("Only one of before_id and after_id may be given."));
  const place = (id: string): number => {
    const index = items.findIndex((item) => item.id === id);
    if (index < 0) throw refusal(badRequest(`Nothing has the id ${id}.`));
    return index;
  };
  const end = before === null ? items.length : place(before);
  const start = after === null ? Math.max(0, before === null ? 0 : end - limit) : place(after) + 1;
  const data = items.slice(start, Math.min(end, start + limit));
  return {
    data,
    has_more: before === null ? start + limit < items.length : start > 0,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
