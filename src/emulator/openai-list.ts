/** OpenAI's lists: one page of things that have ids. */
import { badRequest, notFound, refusal } from "./openai-errors.ts";

/** One page, as it goes over the wire. `first_id` and `last_id` are null on an empty page. */
export interface ListPage<T> {
  readonly object: "list";
  readonly data: readonly T[];
  readonly first_id: string | null;
  readonly last_id: string | null;
  readonly has_more: boolean;
}

/** The page of `items` that the query's `after` and `limit` ask for; throws the refusal of bad ones. */
export function pageOf<T extends { readonly id: string }>(
  items: readonly T[],
  query: URLSearchParams,
  limits: { readonly defaultLimit: number; readonly maxLimit: number },
): ListPage<T> {
  const limit = Number(query.get("limit") ?? limits.defaultLimit);
  if (!Number.isInteger(limit) || limit < 1 || limit > limits.maxLimit) {
    const message = `Invalid 'limit': expected an integer from 1 to ${String(limits.maxLimit)}.`;
    throw refusal(badRequest(message, "limit"));
  }
  const after = query.get("after");
  const start = after === null ? 0 : items.findIndex((item) => item.id === after) + 1;
  if (after !== null && start === 0)
    throw refusal(notFound(`Nothing has the id '${after}'.`, "after"));
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data.at(0)?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}
