/**
 * Finding kept replies by the identities of their requests.
 *
 * A later run asks for them in nearly the order they were kept in. So the packs that come next are read ahead, and
 * what they hold is found without the index; the index is asked, many at a time, for what is not there.
 */

import type { DatabaseSync } from "node:sqlite";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { KeptLines, LinePack } from "../core/kept-lines.ts";
import { LINES_PER_PACK, packHanding, unpackedOnce } from "./reply-packs.ts";
import { textOrNull, uint32 } from "./sqlite-values.ts";

/** Finds replies in the database of a cache. */
export interface ReplyFinder {
  /** The replies to requests, whose identities stand one after another; each pack is worth handing on whole. */
  find(ids: Uint8Array): KeptLines;
  /** Lets go of what was read; for who has changed what is kept. What others change is noticed. */
  forget(): void;
}

/** Identities as numbers of 32 bits: compared byte by byte they take four times as long. */
type Words = Uint32Array;

const WORDS_PER_ID = REQUEST_ID_BYTES / 4;

interface Pack extends LinePack {
  readonly number: number;
  /** The identities of the requests to its lines. */
  readonly ids: Words;
  /** Whether each of its lines is the last that was kept for its request. */
  readonly isCurrent: boolean;
  /** Whether the pack after it has been read. */
  isLed: boolean;
}

// Files that were answered side by side are kept in turns: so many packs are gone through at once.
const PACKS_HELD = 64;

// By bits of an identity: where it may stand, one added, among the packs that are held. What falls together is
// found by the index.
const PLACE_BITS = 18;

/** A finder that has read nothing. */
export function replyFinder(database: DatabaseSync): ReplyFinder {
  const indexed = database.prepare(INDEXED);
  const onePack = database.prepare(PACK);
  const changes = database.prepare("pragma data_version");
  const handOn = packHanding();
  const slots = new Array<Pack | null>(PACKS_HELD).fill(null);
  const held = new Map<number, Pack>();
  const known = new Uint16Array(1 << PLACE_BITS);
  let read = 0;
  let version: unknown = null;

  const forget = (): void => {
    held.clear();
    slots.fill(null);
  };

  const packOf = (number: number): Pack | null => {
    const before = held.get(number);
    if (before !== undefined) return before;
    const row = onePack.get(number);
    // Another process may have cleared it just now.
    if (row === undefined) return null;
    const ends = uint32(row["ends"]);
    const packed = row["lines"] as Uint8Array;
    const pack: Pack = {
      number,
      ids: uint32(row["ids"]),
      packed,
      ends,
      lines: unpackedOnce(packed, ends.at(-1) ?? 0),
      reading: textOrNull(row["reading"]),
      isCurrent: row["outdated"] === 0,
      isLed: false,
    };
    const slot = read++ % PACKS_HELD;
    held.delete(slots[slot]?.number ?? number);
    held.set(number, pack);
    slots[slot] = pack;
    if (pack.isCurrent)
      for (let place = 0; place < pack.ends.length; place++)
        known[bitsAt(pack.ids, place)] = slot * LINES_PER_PACK + place + 1;
    return pack;
  };

  return {
    forget,
    find: (asked) => {
      const ids = uint32(asked);
      const count = ids.length / WORDS_PER_ID;
      const now = changes.get()?.["data_version"];
      if (now !== version) forget();
      version = now;
      const packs = new Array<Pack | null>(count).fill(null);
      const places = new Uint32Array(count);
      const missed: number[] = [];
      for (let at = 0; at < count; at++) {
        const place = (known[bitsAt(ids, at)] ?? 0) - 1;
        const pack = place < 0 ? null : (slots[Math.floor(place / LINES_PER_PACK)] ?? null);
        if (pack?.isCurrent !== true || !isSame(pack.ids, place % LINES_PER_PACK, { ids, at })) {
          missed.push(at);
          continue;
        }
        packs[at] = pack;
        places[at] = place % LINES_PER_PACK;
        if (!pack.isLed) packOf(pack.number + 1);
        pack.isLed = true;
      }
      if (missed.length > 0)
        for (const row of indexed.all({ keys: keysOf(asked, missed) })) {
          const at = missed[Number(row["i"])] ?? 0;
          const where = Number(row["place"]);
          const pack = packOf(Math.floor(where / LINES_PER_PACK));
          const place = where % LINES_PER_PACK;
          // The reply may be to another request, whose identity begins alike.
          if (pack === null || !isSame(pack.ids, place, { ids, at })) continue;
          packs[at] = pack;
          places[at] = place;
        }
      return handOn(packs, places);
    },
  };
}

function bitsAt(ids: Words, at: number): number {
  return (ids[at * WORDS_PER_ID] ?? 0) >>> (32 - PLACE_BITS);
}

function isSame(
  known: Words,
  place: number,
  { ids, at }: { readonly ids: Words; readonly at: number },
): boolean {
  for (let word = 0; word < WORDS_PER_ID; word++)
    if (known[place * WORDS_PER_ID + word] !== ids[at * WORDS_PER_ID + word]) return false;
  return true;
}

/** The keys of some identities as JSON; bound one by one, they would take longer than the index. */
function keysOf(ids: Uint8Array, places: readonly number[]): string {
  const bytes = Buffer.from(ids.buffer, ids.byteOffset, ids.byteLength);
  return `[${places.map((at) => bytes.readBigInt64BE(at * REQUEST_ID_BYTES)).join(",")}]`;
}

const INDEXED = `select key as i, place from json_each(:keys) cross join reply on reply.id = value`;

const PACK = `select ids, ends, lines, reading,
    exists (select 1 from outdated where pack = number) as outdated
  from pack where number = ?`;
