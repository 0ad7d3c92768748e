/** The purse of a shared run, as the worker that drives one of its parts sees it. */

import type { Purse } from "../core/budget.ts";
import type { Database } from "../store/postgres-client.ts";
import { readBooks, roomIn, type DatasetBooks } from "../store/postgres-purse.ts";

/**
 * The purse that all parts of a dataset spend from.
 *
 * What it says is as of its last refresh: it tells which chunks are worth trying, and when there is no
 * room for more. Whether one is sent is decided in the transaction that records its intent.
 */
export function sharedPurse(
  database: Database,
  of: { readonly dataset: string; readonly run: string; readonly capUsd: number },
): Purse {
  const none = { spentUsd: 0, reservedUsd: 0, ownReservedUsd: 0, overrun: 1 };
  let books: DatasetBooks = { capUsd: of.capUsd, ...none };
  let taken = 0;
  return {
    get capUsd() {
      return books.capUsd ?? Number.POSITIVE_INFINITY;
    },
    // The database notes for itself what becomes of each chunk, in the transaction in which it does.
    note: () => undefined,
    take: (_run, usd) => {
      if (usd > roomIn(books) - taken) return false;
      taken += usd;
      return true;
    },
    roomUsd: () => roomIn(books) - taken,
    spentUsd: () => books.spentUsd ?? 0,
    reservedByOthersUsd: () => books.reservedUsd,
    refresh: async () => {
      books = await readBooks(database, of.dataset, of.run);
      taken = 0;
    },
    overrun: () => books.overrun,
  };
}
