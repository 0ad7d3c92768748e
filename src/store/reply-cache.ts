/** The cache of replies: what was answered once is not bought again, whatever run asked for it. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { StatementSync } from "node:sqlite";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { KeptLines } from "../core/kept-lines.ts";
import { replyFinder } from "./reply-finder.ts";
import { replyIndexer } from "./reply-indexer.ts";
import { LINES_PER_PACK, packedLines } from "./reply-packs.ts";
import { CACHE_SCHEMA } from "./schema.ts";
import { bytesOf } from "./sqlite-values.ts";
import { asStoreError, openDatabase, prepareDirectory } from "./sqlite-open.ts";

/** Usable replies and the requests they answer. */
export interface ReplyBatch {
  /** The requests' identities, {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array;
  /** The provider's reply lines exactly as received, one after another, each with a line feed after it. */
  readonly lines: Uint8Array;
  /** Where each line ends in `lines`, after its line feed. */
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
  /** The replies to requests, whose identities stand one after another; each pack is worth handing on whole. */
  find(ids: Uint8Array): KeptLines | Promise<KeptLines>;
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
  find(ids: Uint8Array): KeptLines;
  /** Keeps replies, in one transaction, in place of what was kept for the same requests. */
  put(replies: ReplyBatch, under: KeptUnder): void;
  /** Makes what was put quick to find; what is left to do is done by the next `find`, in whatever process. */
  index(): void;
  /** Does a little of that; false, and nothing done, where fewer than so many replies, in whole packs, wait for it. */
  indexSome(least: number): boolean;
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
  const indexer = replyIndexer({
    database,
    inTransaction,
    onReplaced: () => {
      finder.forget();
    },
  });
  const index = (): void => {
    while (indexer.goOn(1)) continue;
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
          addPack.run(...[provider, model, reading, now, named, bytesOf(own), packedLines(some)]);
        }
      });
    },
    index,
    indexSome: (least) => indexer.goOn(least),
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

  function inTransaction<Done>(work: () => Done): Done {
    try {
      database.exec("begin immediate");
      const done = work();
      database.exec("commit");
      return done;
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      throw asStoreError(error);
    }
  }
}

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

/** Lines that are texts without line feeds, as a batch; `ids` has one for each. */
export function replyBatch(ids: Uint8Array, lines: readonly string[]): ReplyBatch {
  const each = lines.map((line) => Buffer.from(`${line}\n`));
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
