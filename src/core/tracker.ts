/** The map between requests and the custom_ids they travel under, and the check that it is one to one. */

import { InvariantError } from "./errors.ts";

/** What a custom_id says. */
export interface Address {
  readonly chunk: number;
  /** The request's position in the plan, counted from 0. */
  readonly ordinal: number;
}

/**
 * The custom_id a request travels under in one chunk: the run's token, the chunk's number and the
 * request's position in the plan.
 *
 * At most 64 characters, beginning with a letter, of `[A-Za-z0-9_-]` only: the narrowest rules of any
 * provider (Anthropic's pattern, Together's length, Vertex turning numeric-looking ids into numbers).
 * Holds nothing from the rows. Each chunk number is used once, so no two sendings share an id.
 */
export function customId(token: string, address: Address): string {
  return `${customIdStart(token, address.chunk)}${String(address.ordinal)}`;
}

/** What stands before the request's position in the custom_ids of one chunk. */
export function customIdStart(token: string, chunk: number): string {
  return `${token}-${String(chunk)}-`;
}

const ADDRESS = /^([a-z][a-z0-9]{7})-(0|[1-9]\d{0,8})-(0|[1-9]\d{0,9})$/;

/** What stands for the run's token in the tags of batches that were submitted by hand and belong to no run. */
export const BY_HAND = "byhand00";

/** The address inside a custom_id, or null when the id was not made by this run. */
export function readCustomId(token: string, id: string): Address | null {
  const match = ADDRESS.exec(id);
  if (match?.[1] !== token) return null;
  return { chunk: Number(match[2]), ordinal: Number(match[3]) };
}

/** How the replies to a chunk matched what was sent; `answered + missing` is always the chunk's size. */
export interface Match {
  readonly answered: number;
  readonly missing: number;
  /** Lines for an id that had been answered already; the first line counts. */
  readonly duplicates: number;
  /** Lines with an id that was never sent in this chunk, or with none. */
  readonly unknown: number;
}

/** Ticks off the replies to one chunk, each request once. */
export interface Checklist {
  /** The request's place in the chunk when this is its first reply, else null (counted as duplicate or unknown). */
  tick(id: string | null): number | null;
  /** The places no reply came for, in order. */
  missing(): number[];
  match(): Match;
}

/**
 * A checklist for one chunk: `ordinals` are the requests it carries, strictly increasing.
 *
 * @throws {InvariantError} when the ordinals repeat or are out of order, since two requests would then share an id.
 */
export function checklist(token: string, chunk: number, ordinals: Uint32Array): Checklist {
  for (let place = 1; place < ordinals.length; place++)
    if ((ordinals[place] ?? 0) <= (ordinals[place - 1] ?? 0))
      throw new InvariantError(
        "tracker_order",
        `Chunk ${String(chunk)} lists request ${String(ordinals[place])} twice or out of order.`,
      );
  const seen = new Uint8Array(ordinals.length);
  const prefix = customId(token, { chunk, ordinal: 0 }).slice(0, -1);
  // Requests of a plan follow one another; those that were handed on do not.
  const first = ordinals[0] ?? 0;
  const isRange = (ordinals.at(-1) ?? 0) - first === ordinals.length - 1;
  const placeOf = (ordinal: number): number => {
    if (!isRange) return indexOf(ordinals, ordinal);
    return ordinal >= first && ordinal - first < ordinals.length ? ordinal - first : -1;
  };
  let answered = 0;
  let duplicates = 0;
  let unknown = 0;
  return {
    tick: (id) => {
      const ordinal = id?.startsWith(prefix) === true ? ordinalAfter(id, prefix.length) : null;
      const place = ordinal === null ? -1 : placeOf(ordinal);
      if (place < 0) {
        unknown += 1;
        return null;
      }
      if (seen[place] === 1) {
        duplicates += 1;
        return null;
      }
      seen[place] = 1;
      answered += 1;
      return place;
    },
    missing: () => [...seen.keys()].filter((place) => seen[place] === 0),
    match: () => ({ answered, missing: ordinals.length - answered, duplicates, unknown }),
  };
}

const DIGIT_0 = 0x30;
const MOST_DIGITS = 10;

/** The number that ends an id, written as {@link customId} writes it; null for any other. */
function ordinalAfter(id: string, start: number): number | null {
  const digits = id.length - start;
  if (digits < 1 || digits > MOST_DIGITS) return null;
  if (digits > 1 && id.charCodeAt(start) === DIGIT_0) return null;
  let ordinal = 0;
  for (let at = start; at < id.length; at += 1) {
    const digit = id.charCodeAt(at) - DIGIT_0;
    if (digit < 0 || digit > 9) return null;
    ordinal = 10 * ordinal + digit;
  }
  return ordinal;
}

function indexOf(sorted: Uint32Array, wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const value = sorted[middle] ?? 0;
    if (value === wanted) return middle;
    if (value < wanted) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
