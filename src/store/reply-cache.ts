/** The cache of replies: what was answered once is not bought again, whatever run asked for it. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { constants, zstdCompressSync } from "node:zlib";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { FoundLines } from "../core/kept-lines.ts";
import { replyFinder } from "./reply-finder.ts";
import { LINES_PER_PACK } from "./reply-packs.ts";
import { CACHE_SCHEMA } from "./schema.ts";
import { bytesOf } from "./sqlite-values.ts";
import { asStoreError, openDatabase, prepareDirectory } from "./sqlite-open.ts";

/** Usable replies and the requests they answer. */
export interface ReplyBatch {
  /** The requests' identities, {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array;
  /** The provider's reply lines exactly as received, one after another, without line breaks. */
  readonly lines: Uint8Array;
  /** Where each line ends in `lines`. */
  readonly ends: Uint32Array;
}

/** What replies are kept under. */
export interface KeptUnder {
  readonly provider: string;
  readonly model: string;
  /** The mark of the reading by which every one of them is an accepted answer; null where none was tried, or none has a mark. */
  readonly reading: string | null;
}

/** What a cache holds of one model. */
export interface CacheShare {
  readonly provider: string;
  readonly model: string;
  readonly replies: number;
  /** What their lines take on the disk, packed. */
  readonly bytes: number;
  readonly oldest: Date;
  readonly newest: Date;
}

/** Which replies are meant; all when empty. */
export interface CacheFilter {
  readonly provider?: string;
  readonly model?: string;
  /** Replies saved before this, in epoch milliseconds. */
  readonly savedBeforeMs?: number;
}

/** A cache as a run uses it, whatever it is kept in. Failures are never in it. */
export interface SessionCache extends Disposable {
  /** Whether nothing is kept at all: then nothing need be looked for. */
  isEmpty(): boolean | Promise<boolean>;
  /** The replies to requests, whose identities stand one after another; their readings as in {@link KeptUnder}. */
  find(ids: Uint8Array): FoundLines | Promise<FoundLines>;
  /** Keeps replies in place of what was kept for the same requests. */
  put(replies: ReplyBatch, under: KeptUnder): void | Promise<void>;
  /** Makes what was put quick to find. */
  index(): void;
}

/** A cache of replies in a file, open. */
export interface ReplyCache extends SessionCache {
  /** Whether nothing is kept at all: then nothing need be looked for. */
  isEmpty(): boolean;
  /** The replies to requests; quickest where they are asked for in the order they were kept in. */
  find(ids: Uint8Array): FoundLines;
  /** Keeps replies, in one transaction, in place of what was kept for the same requests. */
  put(replies: ReplyBatch, under: KeptUnder): void;
  /** Makes what was put quick to find; what is left to do is done by the next `find`, in whatever process. */
  index(): void;
  /** What it holds, model by model, the largest first. */
  shares(): readonly CacheShare[];
  /** Deletes the replies that are meant and gives how many there were. */
  clear(filter: CacheFilter): number;
}

/**
 * Opens a cache file, or makes it with its folder. Several processes may use one at the same time.
 *
 * @throws {StoreError} `run_directory_unwritable`, `store_damaged`, `store_version`, `store_busy`, `disk_full`.
 */
export async function openReplyCache(path: string): Promise<ReplyCache> {
  await prepareDirectory(dirname(path));
  const database = openDatabase(path, false, CACHE_SCHEMA);
  // A reply that a power cut takes from the cache is still in its run; nothing hangs on this sync.
  // Ids are random: written back less often, a page takes up many of them at once.
  database.exec(
    "pragma synchronous = normal; pragma wal_autocheckpoint = 8000; pragma cache_size = -32000;",
  );
  const finder = replyFinder(database);
  const addPack = database.prepare(
    `insert into pack (provider, model, reading, saved_at_ms, ids, ends, lines)
     values (?, ?, ?, ?, ?, ?, ?)`,
  );
  const behind = database.prepare(BEHIND);
  const index = (): void => {
    // Not all at once: others write to the file as well.
    while (behind.get() !== undefined)
      inTransaction(() => {
        if (indexSome(database).replaced > 0) finder.forget();
      });
  };
  return {
    isEmpty: () => database.prepare("select 1 from pack limit 1").get() === undefined,
    find: (ids) => {
      if (ids.length > 0) index();
      return finder.find(ids);
    },
    put: ({ ids, lines, ends }, { provider, model, reading }) => {
      if (ends.length === 0) return;
      inTransaction(() => {
        const now = Date.now();
        for (let first = 0; first < ends.length; first += LINES_PER_PACK) {
          const last = Math.min(first + LINES_PER_PACK, ends.length);
          const start = first === 0 ? 0 : (ends[first - 1] ?? 0);
          const some = lines.subarray(start, ends[last - 1]);
          const own = ends.slice(first, last).map((end) => end - start);
          const named = ids.subarray(first * REQUEST_ID_BYTES, last * REQUEST_ID_BYTES);
          addPack.run(
            ...[provider, model, reading, now, named, bytesOf(own), zstdCompressSync(some, FAST)],
          );
        }
      });
    },
    index,
    shares: () => {
      index();
      return sharesOf(database.prepare(SHARES));
    },
    clear: (filter) => {
      const { provider = null, model = null, savedBeforeMs = null } = filter;
      const meant = { provider, model, savedBeforeMs };
      let cleared = 0;
      index();
      inTransaction(() => {
        cleared = Number(database.prepare(CLEAR_REPLIES).run(meant).changes);
        database.prepare(CLEAR_OUTDATED).run(meant);
        database.prepare(CLEAR_PACKS).run(meant);
      });
      finder.forget();
      return cleared;
    },
    [Symbol.dispose]: () => {
      database.close();
    },
  };

  function inTransaction(work: () => void): void {
    try {
      database.exec("begin immediate");
      work();
      database.exec("commit");
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      throw asStoreError(error);
    }
  }
}

// Replies are much alike: what is not written and synced saves more than packing costs.
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const PACKS_INDEXED_AT_ONCE = 1024;
const IDS_INDEXED_AT_ONCE = PACKS_INDEXED_AT_ONCE * LINES_PER_PACK;
// One statement for each id would take half as long again.
const IDS_IN_A_STATEMENT = 64;

/**
 * Puts the ids of the next packs into the index, in its own order: in any other, each would touch a page of its
 * own. Gives how many replies took the place of earlier ones, whose packs are from then on known as outdated.
 */
function indexSome(database: DatabaseSync): { readonly replaced: number } {
  const packs = database.prepare(NEXT_PACKS).all(PACKS_INDEXED_AT_ONCE);
  const ids = Buffer.concat(packs.map((pack) => pack["ids"] as Uint8Array));
  const places = new Float64Array(ids.length / REQUEST_ID_BYTES);
  let count = 0;
  for (const { number, ids: own } of packs)
    for (let at = 0; at < (own as Uint8Array).length / REQUEST_ID_BYTES; at += 1)
      places[count++] = Number(number) * LINES_PER_PACK + at;
  // The upper half of the key, then the order they came in: the later reply to a request takes the place of the earlier.
  const order = places
    .map((_, at) => ids.readInt32BE(at * REQUEST_ID_BYTES) * IDS_INDEXED_AT_ONCE + at)
    .sort();
  const add = (count: number): StatementSync =>
    database.prepare(
      `insert or ignore into reply (id, place) values ${"(?, ?), ".repeat(count - 1)}(?, ?)`,
    );
  const addMany = add(IDS_IN_A_STATEMENT);
  const placeOf = database.prepare("select place from reply where id = ?");
  const outdate = database.prepare(OUTDATE);
  const replace = database.prepare("update reply set place = ? where id = ?");
  let replaced = 0;
  for (let first = 0; first < order.length; first += IDS_IN_A_STATEMENT) {
    const row: (bigint | number)[] = [];
    for (const sorted of order.subarray(first, first + IDS_IN_A_STATEMENT)) {
      const at = sorted - Math.floor(sorted / IDS_INDEXED_AT_ONCE) * IDS_INDEXED_AT_ONCE;
      row.push(ids.readBigInt64BE(at * REQUEST_ID_BYTES), places[at] ?? 0);
    }
    const some = row.length / 2;
    if ((some === IDS_IN_A_STATEMENT ? addMany : add(some)).run(...row).changes === some) continue;
    for (let at = 0; at < row.length; at += 2) {
      const [id = 0, place = 0] = row.slice(at, at + 2);
      if (placeOf.get(id)?.["place"] === place) continue;
      outdate.run(id);
      replace.run(place, id);
      replaced += 1;
    }
  }
  database.prepare("update indexed set up_to = ?").run(Number(packs.at(-1)?.["number"] ?? 0));
  return { replaced };
}

const BEHIND = "select 1 from indexed where (select max(number) from pack) > up_to";

const NEXT_PACKS =
  "select number, ids from pack where number > (select up_to from indexed) order by number limit ?";

const OUTDATE = `insert or ignore into outdated (pack)
  select place / ${String(LINES_PER_PACK)} from reply where id = ?`;

const SHARES = `
  select provider, model, sum(kept) as replies, sum(length(lines)) as bytes,
    min(saved_at_ms) as oldest, max(saved_at_ms) as newest
  from pack join (select place / ${String(LINES_PER_PACK)} as pack, count(*) as kept from reply group by 1)
    on pack = number
  group by provider, model order by replies desc, provider, model`;

const MEANT = `(:provider is null or provider = :provider)
    and (:model is null or model = :model)
    and (:savedBeforeMs is null or saved_at_ms < :savedBeforeMs)`;

const CLEAR_REPLIES = `delete from reply where place / ${String(LINES_PER_PACK)} in
  (select number from pack where ${MEANT})`;

const CLEAR_OUTDATED = `delete from outdated where pack in (select number from pack where ${MEANT})`;

const CLEAR_PACKS = `delete from pack where ${MEANT}`;

function sharesOf(statement: StatementSync): readonly CacheShare[] {
  return statement.all().map((row) => ({
    provider: String(row["provider"]),
    model: String(row["model"]),
    replies: Number(row["replies"]),
    bytes: Number(row["bytes"]),
    oldest: new Date(Number(row["oldest"])),
    newest: new Date(Number(row["newest"])),
  }));
}

/** Lines that are texts, as a batch; `ids` has one for each. */
export function replyBatch(ids: Uint8Array, lines: readonly string[]): ReplyBatch {
  const each = lines.map((line) => Buffer.from(line));
  let end = 0;
  const ends = Uint32Array.from(each, ({ length }) => (end += length));
  return { ids, lines: Buffer.concat(each), ends };
}

/** The size of a cache file in bytes; null when there is none. */
export async function cacheFileBytes(path: string): Promise<number | null> {
  return await stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
