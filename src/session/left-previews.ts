/** Previews that were killed: the answers they had paid for go to the cache. */

import { createReadStream, existsSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { requestFileName } from "../core/chunk.ts";
import { StoreError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { readCustomId } from "../core/tracker.ts";
import type { BatchProvider } from "../provider/provider.ts";
import {
  openReplyCache,
  replyBatch,
  type ReplyBatch,
  type SessionCache,
} from "../store/reply-cache.ts";
import { openSqliteStore, STORE_FILE } from "../store/sqlite.ts";
import { removeRunFiles } from "../store/sqlite-remove.ts";
import type { Store } from "../store/store.ts";

/** The folder of previews among the runs; no run can have this name. */
export const PREVIEWS = ".previews";

/** What takes over left answers. */
export interface Taker {
  /** The directory that holds the runs. */
  readonly runDir: string;
  readonly cache: Pick<SessionCache, "put">;
  readonly provider: Pick<BatchProvider, "id" | "parse">;
}

/**
 * Keeps the answers of previews that ended before they could, and removes what is left of those.
 *
 * A preview that a process is busy with is left alone, as is one of another provider, whose replies
 * cannot be read here.
 */
export async function takeLeftPreviews(taker: Taker): Promise<void> {
  const folder = join(taker.runDir, PREVIEWS);
  for (const name of await readdir(folder).catch(() => [])) {
    const directory = join(folder, name);
    // A preview of long texts in pieces is several runs below one folder.
    const inner = (await readdir(directory).catch(() => [])).map((one) => join(directory, one));
    for (const place of [directory, ...inner])
      if (existsSync(join(place, STORE_FILE))) await takeOne(place, taker);
    await rmdir(directory).catch(() => undefined);
  }
}

/** The same with the cache of a file. */
export async function takeLeftPreviewsInto(
  file: string,
  taker: Omit<Taker, "cache">,
): Promise<void> {
  const cache = await openReplyCache(file);
  try {
    await takeLeftPreviews({ ...taker, cache });
  } finally {
    cache[Symbol.dispose]();
  }
}

async function takeOne(directory: string, { cache, provider }: Taker): Promise<void> {
  const store = await openSqliteStore(directory, null).catch((error: unknown) => {
    // Somebody is at work in it, or it cannot be read: in either case it is not ours to touch.
    if (error instanceof StoreError) return null;
    throw error;
  });
  if (store === null) return;
  try {
    const { spec } = await store.run();
    const of = spec as { readonly provider: string; readonly model: string };
    if (of.provider !== provider.id) return;
    await cache.put(await leftReplies(store, provider), { ...of, reading: null });
  } finally {
    await store[Symbol.asyncDispose]();
  }
  await removeRunFiles(directory);
}

async function leftReplies(
  store: Store,
  provider: Pick<BatchProvider, "parse">,
): Promise<ReplyBatch> {
  const { token } = await store.run();
  const ordinals: number[] = [];
  const lines: string[] = [];
  for (const { number, state } of await store.chunks()) {
    // What was collected is in the cache already.
    if (state === "collected") continue;
    const journal = `${store.files.path(requestFileName(number))}.journal`;
    if (!existsSync(journal)) continue;
    for await (const { text, terminated } of linesOf(createReadStream(journal))) {
      const result = terminated ? provider.parse(text) : null;
      const at = result?.status === "succeeded" ? readCustomId(token, result.customId ?? "") : null;
      if (at === null) continue;
      ordinals.push(at.ordinal);
      lines.push(text);
    }
  }
  return replyBatch(await store.idsOf(ordinals), lines);
}
