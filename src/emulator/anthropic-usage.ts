/** What a message is said to have used, its prompt cache included. */
import type { Answer } from "./answer.ts";
import { textOfContent } from "./answerers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { fingerprint } from "./random.ts";
import { tokensOf } from "./tokens.ts";
import type { World } from "./world.ts";

/** Tokens of one message; `input` counts neither what was read from the cache nor what was put there. */
export interface MessageUsage {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWritten5m: number;
  readonly cacheWritten1h: number;
  readonly output: number;
  readonly thinking: number;
}

/** The prompt's estimated tokens, cached ones included. */
export function promptTokens(params: JsonObject): number {
  const messages: readonly unknown[] = Array.isArray(params["messages"]) ? params["messages"] : [];
  const spoken = messages.map((message) =>
    isJsonObject(message) ? 4 + tokensOf(textOfContent(message["content"])) : 4,
  );
  return 3 + systemTokens(params) + spoken.reduce((sum, tokens) => sum + tokens, 0);
}

/**
 * The usage of an answer. A system prompt with `cache_control` is put into the cache the first time
 * it is seen, and read from there afterwards.
 */
export function usageOf(
  world: World,
  params: JsonObject,
  said: { readonly answer: Answer; readonly text: string },
): MessageUsage {
  const given = said.answer.usage;
  const whole = given?.promptTokens ?? promptTokens(params);
  const cache = cacheUse(world, params, given?.cachedTokens);
  return {
    ...cache,
    input: Math.max(0, whole - cache.cacheRead - cache.cacheWritten5m - cache.cacheWritten1h),
    output: given?.completionTokens ?? tokensOf(said.text),
    thinking: given?.reasoningTokens ?? 0,
  };
}

type CacheUse = Pick<MessageUsage, "cacheRead" | "cacheWritten5m" | "cacheWritten1h">;

function cacheUse(world: World, params: JsonObject, given: number | undefined): CacheUse {
  const none = { cacheRead: given ?? 0, cacheWritten5m: 0, cacheWritten1h: 0 };
  const system = JSON.stringify(params["system"] ?? "");
  if (given !== undefined || !system.includes('"cache_control"')) return none;
  const tokens = systemTokens(params);
  if (world.next(`cached ${String(fingerprint(system))}`) > 1)
    return { ...none, cacheRead: tokens };
  return system.includes('"1h"')
    ? { ...none, cacheWritten1h: tokens }
    : { ...none, cacheWritten5m: tokens };
}

function systemTokens(params: JsonObject): number {
  return tokensOf(textOfContent(params["system"]));
}

/** The usage object of a message. */
export function usageOnWire(usage: MessageUsage, inBatch: boolean): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWritten5m + usage.cacheWritten1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWritten5m,
      ephemeral_1h_input_tokens: usage.cacheWritten1h,
    },
    output_tokens: usage.output,
    output_tokens_details: usage.thinking === 0 ? null : { thinking_tokens: usage.thinking },
    server_tool_use: null,
    service_tier: inBatch ? "batch" : "standard",
  };
}
