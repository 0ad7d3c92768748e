/** Any server of OpenAI's protocol without batches: each request is asked live, and the engine in this process plays the batch. */

import type { ChatDialect, RequestLines, TextEndpoint } from "./openai-dialect.ts";
import { httpErrors } from "./http-errors.ts";
import { asking, type Ask } from "./live-ask.ts";
import { askingStructured, type WarnLive } from "./live-fallback.ts";
import { flowOf } from "./live-flow.ts";
import { gateOf } from "./live-gate.ts";
import { liveHttp } from "./live-http.ts";
import { answeringPacks } from "./live-lines.ts";
import { isEmbeddingLine } from "./live-packs.ts";
import { usualConcurrency } from "./live-servers.ts";
import { localBatches, type LocalAnswerer } from "./local-engine.ts";
import { chatLines } from "./openai-lines.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";

/**
 * How to ask a server live, and how hard: `concurrency` is what servers of the kind take when left
 * out, `requestTimeoutMs` 10 minutes.
 */
export interface LiveOptions extends Pacing {
  /** The provider's name in `provider/model`. */
  readonly id: string;
  /** The address that `/chat/completions` and `/embeddings` are added to. */
  readonly baseUrl: string;
  /** Null for a server that wants none; it is then sent a placeholder, which some insist on. */
  readonly apiKey: string | null;
  readonly dialect: ChatDialect;
  readonly endpoint?: TextEndpoint;
  /** Sent with every request, beside or in place of the bearer key. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether answers cost nothing and are made on this machine; false when left out, since a gateway here may forward to a paid service. */
  readonly free?: boolean;
  /** Said when nothing listens at the address: how to start the server. */
  readonly whenUnreachable?: string;
  /** Told what is asked otherwise than was meant; the process's own warnings when left out. */
  readonly onWarning?: WarnLive;
}

const REQUEST_TIMEOUT_MS = 10 * 60_000;
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
    ...localBatches(answererOf(options, host)),
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

// Enough to be worth a call, few enough that one bad text among them is found in a few more.
const EMBEDDINGS_AT_ONCE = 64;

function answererOf(options: LiveOptions, host: string): LocalAnswerer {
  const concurrency = options.concurrency ?? usualConcurrency(options.baseUrl);
  const http = liveHttp();
  const ask = askOf(options, { host, concurrency, http });
  return {
    groupsAtOnce: concurrency,
    linesAtOnce: (firstLine) => (isEmbeddingLine(firstLine) ? EMBEDDINGS_AT_ONCE : 1),
    answer: answeringPacks(ask, EMBEDDINGS_AT_ONCE),
    close: () => {
      http.close();
      return Promise.resolve();
    },
  };
}

interface AskParts {
  readonly host: string;
  readonly concurrency: number;
  readonly http: ReturnType<typeof liveHttp>;
}

function askOf(options: LiveOptions, { host, concurrency, http }: AskParts): Ask {
  const limits = {
    concurrency,
    requestsPerMinute: options.requestsPerMinute ?? null,
    tokensPerMinute: options.tokensPerMinute ?? null,
  };
  const key = options.apiKey ?? PLACEHOLDER_KEY;
  const secrets = [key, ...Object.values(options.headers ?? {})];
  const ask = asking({
    baseUrl: options.baseUrl.replace(/\/+$/, ""),
    headers: { authorization: `Bearer ${key}`, ...options.headers },
    timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    http,
    gate: gateOf(flowOf(limits, () => performance.now())),
    errors: httpErrors(host, secrets),
    secrets,
    whenUnreachable: options.whenUnreachable ?? "",
  });
  return askingStructured(ask, host, options.onWarning ?? warnProcess);
}

function warnProcess({ code, message }: Parameters<WarnLive>[0]): void {
  process.emitWarning(message, { type: "BatchframeWarning", code });
}
