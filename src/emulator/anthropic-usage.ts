/** What a message is said to have used, its prompt cache included. */
import type { Answer } from "./answer.ts";
import { cacheUse } from "./anthropic-cache.ts";
import { blocksOf, blockTokens, contentTokens } from "./anthropic-content.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
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
  const { messages, tools = [], system } = params;
  const turns: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const spoken = turns.map((message) =>
    isJsonObject(message) ? 4 + contentTokens(message["content"]) : 4,
  );
  const declared = blocksOf(tools).reduce((sum, tool) => sum + blockTokens(tool), 0);
  return spoken.reduce((sum, tokens) => sum + tokens, 3 + declared + contentTokens(system));
}

/** What an answer came to. */
export interface Spoken {
  readonly answer: Answer;
  /** The tokens of its text and its calls. */
  readonly tokens: number;
  readonly thinking: number;
}

/** The usage of an answer: what its blocks marked with `cache_control` put into the cache, and read from there. */
export function usageOf(world: World, params: JsonObject, said: Spoken): MessageUsage {
  const given = said.answer.usage;
  const whole = given?.promptTokens ?? promptTokens(params);
  const cache =
    given?.cachedTokens === undefined
      ? cacheUse(world, params)
      : { cacheRead: given.cachedTokens, cacheWritten5m: 0, cacheWritten1h: 0 };
  const thinking = given?.reasoningTokens ?? said.thinking;
  return {
    ...cache,
    input: Math.max(0, whole - cache.cacheRead - cache.cacheWritten5m - cache.cacheWritten1h),
    output: given?.completionTokens ?? said.tokens + thinking,
    thinking,
  };
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
