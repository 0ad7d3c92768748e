/** The cache of replies, looked at and cleared by hand. */

import { join } from "node:path";
import { DEFAULT_RUN_DIR } from "./session/settings.ts";
import {
  cacheFileBytes,
  openReplyCache,
  type CacheFilter,
  type CacheShare,
} from "./store/reply-cache.ts";

/** The file of the cache that runs in a directory share, unless they were given another. */
export function cacheFileOf(runDir: string = DEFAULT_RUN_DIR): string {
  return join(runDir, "cache.sqlite");
}

/** What a cache file holds. */
export interface CacheInfo {
  readonly file: string;
  /** The file's size; null when there is none. */
  readonly bytes: number | null;
  /** By model, the largest first. */
  readonly shares: readonly CacheShare[];
}

/**
 * What a cache holds, model by model; nothing, and no file made, where there is none.
 *
 * @throws {StoreError} for a file that is no cache.
 */
export async function inspectCache(file: string): Promise<CacheInfo> {
  const bytes = await cacheFileBytes(file);
  if (bytes === null) return { file, bytes, shares: [] };
  const cache = await openReplyCache(file);
  try {
    return { file, bytes, shares: cache.shares() };
  } finally {
    cache[Symbol.dispose]();
  }
}

/**
 * Deletes replies from a cache, all or those that are meant, and gives how many. Runs keep their own
 * answers; what is deleted here would be bought again by a new run.
 *
 * @throws {StoreError} for a file that is no cache.
 */
export async function clearCache(file: string, filter: CacheFilter = {}): Promise<number> {
  if ((await cacheFileBytes(file)) === null) return 0;
  const cache = await openReplyCache(file);
  try {
    return cache.clear(filter);
  } finally {
    cache[Symbol.dispose]();
  }
}
