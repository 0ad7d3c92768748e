/** Identities of requests in pages, so that one is found without reading all. */

import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import { InvariantError } from "../core/errors.ts";

/** The identities of consecutive requests. */
export interface IdPage {
  /** The ordinal of the first. */
  readonly first: number;
  readonly ids: Uint8Array;
}

const IDS_PER_PAGE = 4096;

/** Identities cut into pages; `first` is the ordinal of the first of them. */
export function idPages(ids: Uint8Array, first: number): readonly IdPage[] {
  const pageBytes = IDS_PER_PAGE * REQUEST_ID_BYTES;
  return Array.from({ length: Math.ceil(ids.byteLength / pageBytes) }, (_, page) => ({
    first: first + page * IDS_PER_PAGE,
    ids: ids.subarray(page * pageBytes, (page + 1) * pageBytes),
  }));
}

/** How many requests there are up to the end of the last page; 0 where there is no page. */
export function idsUpTo(last: { readonly first: number; readonly bytes: number } | null): number {
  return last === null ? 0 : last.first + last.bytes / REQUEST_ID_BYTES;
}

// Replies of a few chunks come in at the same time, each in an order of its own.
const PAGES_HELD = 64;

/** Gives the identities of requests, {@link REQUEST_ID_BYTES} bytes each; `read` gives the last page that begins at an ordinal or before it. */
export function requestIdFinder(
  read: (ordinal: number) => Promise<IdPage | null>,
): (ordinals: ArrayLike<number>) => Promise<Uint8Array> {
  const held = new Map<number, IdPage>();
  return async (ordinals) => {
    const ids = new Uint8Array(ordinals.length * REQUEST_ID_BYTES);
    let page: IdPage | null = null;
    for (let place = 0; place < ordinals.length;) {
      const ordinal = ordinals[place] ?? 0;
      if (page === null || !holds(page, ordinal)) page = await pageOf(ordinal);
      const most = page.first + page.ids.byteLength / REQUEST_ID_BYTES - ordinal;
      // Those that follow one another lie side by side.
      let count = 1;
      while (count < most && ordinals[place + count] === ordinal + count) count += 1;
      const at = (ordinal - page.first) * REQUEST_ID_BYTES;
      const end = at + count * REQUEST_ID_BYTES;
      ids.set(page.ids.subarray(at, end), place * REQUEST_ID_BYTES);
      place += count;
    }
    return ids;
  };

  async function pageOf(ordinal: number): Promise<IdPage> {
    for (const page of held.values()) if (holds(page, ordinal)) return page;
    const page = await read(ordinal);
    if (page === null || !holds(page, ordinal))
      throw new InvariantError("request_lost", `Request ${String(ordinal)} has no identity.`, {
        hint: "Keep the run directory and report this.",
      });
    const [oldest] = held.keys();
    if (held.size >= PAGES_HELD && oldest !== undefined) held.delete(oldest);
    held.set(page.first, page);
    return page;
  }
}

function holds({ first, ids }: IdPage, ordinal: number): boolean {
  return ordinal >= first && ordinal < first + ids.byteLength / REQUEST_ID_BYTES;
}
