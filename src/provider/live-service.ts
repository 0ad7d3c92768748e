/** A service asked live, whatever its protocol: the engine of this process, at the pace the service takes. */

import { realtimePerSecond } from "../core/deadline.ts";
import { httpErrors } from "./http-errors.ts";
import { asking, type Ask, type LiveAddress } from "./live-ask.ts";
import { askingStructured, type WarnLive } from "./live-fallback.ts";
import { flowOf } from "./live-flow.ts";
import type { LiveForm } from "./live-form.ts";
import { gateOf } from "./live-gate.ts";
import { liveHttp } from "./live-http.ts";
import { answeringPacks } from "./live-lines.ts";
import { isPackable } from "./live-packs.ts";
import type { LiveRequest } from "./live-replies.ts";
import { localBatches, type LocalBatches } from "./local-engine.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";

/** How a service is asked. */
export interface LiveServiceOptions extends Pacing {
  /** For messages. */
  readonly host: string;
  readonly form: LiveForm;
  readonly address: (request: LiveRequest) => Promise<LiveAddress>;
  /** Taken out of whatever the service says; may grow. */
  readonly secrets: readonly string[];
  /** The most requests under way at once. */
  readonly concurrency: number;
  /** Said when nothing listens at the address. */
  readonly whenUnreachable?: string;
  /** Whether the service may know nothing of schemas, and is then asked in a weaker way. */
  readonly mayLackSchemas: boolean;
  /** Whether several embeddings go into one call. */
  readonly packsEmbeddings: boolean;
  /** Told what is asked otherwise than was meant; the process's own warnings until somebody listens. */
  readonly onWarning?: WarnLive;
}

const REQUEST_TIMEOUT_MS = 10 * 60_000;

// Enough to be worth a call, few enough that one bad text among them is found in a few more.
const EMBEDDINGS_AT_ONCE = 64;

/**
 * Batches of live requests. A process that is killed asks again only the requests that were under
 * way, at most `concurrency` of them for each of two chunks; see `localBatches`. Rate limits hold for
 * all chunks together, and for this process only.
 */
export function liveService(
  options: LiveServiceOptions,
): LocalBatches & Pick<BatchProvider, "warns" | "perSecond" | "tokensPerSecond"> {
  const { form, concurrency } = options;
  const http = liveHttp();
  let warn: WarnLive = options.onWarning ?? warnProcess;
  const ask = askOf(options, http, (warning) => {
    warn(warning);
  });
  const most = options.packsEmbeddings ? EMBEDDINGS_AT_ONCE : 1;
  const batches = localBatches({
    groupsAtOnce: concurrency,
    linesAtOnce: (firstLine) => {
      const request = form.read(firstLine);
      return "refused" in request || !isPackable(request) ? 1 : most;
    },
    answer: answeringPacks(ask, form, most),
    close: () => {
      http.close();
      return Promise.resolve();
    },
  });
  const { requestsPerMinute = null, tokensPerMinute = null } = options;
  return {
    ...batches,
    perSecond: realtimePerSecond({ concurrency, requestsPerMinute }),
    ...(tokensPerMinute === null ? {} : { tokensPerSecond: tokensPerMinute / 60 }),
    warns: (listener) => {
      warn = listener;
    },
  };
}

function askOf(
  options: LiveServiceOptions,
  http: ReturnType<typeof liveHttp>,
  warn: WarnLive,
): Ask {
  const limits = {
    concurrency: options.concurrency,
    requestsPerMinute: options.requestsPerMinute ?? null,
    tokensPerMinute: options.tokensPerMinute ?? null,
  };
  const { host, form, address, secrets, whenUnreachable = "" } = options;
  const ask = asking({
    address,
    form,
    timeoutMs: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    http,
    gate: gateOf(flowOf(limits, () => performance.now())),
    errors: httpErrors(host, secrets),
    secrets,
    whenUnreachable,
  });
  return options.mayLackSchemas ? askingStructured(ask, host, warn) : ask;
}

function warnProcess({ code, message }: Parameters<WarnLive>[0]): void {
  process.emitWarning(message, { type: "BatchframeWarning", code });
}

// Hosted services take far more; limits of the account are met by slowing down.
const HOSTED_CONCURRENCY = 16;

/** What a twin takes over from the provider of batches it stands beside: everything that makes no calls. */
export type TwinOf = Pick<
  BatchProvider,
  "id" | "host" | "limits" | "schemaDialect" | "check" | "encode" | "readdress" | "amendable"
> &
  Pick<BatchProvider, "amend" | "parse" | "requestsPerChunk">;

/** The realtime lane of a provider of batches: the same service, host and lines, asked one by one. */
export function liveTwin(
  batches: TwinOf,
  options: Omit<LiveServiceOptions, "host" | "concurrency"> & Pacing,
): BatchProvider {
  const { host, limits } = batches;
  const concurrency = options.concurrency ?? HOSTED_CONCURRENCY;
  return {
    ...liveService({ ...options, host, concurrency }),
    id: batches.id,
    host,
    free: false,
    // While the last requests of one chunk are under way, those of the next take the free places.
    limits: { ...limits, maxBatchesInFlight: 2 },
    requestsPerChunk: Math.min(1000, batches.requestsPerChunk),
    ...(batches.schemaDialect === undefined ? {} : { schemaDialect: batches.schemaDialect }),
    check: batches.check,
    encode: batches.encode,
    readdress: batches.readdress,
    amendable: batches.amendable,
    amend: batches.amend,
    parse: batches.parse,
  };
}

/** A provider of batches with its realtime lane, which is closed with it. */
export function withLive(batches: BatchProvider, live: BatchProvider): BatchProvider {
  return {
    ...batches,
    live,
    close: async () => {
      await live.close();
      await batches.close();
    },
  };
}
