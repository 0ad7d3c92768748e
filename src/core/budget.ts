/** A budget: what a run may spend, and whether the next chunk may be sent. */

import type { Chunk } from "./chunk.ts";
import { bandUsd } from "./plan-cost.ts";
import { spentUsd, type Price } from "./price.ts";

/** Where a run's money stands, in US dollars. */
export interface Books {
  /** For what was collected, by what the provider says was used. */
  readonly spentUsd: number;
  /** For what has been sent and is not collected, at the most it is expected to cost. */
  readonly reservedUsd: number;
}

/** The reason of an ending whose usage nobody can tell any more: it may have been charged in full. */
const UNTOLD = "results_gone";

/** What a chunk's money depends on. */
export type ChunkMoney = Pick<Chunk, "collection" | "ending" | "estimate" | "lane">;

/** What a collected chunk cost; nothing for any other. */
export function chunkUsd(chunk: ChunkMoney, price: Price): number {
  const { collection, ending, estimate, lane } = chunk;
  if (collection === null) return 0;
  const measured = spentUsd([collection], price, lane);
  if (ending?.reason?.code !== UNTOLD || estimate === null) return measured;
  return Math.max(measured, bandUsd(estimate, price, lane).high);
}

/**
 * The most a chunk that is not collected is expected to cost; Infinity where nobody has estimated it.
 *
 * `overrun` is by how much chunks of this run have turned out dearer than their own most.
 */
export function mostUsd(
  { estimate, lane }: Pick<Chunk, "estimate" | "lane">,
  price: Price,
  overrun = 1,
): number {
  if (estimate === null) return Number.POSITIVE_INFINITY;
  return bandUsd(estimate, price, lane).high * overrun;
}

/** By how much the dearest collected chunk has passed its estimate: 1.5 for half as much again, 1 where none has. */
export function overrunOf(chunks: readonly Chunk[], price: Price): number {
  return chunks.reduce((worst, chunk) => {
    if (chunk.collection === null || chunk.estimate === null) return worst;
    const most = mostUsd(chunk, price);
    return most === 0 ? worst : Math.max(worst, chunkUsd(chunk, price) / most);
  }, 1);
}

/** The books of a run. */
export function booksOf(chunks: readonly Chunk[], price: Price): Books {
  const overrun = overrunOf(chunks, price);
  let spent = 0;
  let reserved = 0;
  for (const chunk of chunks)
    if (chunk.state === "collected") spent += chunkUsd(chunk, price);
    else if (chunk.state !== "planned") reserved += mostUsd(chunk, price, overrun);
  return { spentUsd: spent, reservedUsd: reserved };
}

/**
 * A purse that several runs may spend from at once: the steps of a run of several columns, say.
 *
 * Every call is one step of one process, so two who ask at the same moment are never both given the
 * last dollar.
 */
export interface Purse {
  /** The most that may be spent, in US dollars. */
  readonly capUsd: number;
  /** Notes where a run stands, in place of what was noted for it before. */
  note(run: string, books: Books): void;
  /** Sets aside what one more chunk of a run may cost, if there is that much; says whether there was. */
  take(run: string, usd: number): boolean;
  /** What is neither spent nor set aside. */
  roomUsd(): number;
  /** What all runs together have spent. */
  spentUsd(): number;
  /** What runs other than this one have set aside, and may yet give back. */
  reservedByOthersUsd(run: string): number;
  /** Looks up what is spent by others than this process; left out where all who spend are in it. */
  readonly refresh?: () => Promise<void>;
  /** By how much chunks of runs that ask the same have passed their estimates; 1 when left out. */
  readonly overrun?: () => number;
}

// Sums of fractions of cents differ in their last digits by the order they are added in.
const DUST_USD = 1e-9;

/** A purse with so much in it, of which nothing is spent. */
export function purseOf(capUsd: number): Purse {
  const books = new Map<string, Books>();
  const sum = (of: (books: Books) => number): number =>
    [...books.values()].reduce((total, one) => total + of(one), 0);
  const roomUsd = (): number => capUsd - sum(({ spentUsd, reservedUsd }) => spentUsd + reservedUsd);
  return {
    capUsd,
    note: (run, now) => {
      books.set(run, now);
    },
    take: (run, usd) => {
      if (usd > roomUsd() + DUST_USD) return false;
      const { spentUsd = 0, reservedUsd = 0 } = books.get(run) ?? {};
      books.set(run, { spentUsd, reservedUsd: reservedUsd + usd });
      return true;
    },
    roomUsd,
    spentUsd: () => sum(({ spentUsd }) => spentUsd),
    reservedByOthersUsd: (run) =>
      [...books].reduce(
        (total, [one, { reservedUsd }]) => total + (one === run ? 0 : reservedUsd),
        0,
      ),
  };
}

/** How many requests of a chunk there is room for; at least 1 and fewer than it has, null where dividing it is no way out. */
export function affordablePart(chunk: Chunk, mostChunkUsd: number, roomUsd: number): number | null {
  if (!Number.isFinite(mostChunkUsd) || roomUsd <= 0) return null;
  const requests = Math.floor((chunk.requestCount * roomUsd) / mostChunkUsd);
  // Crumbs are not worth a batch each: a chunk in a thousand pieces would take a thousand times as long.
  const isCrumb = requests * MOST_PIECES < chunk.requestCount;
  return requests < 1 || requests >= chunk.requestCount || isCrumb ? null : requests;
}

const MOST_PIECES = 50;
