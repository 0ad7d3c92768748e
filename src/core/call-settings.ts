/** How a model is asked, in words every provider's own are translated from. */

import type { JsonObject } from "./hash.ts";

/** How much a model may think before it answers: a level, or tokens where the provider counts them. */
export type Reasoning =
  "none" | "minimal" | "low" | "medium" | "high" | { readonly budgetTokens: number };

/** A function a model may ask to have called; nothing is ever called, the wish itself is the answer. */
export interface Tool {
  /** Letters, digits, `_` and `-`, at most 64. */
  readonly name: string;
  readonly description?: string;
  /** The JSON Schema of its arguments, an object. */
  readonly parameters: JsonObject;
}

/** Whether the model may, must or must not call tools, or which one it must call. */
export type ToolChoice = "auto" | "none" | "required" | { readonly tool: string };

/** Everything about a call that is neither its prompt nor the form of its answer; what is left out is the provider's own default. */
export interface CallSettings {
  /** The most tokens an answer may have, those of its reasoning included where the provider counts them so. */
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  /** Texts at which the answer ends, themselves not part of it. */
  readonly stop?: readonly string[];
  readonly reasoning?: Reasoning;
  readonly tools?: readonly Tool[];
  readonly toolChoice?: ToolChoice;
}

/**
 * What the provider may keep between requests because many begin alike. It changes what is charged,
 * never what is answered, and so is no part of a request's identity.
 *
 * Anthropic: `system`, `tools` and `lastUserMessages` set `cache_control` marks, four at most, with
 * `ttl`. OpenAI and its like: `key` routes requests that begin alike to one cache. Gemini: `content`
 * names a `cachedContents/…` made before.
 */
export interface PromptCache {
  readonly system?: boolean;
  readonly tools?: boolean;
  /** How many of the last user messages to mark. */
  readonly lastUserMessages?: number;
  /** How long a mark lasts; five minutes when left out. */
  readonly ttl?: "5m" | "1h";
  readonly key?: string;
  readonly content?: string;
}

/** A call a model wished to make. */
export interface ToolCall {
  readonly name: string;
  /** The arguments as the model gave them: parsed JSON, or the text itself where it is no JSON. */
  readonly arguments: unknown;
}
