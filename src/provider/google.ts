/** Gemini's batches, through the Gemini API's plain REST. */

import type { RequestSpec } from "../core/request.ts";
import { GEMINI_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { baseUrlFrom } from "./base-url.ts";
import {
  create,
  discard,
  find,
  list,
  nameOf,
  poll,
  remove,
  replies,
  resourceOf,
  revoke,
} from "./google-batches.ts";
import { checkEmbedding } from "./google-embed.ts";
import { uploadFile } from "./google-files.ts";
import { googleHttp } from "./google-http.ts";
import {
  amendableGenerateFailures,
  amendGenerateLine,
  encodeGenerateLine,
  readdressKeyedLine,
} from "./google-lines.ts";
import { VERSION } from "./google-list.ts";
import { googleForm } from "./google-live.ts";
import { alikeLines } from "./alike-lines.ts";
import { GENERATE_PLACES, parseGenerateLine } from "./google-replies.ts";
import { GENERATE_SETTINGS, generateSettings } from "./google-settings.ts";
import { liveTwin, withLive } from "./live-service.ts";
import type { Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { refuseUnsupported, type Capabilities } from "./refusals.ts";
import { keyFromEnvironment } from "./secrets.ts";

/** How to reach the Gemini API, and for which model: a batch has one, in the URL of its creation. */
export interface GoogleOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** Such as `gemini-2.5-flash`, or a full resource name such as `tunedModels/mine`. */
  readonly model: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
  /** How hard it is asked live. */
  readonly pacing?: Pacing;
}

const GOOGLE: Capabilities = {
  provider: "google",
  settings: GENERATE_SETTINGS,
  promptCache: new Set(["content"]),
  forms: new Set(["text", "labels", "object", "embedding"]),
};

/** The Gemini API's own address. */
export const GOOGLE_BASE_URL = "https://generativelanguage.googleapis.com";

/**
 * The `google` provider: the Gemini API with an API key.
 *
 * The upload and the batch carry run, chunk and intent as their display names. Creating and uploading
 * are never retried inside; other calls are, twice. Only a batch that succeeded gives anything: one
 * that expired (after 48 hours), failed or was cancelled has no replies at all, so smaller chunks
 * lose less. A batch may still succeed after it was cancelled; it is then collected as usual.
 */
export function googleProvider(options: GoogleOptions): BatchProvider {
  const http = googleHttp(options);
  const batches: BatchProvider = {
    id: "google",
    host: http.host,
    limits: {
      // The file route names no number of requests; this is what Vertex, its sibling, takes.
      maxRequestsPerBatch: 200_000,
      // 2 GB a file, 100 batches at once, 20 MB a single request: Batch guide.
      maxBytesPerBatch: 2_000_000_000,
      maxBytesPerRequest: 20_000_000,
      maxBatchesInFlight: 100,
    },
    pollEveryMs: 30_000,
    requestsPerChunk: 5_000,
    settleMs: options.settleMs ?? 60_000,
    free: false,
    schemaDialect: GEMINI_SCHEMA_DIALECT,
    check,
    writesTextsAsJson: true,
    encode: encodeGenerateLine,
    readdress: readdressKeyedLine,
    amendable: amendableGenerateFailures,
    amend: amendGenerateLine,
    stage: async (file, tag, signal) => ({
      input: await uploadFile(http, { file, displayName: nameOf(tag), signal }),
    }),
    create: (submission, signal) => create(http, options.model, { submission, signal }),
    find: (submission, signal) => find(http, submission, signal),
    revoke: (submission, signal) => revoke(http, submission, signal),
    poll: (batch, signal) => poll(http, batch, signal),
    replies: (batch, { results }, signal) =>
      replies(http, { batch, file: results["output"], signal }),
    ...alikeLines(parseGenerateLine, GENERATE_PLACES),
    cancel: async ({ batchId }, signal) => {
      const path = `/${VERSION}/${batchId}:cancel`;
      const headers = { "content-type": "application/json" };
      const action = "cancel the batch";
      await http.json({ action, method: "POST", path, headers, body: "{}", signal });
    },
    discard: (batch, _ending, signal) => discard(http, batch, signal),
    list: (signal) => list(http, signal),
    remove: (batchId, signal) => remove(http, batchId, signal),
    close: () => Promise.resolve(),
  };
  return withLive(batches, liveLane(batches, options));
}

function liveLane(
  batches: BatchProvider,
  { apiKey, baseUrl, model, pacing }: GoogleOptions,
): BatchProvider {
  const base = `${baseUrl.replace(/\/+$/, "")}/${VERSION}/${resourceOf(model)}`;
  const headers = { "x-goog-api-key": apiKey };
  return liveTwin(batches, {
    ...pacing,
    form: googleForm("key"),
    address: ({ path }) => Promise.resolve({ url: `${base}${path}`, headers }),
    secrets: [apiKey],
    mayLackSchemas: false,
    packsEmbeddings: false,
  });
}

function check(spec: RequestSpec): void {
  refuseUnsupported(spec, GOOGLE);
  if (spec.form.kind === "embedding") checkEmbedding(spec, "google");
  else generateSettings(spec, "google", GEMINI_SCHEMA_DIALECT);
}

/** The address to use: the one given, else GOOGLE_BASE_URL, else GOOGLE_GEMINI_BASE_URL, else Google's own. */
export function googleBaseUrl(given: string | undefined): string {
  const isOwn = (process.env["GOOGLE_BASE_URL"]?.trim() ?? "") !== "";
  return baseUrlFrom({
    given,
    variable: isOwn ? "GOOGLE_BASE_URL" : "GOOGLE_GEMINI_BASE_URL",
    own: GOOGLE_BASE_URL,
    example: "http://127.0.0.1:8080/google",
  });
}

/**
 * The key in GOOGLE_API_KEY, else the one in GEMINI_API_KEY: the order of Google's own SDK.
 *
 * @throws {InputError} `missing_key`; nothing was sent.
 */
export function googleKey(): string {
  const gemini = process.env["GEMINI_API_KEY"]?.trim() ?? "";
  const isGoogle = (process.env["GOOGLE_API_KEY"]?.trim() ?? "") !== "";
  return keyFromEnvironment(
    isGoogle || gemini === "" ? "GOOGLE_API_KEY" : "GEMINI_API_KEY",
    "google",
  );
}
