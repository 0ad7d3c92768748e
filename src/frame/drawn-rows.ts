/** Drawing a sample of rows, in memory that depends on its size and not on the number of rows. */

import { lowest, rowRanks, sharesOf, type Lowest, type RowSample } from "../core/sample.ts";

/** Some consecutive rows, some of which may be drawn. */
export interface Drawable {
  /** Counted from 0. */
  readonly firstRow: number;
  readonly rowCount: number;
  /** Whether a row, counted from 0 within these, may be drawn. */
  mayBe(row: number): boolean;
  /** The cells that share the sample out; null where nothing does. */
  readonly values: readonly (string | null)[] | null;
}

/** Whether a row, counted from 0, was drawn; `value` is its cell that shares the sample out. */
export type IsDrawn = (row: number, value: string | null) => boolean;

/** Draws from the rows that `read` gives, which it reads once, and twice where a column shares them out. */
export async function drawnRows(
  { rows, by, seed }: RowSample,
  read: () => AsyncIterable<Drawable>,
): Promise<IsDrawn> {
  const rankOf = rowRanks(seed);
  return by === null
    ? await drawnAlike(rows, rankOf, read)
    : await drawnByValue(rows, rankOf, read);
}

type RankOf = (row: number) => number;

async function drawnAlike(
  rows: number,
  rankOf: RankOf,
  read: () => AsyncIterable<Drawable>,
): Promise<IsDrawn> {
  const ranks = lowest(rows);
  for await (const block of read())
    for (let at = 0; at < block.rowCount; at++)
      if (block.mayBe(at)) ranks.add(rankOf(block.firstRow + at));
  const bound = ranks.bound();
  return (row) => rankOf(row) <= bound;
}

/** What is known of the rows with one value. */
interface ValueRows {
  count: number;
  /** The lowest of their ranks. */
  first: number;
}

async function drawnByValue(
  rows: number,
  rankOf: RankOf,
  read: () => AsyncIterable<Drawable>,
): Promise<IsDrawn> {
  const { values, isWhole } = await countedValues(rows, rankOf, read);
  if (!isWhole) {
    // More values than rows: each of those whose first row comes first gives that one.
    const firsts = new Set([...values.values()].map(({ first }) => first));
    return (row) => firsts.has(rankOf(row));
  }
  const shares = sharesOf(
    [...values.values()].map(({ count }) => ({ weight: count })),
    rows,
  );
  const ranks = new Map<string | null, Lowest>();
  for (const value of values.keys()) ranks.set(value, lowest(shares[ranks.size] ?? 0));
  for await (const block of read())
    for (let at = 0; at < block.rowCount; at++)
      if (block.mayBe(at)) ranks.get(block.values?.[at] ?? null)?.add(rankOf(block.firstRow + at));
  const bounds = new Map([...ranks].map(([value, own]) => [value, own.bound()]));
  return (row, value) => rankOf(row) <= (bounds.get(value) ?? -1);
}

/** The values by the lowest rank among their rows, as many as are drawn at most, and whether these are all there are. */
async function countedValues(
  most: number,
  rankOf: RankOf,
  read: () => AsyncIterable<Drawable>,
): Promise<{ readonly values: Map<string | null, ValueRows>; readonly isWhole: boolean }> {
  let values = new Map<string | null, ValueRows>();
  let isWhole = true;
  const sorted = (): void => {
    const inOrder = [...values].sort(([, a], [, b]) => a.first - b.first);
    isWhole &&= inOrder.length <= most;
    values = new Map(inOrder.slice(0, most));
  };
  for await (const block of read())
    for (let at = 0; at < block.rowCount; at++) {
      if (!block.mayBe(at)) continue;
      const rank = rankOf(block.firstRow + at);
      const value = block.values?.[at] ?? null;
      const known = values.get(value);
      if (known === undefined) {
        // A value that is left out here has so many others before it that it is in no sample of this size.
        if (values.size >= 2 * most) sorted();
        values.set(value, { count: 1, first: rank });
      } else {
        known.count += 1;
        known.first = Math.min(known.first, rank);
      }
    }
  sorted();
  return { values, isWhole };
}
