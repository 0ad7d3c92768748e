/** Anthropic's Message Batches, through the official SDK. */

import Anthropic from "@anthropic-ai/sdk";
import type { RequestSpec } from "../core/request.ts";
import { ANTHROPIC_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { create, find, list, poll, remove, replies, type Service } from "./anthropic-batches.ts";
import { ENVELOPE_BYTES } from "./anthropic-body.ts";
import { cacheMark } from "./anthropic-cache.ts";
import {
  amendableFailures,
  amendMessageLine,
  ANTHROPIC_VERSION,
  encodeMessageLine,
} from "./anthropic-lines.ts";
import { ANTHROPIC_LIVE } from "./anthropic-live.ts";
import { alikeLines } from "./alike-lines.ts";
import { MESSAGE_PLACES, parseMessageLine } from "./anthropic-replies.ts";
import { messageSettings } from "./anthropic-settings.ts";
import { baseUrlFrom } from "./base-url.ts";
import { httpErrors } from "./http-errors.ts";
import { liveTwin, withLive } from "./live-service.ts";
import { readdressLine } from "./openai-lines.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { refuseUnsupported, type Capabilities } from "./refusals.ts";

/** How to reach Anthropic, or a gateway that speaks its protocol. */
export interface AnthropicOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
  /** How hard it is asked live. */
  readonly pacing?: Pacing;
}

/** Anthropic's own address; the SDK adds `/v1`. */
export const ANTHROPIC_BASE_URL = "https://api.anthropic.com";

// 100,000 requests and 256 MB a create call: Message Batches reference.
const MAX_BYTES = 256_000_000 - ENVELOPE_BYTES;
const ANTHROPIC: Capabilities = {
  provider: "anthropic",
  settings: new Set([
    "maxTokens",
    "temperature",
    "topP",
    "stop",
    "reasoning",
    "tools",
    "toolChoice",
  ]),
  promptCache: new Set(["system", "tools", "lastUserMessages", "ttl"]),
  forms: new Set(["text", "labels", "object"]),
};

/**
 * The `anthropic` provider.
 *
 * Its batches carry no tag and nothing is uploaded beforehand, so a batch whose create call was cut
 * off is known by its size and time and proven by the custom_ids in its results once it has ended;
 * until then its chunk stays open and nothing is sent for it again. Because ids prove whose a batch
 * is, several lost ones can be told apart and others may be sent meanwhile. Creating is never retried
 * inside; reading calls are, twice. Counts stand still until a batch ends, so `done` is null.
 */
export function anthropicProvider(options: AnthropicOptions): BatchProvider {
  const client = new Anthropic({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    defaultHeaders: { "anthropic-version": ANTHROPIC_VERSION },
    maxRetries: 2,
    logLevel: "off",
  });
  const { host } = new URL(options.baseUrl);
  const service: Service = {
    client,
    errors: httpErrors(host, [options.apiKey]),
    settleMs: options.settleMs ?? 60_000,
    firstLooks: new Map(),
    firstIds: new Map(),
  };
  const { errors } = service;
  const batches: BatchProvider = {
    id: "anthropic",
    host,
    limits: {
      maxRequestsPerBatch: 100_000,
      maxBytesPerBatch: MAX_BYTES,
      maxBytesPerRequest: MAX_BYTES,
      maxBatchesInFlight: null,
    },
    pollEveryMs: 30_000,
    requestsPerChunk: 10_000,
    settleMs: service.settleMs,
    isTagless: true,
    free: false,
    schemaDialect: ANTHROPIC_SCHEMA_DIALECT,
    check,
    writesTextsAsJson: true,
    encode: encodeMessageLine,
    readdress: readdressLine,
    amendable: amendableFailures,
    amend: amendMessageLine,
    stage: () => Promise.resolve({}),
    create: ({ file }, signal) =>
      errors.reading("create the batch", () => create(client, file, signal)),
    find: (submission, signal, claimed = new Set()) =>
      find(service, submission, { signal, claimed }),
    // Nothing lies at the provider that a late create call would need, so nothing can be taken from it:
    // that is why `find` waits until the call can no longer arrive.
    revoke: () => Promise.resolve(),
    poll: (batch, signal) => errors.reading("look at the batch", () => poll(client, batch, signal)),
    replies: (batch, _ending, signal) => replies(service, batch.batchId, signal),
    ...alikeLines(parseMessageLine, MESSAGE_PLACES),
    cancel: (batch, signal) =>
      errors.reading("cancel the batch", async () => {
        await client.messages.batches.cancel(batch.batchId, {}, { signal });
      }),
    discard: (batch, _ending, signal) =>
      errors.reading("delete the batch", () => remove(client, batch.batchId, signal)),
    list: (signal) => list(service, signal),
    remove: (batchId, signal) =>
      errors.reading("delete the batch", () => remove(client, batchId, signal)),
    close: () => Promise.resolve(),
  };
  return withLive(batches, liveLane(batches, options));
}

function liveLane(
  batches: BatchProvider,
  { apiKey, baseUrl, pacing }: AnthropicOptions,
): BatchProvider {
  const headers = { "x-api-key": apiKey, "anthropic-version": ANTHROPIC_VERSION };
  const base = baseUrl.replace(/\/+$/, "");
  return liveTwin(batches, {
    ...pacing,
    form: ANTHROPIC_LIVE,
    address: ({ path }) => Promise.resolve({ url: `${base}${path}`, headers }),
    secrets: [apiKey],
    mayLackSchemas: false,
    packsEmbeddings: false,
  });
}

function check(spec: RequestSpec): void {
  refuseUnsupported(spec, ANTHROPIC);
  messageSettings(spec);
  cacheMark(spec.promptCache);
}

/**
 * The address to use: the option, else ANTHROPIC_BASE_URL, else Anthropic's own.
 *
 * @throws {InputError} `base_url_invalid`; nothing was sent.
 */
export function anthropicBaseUrl(given: string | undefined): string {
  const example = "http://127.0.0.1:8080/anthropic";
  return baseUrlFrom({ given, variable: "ANTHROPIC_BASE_URL", own: ANTHROPIC_BASE_URL, example });
}
