/** How hosts of OpenAI's protocol differ in what a request line may say, as data. */

import type { CallSettings } from "../core/call-settings.ts";
import { OPENAI_SCHEMA_DIALECT, type SchemaDialect } from "../core/schema-dialect.ts";
import type { BatchProvider } from "./provider.ts";

/** What one host takes in a request line, and in whose words; `chatLines` of openai-lines.ts reads it. */
export interface ChatDialect {
  /** The provider's name as messages use it, such as `groq`. */
  readonly provider: string;
  /** How a line is laid out: `{custom_id, method, url, body}`, `{custom_id, body}` or `{custom_id, params}`. */
  readonly layout: "routed" | "body" | "params";
  /** The chat field that caps the answer's tokens. */
  readonly maxTokens: "max_completion_tokens" | "max_tokens";
  /**
   * How an answer with a schema is asked for: as strict structured output, as any JSON object with
   * the schema told in the prompt, or by the prompt alone.
   */
  readonly structured: "json_schema" | "json_object" | "prompt";
  /** The subset of JSON Schema the host is asked in, and whether it holds the model to it. */
  readonly schemas: SchemaDialect;
  /** The settings the host has a chat field for; where `reasoning` is among them, it takes levels only. */
  readonly settings: ReadonlySet<keyof CallSettings>;
  /** Whether requests may carry a `prompt_cache_key`. */
  readonly promptCacheKey: boolean;
  /** Whether messages may hold pictures (`image_url` parts). */
  readonly images: boolean;
  /** Whether messages may hold documents as bytes (`file` parts). */
  readonly files: boolean;
  /** How vectors are sent back; null where the host embeds nothing in batches. */
  readonly embeddings: "base64" | "float" | null;
  /** Whether `/v1/responses` may be asked instead of chat completions. */
  readonly responses: boolean;
}

/** The request and reply lines of one host: the part of a provider that makes no calls. */
export type RequestLines = Pick<
  BatchProvider,
  | "schemaDialect"
  | "writesTextsAsJson"
  | "check"
  | "encode"
  | "readdress"
  | "amendable"
  | "amend"
  | "parse"
  | "parseIn"
>;

/** The endpoint that text is asked from. */
export type TextEndpoint = "chat" | "responses";

/** Every setting of a call that chat completions have a field for. */
export const CHAT_SETTINGS: ReadonlySet<keyof CallSettings> = new Set([
  "maxTokens",
  "temperature",
  "topP",
  "seed",
  "stop",
  "reasoning",
  "tools",
  "toolChoice",
]);

/** OpenAI's own. Source: the SDK's types and the batch guide. */
export const OPENAI_DIALECT: ChatDialect = {
  provider: "openai",
  layout: "routed",
  maxTokens: "max_completion_tokens",
  structured: "json_schema",
  schemas: OPENAI_SCHEMA_DIALECT,
  settings: CHAT_SETTINGS,
  promptCacheKey: true,
  images: true,
  files: true,
  embeddings: "base64",
  responses: true,
};
