/** The cache that all shared runs of a state have, looked at and cleared by hand. */

import type { CacheInfo } from "../cache.ts";
import { clearSharedReplies, sharedCacheShares } from "../store/postgres-cache.ts";
import type { Database } from "../store/postgres-client.ts";
import type { CacheFilter } from "../store/reply-cache.ts";

/** What the cache of a state holds, model by model; `file` is the state's name. */
export async function inspectSharedCache(database: Database): Promise<CacheInfo> {
  return { file: database.name, ...(await sharedCacheShares(database)) };
}

/**
 * Deletes replies from the cache of a state, all or those that are meant, and gives how many. Runs keep
 * their own answers; what is deleted here would be bought again by a new run.
 */
export async function clearSharedCache(
  database: Database,
  filter: CacheFilter = {},
): Promise<number> {
  return await clearSharedReplies(database, filter);
}
