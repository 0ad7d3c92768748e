/** OpenAI's prompt cache: what begins like an earlier request with the same key is cheaper. */
import type { JsonObject } from "./json.ts";
import { promptTokens } from "./openai-chat-tokens.ts";
import { fingerprint } from "./fingerprint.ts";
import type { World } from "./world.ts";

// A beginning is cached from so many tokens on, and in steps of so many. Source: prompt caching guide.
const LEAST_TOKENS = 1024;
const STEP_TOKENS = 128;

/**
 * How many of a chat request's prompt tokens come from the cache: those before the last message, from
 * the second request on that has the same `prompt_cache_key`, model, tools and beginning.
 *
 * The real service also caches without a key; here the key is what makes it certain.
 */
export function cachedTokens(world: World, body: JsonObject): number {
  const { prompt_cache_key: key, model, tools } = body;
  const messages: readonly unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
  const beginning = messages.slice(0, -1);
  const tokens = promptTokens({ messages: beginning });
  if (typeof key !== "string" || tokens < LEAST_TOKENS) return 0;
  const print = fingerprint(JSON.stringify([key, model, tools, beginning]));
  const isKnown = world.next(`prompt cache ${String(print)}`) > 1;
  return isKnown ? Math.floor(tokens / STEP_TOKENS) * STEP_TOKENS : 0;
}
