/** `batchframe cache`: what the cache of answers holds, and clearing it. */

import {
  cacheFileOf,
  clearCache,
  clearSharedCache,
  inspectCache,
  inspectSharedCache,
} from "../index.ts";
import type { LookFlags } from "./flags.ts";
import { ago, count, counted, megabytes } from "./format.ts";
import { shortPath } from "./paths.ts";
import { withState } from "./shared-runs.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";
import type { StateFlags } from "./worker.ts";

/** Flags of `cache`. */
export interface CacheFlags extends LookFlags, StateFlags {
  readonly cacheFile?: string;
}

/** Flags of `cache clear`; the age is in milliseconds. */
export interface ClearCacheFlags extends CacheFlags {
  readonly model?: string;
  readonly olderThan?: number;
}

/** Runs `cache info`; gives 0. With `--json` prints one object on standard output. */
export async function cacheInfoCommand(flags: CacheFlags, terminal: Terminal): Promise<number> {
  const isShared = flags.state !== undefined;
  const info = isShared
    ? await withState(flags, ({ database }) => inspectSharedCache(database))
    : await inspectCache(flags.cacheFile ?? cacheFileOf(flags.runDir));
  const name = isShared ? info.file : shortPath(info.file);
  terminal.data({ schemaVersion: 1, ...info });
  if (info.shares.length === 0) {
    terminal.say(`There are no answers in ${name}.`);
    return 0;
  }
  const replies = info.shares.reduce((sum, share) => sum + share.replies, 0);
  terminal.say(`${name}: ${counted(replies, "answer")}, ${megabytes(info.bytes ?? 0)}\n`);
  const columns = [
    { title: "model", whole: true },
    { title: "answers", align: "right", whole: true },
    { title: "size", align: "right" },
    { title: "oldest", align: "right", spare: true },
    { title: "newest", align: "right", spare: true },
  ] as const;
  const rows = info.shares.map((share) => [
    `${share.provider}/${share.model}`,
    count(share.replies),
    megabytes(share.bytes),
    ago(share.oldest),
    ago(share.newest),
  ]);
  terminal.say(tableText(columns, rows, terminal.width));
  return 0;
}

/** Runs `cache clear`; gives 0. What it deletes would be bought again by a new run. */
export async function cacheClearCommand(
  flags: ClearCacheFlags,
  terminal: Terminal,
): Promise<number> {
  const { model, olderThan } = flags;
  const slash = model?.indexOf("/") ?? -1;
  const filter = {
    ...(model === undefined || slash <= 0 ? {} : { provider: model.slice(0, slash) }),
    ...(model === undefined ? {} : { model: model.slice(slash + 1) }),
    ...(olderThan === undefined ? {} : { savedBeforeMs: Date.now() - olderThan }),
  };
  const cleared =
    flags.state === undefined
      ? await clearCache(flags.cacheFile ?? cacheFileOf(flags.runDir), filter)
      : await withState(flags, ({ database }) => clearSharedCache(database, filter));
  terminal.data({ schemaVersion: 1, cleared });
  terminal.say(`${counted(cleared, "answer")} cleared.`);
  return 0;
}
