/** The cache of replies: what was answered once is not bought again, whatever run asked for it. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { StatementSync } from "node:sqlite";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { CACHE_SCHEMA } from "./schema.ts";
import { bytesOf, uint32 } from "./sqlite-values.ts";
import { asStoreError, openDatabase, prepareDirectory } from "./sqlite-open.ts";

/** A usable reply and the request it answers. */
export interface CachedReply {
  /** The request's identity, 32 hexadecimal digits. */
  readonly id: string;
  /** The provider's reply line, exactly as received, without its line break. */
  readonly line: string;
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

/** A cache of replies, open. Failures are never in it. */
export interface ReplyCache extends Disposable {
  /** Whether nothing is kept at all: then nothing need be looked for. */
  isEmpty(): boolean;
  /** The replies to requests, null where there is none. */
  find(ids: readonly string[]): readonly (string | null)[];
  /** Keeps replies, in one transaction, in place of what was kept for the same requests. */
  put(replies: readonly CachedReply[], model: { provider: string; model: string }): void;
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
  const packOfNumber = database.prepare("select ends, lines from pack where number = ?");
  const addPack = database.prepare(
    "insert into pack (provider, model, saved_at_ms, ends, lines) values (?, ?, ?, ?, ?)",
  );
  const addIds = database.prepare(ADD_IDS);
  const held = new Map<number, Pack>();
  const packOf = (number: number): Pack | null => {
    const known = held.get(number);
    if (known !== undefined) return known;
    const row = packOfNumber.get(number);
    // Another process may have cleared it just now.
    if (row === undefined) return null;
    const pack = {
      ends: uint32(row["ends"]),
      lines: zstdDecompressSync(row["lines"] as Uint8Array),
    };
    const [oldest] = held.keys();
    if (held.size >= PACKS_HELD && oldest !== undefined) held.delete(oldest);
    held.set(number, pack);
    return pack;
  };
  return {
    isEmpty: () => database.prepare("select 1 from reply limit 1").get() === undefined,
    find: (ids) => {
      const lines = new Array<string | null>(ids.length).fill(null);
      if (ids.length === 0) return lines;
      for (const row of found.all({ ids: idBytes(ids), last: ids.length - 1 })) {
        const pack = packOf(Number(row["pack"]));
        if (pack !== null) lines[Number(row["i"])] = lineIn(pack, Number(row["at"]));
      }
      return lines;
    },
    put: (replies, { provider, model }) => {
      if (replies.length === 0) return;
      inTransaction(() => {
        const now = Date.now();
        for (let first = 0; first < replies.length; first += LINES_PER_PACK) {
          const some = replies.slice(first, first + LINES_PER_PACK);
          const lines = some.map(({ line }) => Buffer.from(line));
          let end = 0;
          const ends = Uint32Array.from(lines, ({ length }) => (end += length));
          const { lastInsertRowid } = addPack.run(
            ...[provider, model, now, bytesOf(ends), packed(Buffer.concat(lines))],
          );
          const ids = idBytes(some.map(({ id }) => id));
          addIds.run({ ids, last: some.length - 1, pack: lastInsertRowid });
        }
      });
    },
    shares: () => sharesOf(database.prepare(SHARES)),
    clear: (filter) => {
      const { provider = null, model = null, savedBeforeMs = null } = filter;
      const meant = { provider, model, savedBeforeMs };
      let cleared = 0;
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
  /** Where each line ends, in bytes. */
  readonly ends: Uint32Array;
  readonly lines: Buffer;
}

// A line that is looked for by itself is read with so many others; those of a file's rows follow each other.
const LINES_PER_PACK = 128;
const PACKS_HELD = 64;

// Replies are much alike: what is not written and synced saves more than packing costs.
const FAST = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

function packed(lines: Buffer): Buffer {
  return zstdCompressSync(lines, FAST);
}

function lineIn({ ends, lines }: Pack, at: number): string {
  return lines.toString("utf8", at === 0 ? 0 : ends[at - 1], ends[at]);
}

// Ids come as one blob: bound one by one, they would take longer than the index.
const NUMBERS = `with recursive number(i) as (
  select 0 union all select i + 1 from number where i < :last)`;

const ADD_IDS = `insert or replace into reply (id, pack, at)
  ${NUMBERS} select substr(:ids, i * 16 + 1, 16), :pack, i from number`;

const FIND = `${NUMBERS} select i, pack, at from number
  cross join reply on reply.id = substr(:ids, i * 16 + 1, 16)`;

const SHARES = `
  select provider, model, sum(kept) as replies, sum(length(lines)) as bytes,
    min(saved_at_ms) as oldest, max(saved_at_ms) as newest
  from pack join (select pack, count(*) as kept from reply group by pack) on pack = number
  group by provider, model order by replies desc, provider, model`;

const MEANT = `(:provider is null or provider = :provider)
    and (:model is null or model = :model)
    and (:savedBeforeMs is null or saved_at_ms < :savedBeforeMs)`;

const CLEAR_REPLIES = `delete from reply where pack in (select number from pack where ${MEANT})`;

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

function idBytes(ids: readonly string[]): Buffer {
  return Buffer.from(ids.join(""), "hex");
}

/** The size of a cache file in bytes; null when there is none. */
export async function cacheFileBytes(path: string): Promise<number | null> {
  return await stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
