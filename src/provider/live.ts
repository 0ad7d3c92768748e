/** Any server of OpenAI's protocol without batches: each request is asked live, and the engine in this process plays the batch. */

import type { ChatDialect, RequestLines, TextEndpoint } from "./openai-dialect.ts";
import type { LiveAddress } from "./live-ask.ts";
import type { WarnLive } from "./live-fallback.ts";
import type { LiveRequest } from "./live-replies.ts";
import { usualConcurrency } from "./live-servers.ts";
import { liveService } from "./live-service.ts";
import { chatLines } from "./openai-lines.ts";
import { OPENAI_LIVE } from "./openai-live.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";

/**
 * How to ask a server live, and how hard: `concurrency` is what servers of the kind take when left
 * out, `requestTimeoutMs` 10 minutes.
 */
export interface LiveOptions extends Pacing, ServerAddress {
  /** The provider's name in `provider/model`. */
  readonly id: string;
  readonly dialect: ChatDialect;
  readonly endpoint?: TextEndpoint;
  /** Whether answers cost nothing and are made on this machine; false when left out, since a gateway here may forward to a paid service. */
  readonly free?: boolean;
  /** Said when nothing listens at the address: how to start the server. */
  readonly whenUnreachable?: string;
  /** Told what is asked otherwise than was meant; the process's own warnings when left out. */
  readonly onWarning?: WarnLive;
}

const PLACEHOLDER_KEY = "not-needed";

/**
 * A provider that asks a server's live endpoints, one request or one pack of embeddings at a time.
 *
 * The chunk file is an OpenAI batch input file and the replies are lines of a batch output file, so
 * that either may come from or go to another tool. A process that is killed asks again only the
 * requests that were under way, at most `concurrency` of them for each of two chunks; see
 * `localBatches`. Rate limits hold for all chunks together, and for this process only.
 */
export function liveProvider(options: LiveOptions): BatchProvider {
  const { id, baseUrl } = options;
  const { host } = new URL(baseUrl);
  // It may have to be asked in words alone, so nothing holds the model to a schema for certain.
  const schemas = { ...options.dialect.schemas, isEnforced: false };
  const lines: RequestLines = chatLines({ ...options.dialect, schemas }, options.endpoint);
  return {
    ...liveService({
      ...options,
      host,
      form: OPENAI_LIVE,
      address: addressOf(options),
      secrets: secretsOf(options),
      concurrency: options.concurrency ?? usualConcurrency(baseUrl),
      mayLackSchemas: true,
      packsEmbeddings: true,
    }),
    ...lines,
    id,
    host,
    free: options.free ?? false,
    limits: {
      maxRequestsPerBatch: 50_000,
      maxBytesPerBatch: 200_000_000,
      maxBytesPerRequest: 100_000_000,
      // While the last requests of one chunk are under way, those of the next take the free places.
      maxBatchesInFlight: 2,
    },
    requestsPerChunk: 1000,
  };
}

/** Where the server's live endpoints are, and who asks; a query on the address goes with every call. */
export function addressOf({
  baseUrl,
  apiKey,
  headers = {},
  auth = "bearer",
}: ServerAddress): (request: LiveRequest) => Promise<LiveAddress> {
  const url = new URL(baseUrl);
  const base = `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
  const key = apiKey ?? PLACEHOLDER_KEY;
  const own = auth === "bearer" ? { authorization: `Bearer ${key}` } : { "api-key": key };
  const all = { ...own, ...headers };
  return ({ path, body }) => {
    // Azure's dated API names the deployment in the path, and its newer one in the body alone.
    const isDated = auth === "api-key" && url.search !== "";
    const deployment = isDated ? `/deployments/${encodeURIComponent(String(body["model"]))}` : "";
    return Promise.resolve({ url: `${base}${deployment}${path}${url.search}`, headers: all });
  };
}

/** What of the address no message may show. */
export function secretsOf({ apiKey, headers = {} }: ServerAddress): readonly string[] {
  return [apiKey ?? PLACEHOLDER_KEY, ...Object.values(headers)];
}

/** A server of OpenAI's protocol, and in whose name it is called. */
export interface ServerAddress {
  /** The address that `/chat/completions` and `/embeddings` are added to. */
  readonly baseUrl: string;
  /** Null for a server that wants none; it is then sent a placeholder, which some insist on. */
  readonly apiKey: string | null;
  /** Sent with every request, beside or in place of the key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How the key travels; `bearer` when left out. */
  readonly auth?: "bearer" | "api-key";
}
