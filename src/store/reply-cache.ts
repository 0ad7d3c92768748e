/** The cache of replies: what was answered once is not bought again, whatever run asked for it. */

import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { StatementSync } from "node:sqlite";
import { CACHE_SCHEMA } from "./schema.ts";
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
  /** The reply to a request, null when there is none. */
  get(id: string): string | null;
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
  database.exec("pragma synchronous = normal; pragma wal_autocheckpoint = 8000;");
  const found = database.prepare("select line from reply where id = ?");
  const kept = database.prepare(
    "insert or replace into reply (id, provider, model, saved_at_ms, line) values (?, ?, ?, ?, ?)",
  );
  return {
    isEmpty: () => database.prepare("select 1 from reply limit 1").get() === undefined,
    get: (id) => {
      const line = found.get(idBytes(id))?.["line"];
      return line instanceof Uint8Array ? Buffer.from(line).toString("utf8") : null;
    },
    put: (replies, { provider, model }) => {
      if (replies.length === 0) return;
      inTransaction(() => {
        const now = Date.now();
        for (const { id, line } of replies)
          kept.run(idBytes(id), provider, model, now, Buffer.from(line, "utf8"));
      });
    },
    shares: () => sharesOf(database.prepare(SHARES)),
    clear: (filter) => {
      const { provider = null, model = null, savedBeforeMs = null } = filter;
      const { changes } = database.prepare(CLEAR).run({ provider, model, savedBeforeMs });
      return Number(changes);
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

const SHARES = `
  select provider, model, count(*) as replies, sum(length(line)) as bytes,
    min(saved_at_ms) as oldest, max(saved_at_ms) as newest
  from reply group by provider, model order by replies desc, provider, model`;

const CLEAR = `
  delete from reply where (:provider is null or provider = :provider)
    and (:model is null or model = :model)
    and (:savedBeforeMs is null or saved_at_ms < :savedBeforeMs)`;

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

function idBytes(id: string): Buffer {
  return Buffer.from(id, "hex");
}

/** The size of a cache file in bytes; null when there is none. */
export async function cacheFileBytes(path: string): Promise<number | null> {
  return await stat(path).then(
    ({ size }) => size,
    () => null,
  );
}
