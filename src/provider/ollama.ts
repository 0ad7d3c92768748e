/** The `ollama` provider: models that Ollama runs, on this machine or another. */

import { InputError } from "../core/errors.ts";
import type { Request } from "../core/request.ts";
import { SERVER_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { baseUrlFrom } from "./base-url.ts";
import { liveProvider, type LiveOptions } from "./live.ts";
import { isLoopback, slotsOf } from "./live-servers.ts";
import { CHAT_SETTINGS, type ChatDialect } from "./openai-dialect.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { unsupportedPart } from "./refusals.ts";

const OLLAMA_BASE_URL = "http://127.0.0.1:11434/v1";

/** What Ollama's OpenAI interface takes; it ignores `tool_choice`. Source: its documentation of 2026. */
const OLLAMA_DIALECT: ChatDialect = {
  provider: "ollama",
  layout: "routed",
  maxTokens: "max_tokens",
  structured: "json_schema",
  schemas: SERVER_SCHEMA_DIALECT,
  settings: new Set([...CHAT_SETTINGS].filter((name) => name !== "toolChoice")),
  promptCacheKey: false,
  images: true,
  files: false,
  embeddings: "float",
  responses: false,
};

/** How to reach Ollama, and how hard to ask it. */
export interface OllamaOptions
  extends Pacing, Partial<Pick<LiveOptions, "baseUrl" | "apiKey" | "onWarning">> {
  /** The model that is meant; those whose tag ends in `cloud` are run by Ollama's own service. */
  readonly model?: string;
}

/**
 * The `ollama` provider, through Ollama's OpenAI interface. It needs no key, and costs nothing where
 * Ollama runs the model on this machine.
 *
 * As many requests are under way as Ollama works on at once: 1, or OLLAMA_NUM_PARALLEL. The address is
 * the one given, else OLLAMA_BASE_URL, else what OLLAMA_HOST says, else port 11434 of this machine.
 *
 * @throws {InputError} `base_url_invalid`; nothing was sent.
 */
export function ollamaProvider(options: OllamaOptions = {}): BatchProvider {
  const baseUrl = baseUrlFrom({
    given: options.baseUrl,
    variable: "OLLAMA_BASE_URL",
    own: addressOfHost(process.env["OLLAMA_HOST"]?.trim() ?? ""),
    example: OLLAMA_BASE_URL,
  });
  const { model = "", ...rest } = options;
  const provider = liveProvider({
    apiKey: process.env["OLLAMA_API_KEY"]?.trim() ?? null,
    concurrency: slotsOf(1, "OLLAMA_NUM_PARALLEL"),
    whenUnreachable: "If Ollama is not running, start it with: ollama serve",
    ...rest,
    id: "ollama",
    baseUrl,
    dialect: OLLAMA_DIALECT,
    free: isLoopback(baseUrl) && !/[:-]cloud$/.test(model),
  });
  return {
    ...provider,
    encode: (request, customId) => {
      refuseAddresses(request);
      return provider.encode(request, customId);
    },
  };
}

/**
 * The base URL that OLLAMA_HOST stands for: `host`, `host:port`, `:port` or a URL, the way Ollama
 * itself reads it. An address that means every interface is reached at this machine's own.
 *
 * @throws {InputError} `base_url_invalid` for anything else.
 */
export function addressOfHost(host: string): string {
  if (host === "") return OLLAMA_BASE_URL;
  const [scheme = "http", rest = ""] = host.includes("://") ? host.split("://") : ["http", host];
  const named = rest.startsWith(":") ? `127.0.0.1${rest}` : rest;
  const text = `${scheme}://${named}`;
  if (!URL.canParse(text) || !/^https?$/.test(scheme))
    throw new InputError(
      "base_url_invalid",
      `OLLAMA_HOST is ${JSON.stringify(host)}, which is no address. Nothing was sent.`,
      { hint: `Set it like 127.0.0.1:11434, or give --base-url ${OLLAMA_BASE_URL}.` },
    );
  const url = new URL(text);
  // Without a scheme Ollama's own port is meant, with one the scheme's.
  if (url.port === "" && !host.includes("://")) url.port = "11434";
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1";
  const path = url.pathname.replace(/\/+$/, "");
  return `${url.origin}${path}${path.endsWith("/v1") ? "" : "/v1"}`;
}

/** Ollama reads pictures from the request alone, and fetches none. */
function refuseAddresses({ messages }: Request): void {
  for (const { content } of messages) {
    if (typeof content === "string") continue;
    for (const part of content)
      if (part.type !== "text" && "url" in part)
        throw unsupportedPart(part, "ollama", "it does not fetch addresses; give the bytes");
  }
}
