/** Anthropic's prompt caching: which blocks are marked. */

import type { PromptCache } from "../core/call-settings.ts";
import type { JsonObject } from "../core/hash.ts";
import { unsupportedSetting } from "./refusals.ts";

/** A content block or a tool: something that can carry a mark. */
export type Block = JsonObject;

// Source: prompt caching guide.
const MOST_MARKS = 4;

/**
 * The `cache_control` that marks are made with; null where nothing is to be cached.
 *
 * @throws {InputError} `setting_unsupported` for more than four marks, or a lifetime and no mark.
 */
export function cacheMark(cache: PromptCache | null): Block | null {
  if (cache === null) return null;
  const { system = false, tools = false, lastUserMessages = 0, ttl } = cache;
  const marks = Number(system) + Number(tools) + lastUserMessages;
  if (!Number.isSafeInteger(lastUserMessages) || lastUserMessages < 0 || marks > MOST_MARKS)
    throw unsupportedSetting(
      "promptCache.lastUserMessages",
      "anthropic",
      `of ${String(lastUserMessages)}: a request has ${String(MOST_MARKS)} cache marks at most, those of system and tools included`,
    );
  if (marks > 0) return { type: "ephemeral", ...(ttl === undefined ? {} : { ttl }) };
  if (ttl !== undefined)
    throw unsupportedSetting("promptCache.ttl", "anthropic", "nothing is marked that could last");
  return null;
}

/** The same blocks with a mark on the last; unchanged where there are none or `mark` is null. */
export function markedLast(blocks: readonly Block[], mark: Block | null): readonly Block[] {
  const last = blocks.at(-1);
  if (last === undefined || mark === null) return blocks;
  return [...blocks.slice(0, -1), { ...last, cache_control: mark }];
}
