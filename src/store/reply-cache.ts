/** The cache of replies: what was answered once is not bought again, whatever run asked for it. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import { CACHE_SCHEMA } from "./schema.ts";
import { bytesOf, textOrNull, uint32 } from "./sqlite-values.ts";
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

/** A reply as it is found again. */
export interface KeptReply {
  readonly line: string;
  /** As in {@link KeptUnder}. */
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
  /** The replies to requests, null where there is none. */
  find(
    ids: readonly string[],
  ): readonly (KeptReply | null)[] | Promise<readonly (KeptReply | null)[]>;
  /** Keeps replies in place of what was kept for the same requests. */
  put(replies: ReplyBatch, under: KeptUnder): void | Promise<void>;
  /** Makes what was put quick to find. */
  index(): void;
}

/** A cache of replies in a file, open. */
export interface ReplyCache extends SessionCache {
  /** Whether nothing is kept at all: then nothing need be looked for. */
  isEmpty(): boolean;
  /** The replies to requests, null where there is none. */
  find(ids: readonly string[]): readonly (KeptReply | null)[];
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
  const found = database.prepare(FIND);
  const packOfNumber = database.prepare(
    "select ids, ends, lines, reading from pack where number = ?",
  );
  const addPack = database.prepare(
    `insert into pack (provider, model, reading, saved_at_ms, ids, ends, lines)
     values (?, ?, ?, ?, ?, ?, ?)`,
  );
  const held = new Map<number, Pack>();
  const packOf = (number: number): Pack | null => {
    const known = held.get(number);
    if (known !== undefined) return known;
    const row = packOfNumber.get(number);
    // Another process may have cleared it just now.
    if (row === undefined) return null;
    const pack = {
      ids: row["ids"] as Uint8Array,
      ends: uint32(row["ends"]),
      lines: zstdDecompressSync(row["lines"] as Uint8Array),
      reading: textOrNull(row["reading"]),
    };
    const [oldest] = held.keys();
    if (held.size >= PACKS_HELD && oldest !== undefined) held.delete(oldest);
    held.set(number, pack);
    return pack;
  };
  const index = (): void => {
    // Not all at once: others write to the file as well.
    while (isBehind(database))
      inTransaction(() => {
        indexSome(database);
      });
  };
  return {
    isEmpty: () => database.prepare("select 1 from pack limit 1").get() === undefined,
    find: (ids) => {
      const replies = new Array<KeptReply | null>(ids.length).fill(null);
      if (ids.length === 0) return replies;
      index();
      const wanted = Buffer.from(ids.join(""), "hex");
      for (const row of found.all({ keys: keysOf(wanted) })) {
        const i = Number(row["i"]);
        const place = Number(row["place"]);
        const pack = packOf(Math.floor(place / LINES_PER_PACK));
        if (pack !== null) replies[i] = replyIn(pack, place % LINES_PER_PACK, idAt(wanted, i));
      }
      return replies;
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
        database.prepare(CLEAR_PACKS).run(meant);
      });
      held.clear();
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

interface Pack {
  readonly ids: Uint8Array;
  /** Where each line ends, in bytes. */
  readonly ends: Uint32Array;
  readonly lines: Buffer;
  readonly reading: string | null;
}

// A line that is looked for by itself is read with so many others; those of a file's rows follow each other.
const LINES_PER_PACK = 128;
const PACKS_HELD = 64;

// Replies are much alike: what is not written and synced saves more than packing costs.
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** The reply at a place of a pack; null where it answers another request whose id begins alike. */
function replyIn(
  { ids, ends, lines, reading }: Pack,
  at: number,
  id: Uint8Array,
): KeptReply | null {
  if (Buffer.compare(idAt(ids, at), id) !== 0) return null;
  return { line: lines.toString("utf8", at === 0 ? 0 : ends[at - 1], ends[at]), reading };
}

function idAt(ids: Uint8Array, at: number): Uint8Array {
  return ids.subarray(at * REQUEST_ID_BYTES, (at + 1) * REQUEST_ID_BYTES);
}

/** The keys of identities as JSON; bound one by one, they would take longer than the index. */
function keysOf(ids: Buffer): string {
  const keys: bigint[] = [];
  for (let at = 0; at < ids.length; at += REQUEST_ID_BYTES) keys.push(ids.readBigInt64BE(at));
  return `[${keys.join(",")}]`;
}

function isBehind(database: DatabaseSync): boolean {
  return database.prepare(BEHIND).get() !== undefined;
}

const PACKS_INDEXED_AT_ONCE = 4096;
const IDS_INDEXED_AT_ONCE = PACKS_INDEXED_AT_ONCE * LINES_PER_PACK;

/** Puts the ids of the next packs into the index, in its own order: in any other, each would touch a page of its own. */
function indexSome(database: DatabaseSync): void {
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
  const add = database.prepare("insert or replace into reply (id, place) values (?, ?)");
  for (const sorted of order) {
    const at = sorted - Math.floor(sorted / IDS_INDEXED_AT_ONCE) * IDS_INDEXED_AT_ONCE;
    add.run(ids.readBigInt64BE(at * REQUEST_ID_BYTES), places[at] ?? 0);
  }
  database.prepare("update indexed set up_to = ?").run(Number(packs.at(-1)?.["number"] ?? 0));
}

const BEHIND = "select 1 from indexed where (select max(number) from pack) > up_to";

const NEXT_PACKS =
  "select number, ids from pack where number > (select up_to from indexed) order by number limit ?";

const FIND = `select key as i, place from json_each(:keys) cross join reply on reply.id = value`;

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
