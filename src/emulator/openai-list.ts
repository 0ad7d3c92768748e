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

/** One page by number, as Mistral's lists have them: `total` counts all. */
export interface NumberedPage<T> {
  readonly object: "list";
  readonly data: readonly T[];
  readonly total: number;
}

const LARGEST_NUMBERED_PAGE = 100;

/** The page that the query's `page`, counted from 0, and `page_size` ask for; throws the refusal of bad ones. */
export function numberedPageOf<T>(items: readonly T[], query: URLSearchParams): NumberedPage<T> {
  const page = Number(query.get("page") ?? 0);
  const asked = Number(query.get("page_size") ?? LARGEST_NUMBERED_PAGE);
  if (!Number.isInteger(page) || page < 0 || !Number.isInteger(asked) || asked < 1)
    throw refusal(badRequest("Invalid 'page' or 'page_size'.", "page"));
  // A larger page is asked for in vain.
  const size = Math.min(asked, LARGEST_NUMBERED_PAGE);
  const data = items.slice(page * size, (page + 1) * size);
  return { object: "list", data, total: items.length };
}
