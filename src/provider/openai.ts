/** OpenAI's own Batch API. */

import { baseUrlFrom } from "./base-url.ts";
import { OPENAI } from "./hosts.ts";
import type { TextEndpoint } from "./openai-dialect.ts";
import { hostProvider } from "./openai-host.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";

/** How to reach OpenAI. */
export interface OpenAiOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
  /** Where text is asked from; chat completions when left out. */
  readonly endpoint?: TextEndpoint;
  /** How hard it is asked live. */
  readonly pacing?: Pacing;
}

/** OpenAI's own address. */
export const OPENAI_BASE_URL = "https://api.openai.com/v1";

/** The `openai` provider. */
export function openaiProvider(options: OpenAiOptions): BatchProvider {
  return hostProvider(OPENAI, options);
}

/**
 * The address to use: the option, else OPENAI_BASE_URL, else OpenAI's own.
 *
 * @throws {InputError} `base_url_invalid`; nothing was sent.
 */
export function openaiBaseUrl(given: string | undefined): string {
  const example = "http://127.0.0.1:8080/v1";
  return baseUrlFrom({ given, variable: "OPENAI_BASE_URL", own: OPENAI_BASE_URL, example });
}
