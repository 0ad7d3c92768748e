/** Putting replies that a cache was given into its index, a little at a time, so that whoever does it can be called away. */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import { LINES_PER_PACK } from "./reply-packs.ts";

/** What puts replies into the index of one opening of a cache. */
export interface ReplyIndexer {
  /** Does a little; false, and nothing done, where fewer than so many replies, in whole packs, wait for it. */
  goOn(least: number): boolean;
}

/** What an indexer needs of the cache. */
export interface IndexerInput {
  readonly database: DatabaseSync;
  /** Does work in a transaction of its own, whole or not at all. */
  readonly inTransaction: <Done>(work: () => Done) => Done;
  /** Told when replies have taken the place of earlier ones. */
  readonly onReplaced: () => void;
}

const PACKS_AT_ONCE = 1024;
const IDS_AT_ONCE = PACKS_AT_ONCE * LINES_PER_PACK;
// One statement for each id would take half as long again.
const IDS_IN_A_STATEMENT = 64;
const IDS_IN_A_TRANSACTION = 128 * IDS_IN_A_STATEMENT;

/** Ids that go into the index together, and how far they have. */
interface Series {
  readonly firstPack: number;
  readonly lastPack: number;
  readonly packs: number;
  readonly ids: Buffer;
  /** Where the reply to each is. */
  readonly places: Float64Array;
  /** The ids in the index's own order: in any other, each would touch a page of its own. */
  readonly order: Uint32Array;
  done: number;
}

/**
 * Begins where the index ends. A series that is broken off, or done by two processes at once, comes to the same:
 * until all of it is in, the index does not say that it is.
 */
export function replyIndexer({ database, inTransaction, onReplaced }: IndexerInput): ReplyIndexer {
  const behind = database.prepare(BEHIND);
  const packsIn = database.prepare(
    "select count(*) as packs from pack where number between ? and ?",
  );
  const note = database.prepare(NOTE);
  let series: Series | null = null;
  const isWhole = ({ firstPack, lastPack, packs }: Series): boolean =>
    packsIn.get(firstPack, lastPack)?.["packs"] === packs;
  return {
    goOn: (least) => {
      if (series === null) {
        const waiting = Number(behind.get()?.["packs"] ?? 0) * LINES_PER_PACK;
        if (waiting < Math.max(1, least)) return false;
        series = nextSeries(database);
      }
      const current = series;
      const end = Math.min(current.done + IDS_IN_A_TRANSACTION, current.order.length);
      const { isOver, hasReplaced } = inTransaction(() => {
        // Somebody may have cleared some of it since it was read.
        if (!isWhole(current)) return { isOver: true, hasReplaced: false };
        const isLast = end === current.order.length;
        if (isLast) note.run(current.lastPack);
        return { isOver: isLast, hasReplaced: addIds(database, current, end) };
      });
      current.done = end;
      if (isOver) series = null;
      if (hasReplaced) onReplaced();
      return true;
    },
  };
}

function nextSeries(database: DatabaseSync): Series {
  const packs = database.prepare(NEXT_PACKS).all(PACKS_AT_ONCE);
  const ids = Buffer.concat(packs.map((pack) => pack["ids"] as Uint8Array));
  const places = new Float64Array(ids.length / REQUEST_ID_BYTES);
  let count = 0;
  for (const { number, ids: own } of packs)
    for (let at = 0; at < (own as Uint8Array).length / REQUEST_ID_BYTES; at += 1)
      places[count++] = Number(number) * LINES_PER_PACK + at;
  // The upper half of the key, then the order they came in: the later reply to a request takes the place of the earlier.
  const sorted = new Float64Array(places.length);
  for (let at = 0; at < sorted.length; at += 1)
    sorted[at] = ids.readInt32BE(at * REQUEST_ID_BYTES) * IDS_AT_ONCE + at;
  sorted.sort();
  const order = new Uint32Array(sorted.length);
  for (const [at, key] of sorted.entries())
    order[at] = key - Math.floor(key / IDS_AT_ONCE) * IDS_AT_ONCE;
  return {
    firstPack: Number(packs[0]?.["number"] ?? 0),
    lastPack: Number(packs.at(-1)?.["number"] ?? 0),
    packs: packs.length,
    ids,
    places,
    order,
    done: 0,
  };
}

/** Adds the next ids; gives whether any took the place of earlier replies, whose packs are noted as outdated. */
function addIds(
  database: DatabaseSync,
  { ids, places, order, done }: Series,
  end: number,
): boolean {
  const addMany = database.prepare(addOf(IDS_IN_A_STATEMENT));
  const placeOf = database.prepare("select place from reply where id = ?");
  const outdate = database.prepare(OUTDATE);
  const replace = database.prepare("update reply set place = ? where id = ?");
  let hasReplaced = false;
  for (let first = done; first < end; first += IDS_IN_A_STATEMENT) {
    const row: (bigint | number)[] = [];
    for (const at of order.subarray(first, Math.min(first + IDS_IN_A_STATEMENT, end)))
      row.push(ids.readBigInt64BE(at * REQUEST_ID_BYTES), places[at] ?? 0);
    const count = row.length / 2;
    const add: StatementSync =
      count === IDS_IN_A_STATEMENT ? addMany : database.prepare(addOf(count));
    if (add.run(...row).changes === count) continue;
    for (let at = 0; at < row.length; at += 2) {
      const [id = 0, place = 0] = row.slice(at, at + 2);
      if (placeOf.get(id)?.["place"] === place) continue;
      outdate.run(id);
      replace.run(place, id);
      hasReplaced = true;
    }
  }
  return hasReplaced;
}

const addOf = (count: number): string =>
  `insert or ignore into reply (id, place) values ${"(?, ?), ".repeat(count - 1)}(?, ?)`;

const BEHIND = "select (select max(number) from pack) - up_to as packs from indexed";

const NEXT_PACKS =
  "select number, ids from pack where number > (select up_to from indexed) order by number limit ?";

// Another process may be further by now.
const NOTE = "update indexed set up_to = max(up_to, ?)";

const OUTDATE = `insert or ignore into outdated (pack)
  select place / ${String(LINES_PER_PACK)} from reply where id = ?`;
