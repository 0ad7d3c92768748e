/** Samples of rows: an order that follows from a seed and the rows' numbers alone, and how many each value is given. */

import { InputError } from "./errors.ts";
import { contentHash } from "./hash.ts";

/** A sample of rows, as it is wished. */
export interface SampleOption {
  /** How many rows are drawn; all where there are no more. */
  readonly rows: number;
  /**
   * The column by whose values the rows are shared out: each value gets a row as far as they go round, and
   * more in proportion to its rows. Drawn from all rows alike when left out.
   */
  readonly by?: string;
  /** Another seed draws other rows; 0 when left out. */
  readonly seed?: number;
}

/** A sample of rows, as it was drawn. */
export interface RowSample {
  readonly rows: number;
  /** Null where no column shares them out. */
  readonly by: string | null;
  readonly seed: number;
}

/** The sample that is wished, with what was left out. @throws {InputError} `option_invalid`; nothing was sent. */
export function rowSample({ rows, by, seed = 0 }: SampleOption): RowSample {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new InputError(
      "option_invalid",
      `A sample has a whole number of rows above 0; ${String(rows)} were wished. Nothing was sent.`,
    );
  checkSeed(seed);
  return { rows, by: by ?? null, seed };
}

/** The wish that a sample was drawn for. */
export function sampleOption({ rows, by, seed }: RowSample): SampleOption {
  return { rows, seed, ...(by === null ? {} : { by }) };
}

/** Refuses other seeds than samples have. @throws {InputError} `option_invalid` for a seed that is no whole number from 0 on; nothing was sent. */
export function checkSeed(seed: number): void {
  if (Number.isSafeInteger(seed) && seed >= 0) return;
  throw new InputError(
    "option_invalid",
    `The seed of a sample must be a whole number from 0 on; it is ${String(seed)}. Nothing was sent.`,
  );
}

/**
 * Ranks rows by their positions: a whole number below 2^32 for each, in an order that looks drawn at random
 * and follows from the seed alone. No two of the first 2^32 rows have the same rank.
 *
 * The rows of the lowest ranks are the sample, so that a larger one contains every smaller one.
 */
export function rowRanks(seed: number): (row: number) => number {
  const hash = contentHash(`sample ${String(seed)}`);
  const [a, b] = [hash.slice(0, 8), hash.slice(8, 16)].map((part) => Number.parseInt(part, 16));
  return (row) => mixed(mixed(row ^ (a ?? 0)) ^ (b ?? 0)) >>> 0;
}

/** The finaliser of MurmurHash3: every bit of the result depends on every bit given, and no two numbers give the same. */
function mixed(number: number): number {
  let bits = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}

/** The lowest of many numbers, in memory for twice as many as are wanted. */
export interface Lowest {
  /** Takes a whole number below 2^32, none twice. */
  add(number: number): void;
  /** The greatest of the lowest; Infinity where there were no more than are wanted. */
  bound(): number;
}

const FIRST_ROOM = 1024;

/** Keeps the lowest `count` numbers, one at least, of those it is given. */
export function lowest(count: number): Lowest {
  let kept = new Uint32Array(Math.min(2 * count, FIRST_ROOM));
  let size = 0;
  let seen = 0;
  let bound = Number.POSITIVE_INFINITY;
  return {
    add: (number) => {
      seen += 1;
      if (number > bound) return;
      if (size === kept.length && size < 2 * count) grow();
      else if (size === kept.length) thin();
      kept[size++] = number;
    },
    bound: () => {
      if (seen <= count) return Number.POSITIVE_INFINITY;
      thin();
      return bound;
    },
  };

  function grow(): void {
    const larger = new Uint32Array(Math.min(2 * count, 2 * kept.length));
    larger.set(kept);
    kept = larger;
  }

  function thin(): void {
    if (size <= count) return;
    kept.subarray(0, size).sort();
    size = count;
    bound = kept[count - 1] ?? bound;
  }
}

/** One of several groups among which a sample is shared out. */
export interface ShareGroup {
  /** How many rows it stands for. */
  readonly weight: number;
  /** How many it can give; as many as it stands for when left out. */
  readonly most?: number;
}

// Shares change at multiples of 1 / (2 weight); this is fine enough to tell those of 2^32 rows apart.
const HALVINGS = 45;

/**
 * How many rows each group gives to a sample of `rows`: one, for as many groups as there are rows for, the
 * first ones first; then as many as bring the shares nearest to the weights (Sainte-Laguë).
 *
 * A group's share never falls where more rows are drawn. Shares add up to `rows`, or to all that the groups
 * can give where that is less.
 */
export function sharesOf(groups: readonly ShareGroup[], rows: number): Uint32Array {
  const shareAt = ({ weight, most = weight }: ShareGroup, scale: number): number =>
    Math.min(most, Math.max(1, Math.floor(scale * weight + 0.5)));
  const sumAt = (scale: number): number =>
    groups.reduce((sum, group) => sum + shareAt(group, scale), 0);
  const shares = new Uint32Array(groups.length);
  if (sumAt(0) > rows) {
    let left = rows;
    for (const [at, group] of groups.entries()) {
      shares[at] = Math.min(left, shareAt(group, 0));
      left -= shares[at] ?? 0;
    }
    return shares;
  }
  let [low, high] = [0, 1];
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    if (sumAt(middle) <= rows) low = middle;
    else high = middle;
  }
  if (sumAt(high) <= rows) low = high;
  let left = rows - sumAt(low);
  for (const [at, group] of groups.entries()) {
    shares[at] = shareAt(group, low);
    // What the next step would give to several goes to the first of them.
    if (left > 0 && shareAt(group, high) > (shares[at] ?? 0)) {
      shares[at] = (shares[at] ?? 0) + 1;
      left -= 1;
    }
  }
  return shares;
}
