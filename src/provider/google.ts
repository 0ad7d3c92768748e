/** Gemini's batches, through the Gemini API's plain REST. */

import type { BatchOutcome } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { baseUrlFrom } from "./base-url.ts";
import { deleteFile, downloadFile, filesNamed, uploadFile } from "./google-files.ts";
import { googleHttp, type GoogleHttp } from "./google-http.ts";
import {
  amendableGenerateFailures,
  amendGenerateLine,
  encodeGenerateLine,
  readdressKeyedLine,
} from "./google-lines.ts";
import { pagesOf, VERSION } from "./google-list.ts";
import { parseGenerateLine } from "./google-replies.ts";
import { endingReason, statusOf } from "./google-status.ts";
import { asRecord, textOf } from "./json-values.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  Sighting,
  Submission,
  Tag,
  TaggedBatch,
} from "./provider.ts";
import { keyFromEnvironment } from "./secrets.ts";

/** How to reach the Gemini API, and for which model: a batch has one, in the URL of its creation. */
export interface GoogleOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** Such as `gemini-2.5-flash`, or a full resource name such as `tunedModels/mine`. */
  readonly model: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
}

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
  return {
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
    check: () => undefined,
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
    parse: parseGenerateLine,
    cancel: async ({ batchId }, signal) => {
      const path = `/${VERSION}/${batchId}:cancel`;
      const headers = { "content-type": "application/json" };
      const action = "cancel the batch";
      await http.json({ action, method: "POST", path, headers, body: "{}", signal });
    },
    discard: (batch, _ending, signal) => discard(http, batch, signal),
    tagged: (signal) => tagged(http, signal),
    close: () => Promise.resolve(),
  };
}

function nameOf({ run, chunk, intent }: Tag): string {
  return `batchframe-${run}-${String(chunk)}-${intent}`;
}

const NAME = /^batchframe-([a-z0-9]+)-(\d+)-(.+)$/;

function tagOf(displayName: string | null): Tag | null {
  const [, run, chunk, intent] = NAME.exec(displayName ?? "") ?? [];
  if (run === undefined || chunk === undefined || intent === undefined) return null;
  return { run, chunk: Number(chunk), intent };
}

/** `models/gemini-2.5-flash`; a name that says what kind of model it is stays as it is. */
function resourceOf(model: string): string {
  const name = model.includes("/") ? model : `models/${model}`;
  return name.split("/").map(encodeURIComponent).join("/");
}

async function create(
  http: GoogleHttp,
  model: string,
  { submission, signal }: { readonly submission: Submission; readonly signal: AbortSignal },
): Promise<string> {
  const action = "create the batch";
  const inputConfig = { fileName: submission.staged["input"] ?? "" };
  const reply = await http.once({
    action,
    method: "POST",
    path: `/${VERSION}/${resourceOf(model)}:batchGenerateContent`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ batch: { displayName: nameOf(submission.tag), inputConfig } }),
    signal,
  });
  try {
    const name = textOf(asRecord(await reply.json())?.["name"]);
    if (name !== null) return name;
  } catch (caught) {
    throw signal.aborted ? caught : http.read(action, caught);
  }
  // There may be a batch: whoever reads this looks for it by its name before sending again.
  throw new ProviderError("provider_failed", `${http.host} made a batch without naming it.`, {
    retryable: true,
  });
}

function batchesAt(
  http: GoogleHttp,
  signal: AbortSignal,
): AsyncIterable<Readonly<Record<string, unknown>>> {
  return pagesOf(http, {
    action: "list the batches",
    path: "batches",
    member: "operations",
    signal,
  });
}

/** Looks through the whole list: its order is not documented, so its end cannot be known earlier. */
async function find(
  http: GoogleHttp,
  submission: Submission,
  signal: AbortSignal,
): Promise<Sighting> {
  for await (const operation of batchesAt(http, signal)) {
    const metadata = asRecord(operation["metadata"]);
    const input = textOf(asRecord(metadata?.["inputConfig"])?.["fileName"]);
    const isOurs =
      metadata?.["displayName"] === nameOf(submission.tag) ||
      (input !== null && input === submission.staged["input"]);
    const batchId = textOf(operation["name"]);
    if (isOurs && batchId !== null) return { found: "batch", batchId };
  }
  return { found: "nothing" };
}

/** Deletes the intent's upload, so that a create call that arrives late points at a missing file. */
async function revoke(
  http: GoogleHttp,
  { staged, tag }: Submission,
  signal: AbortSignal,
): Promise<void> {
  const known = staged["input"];
  const names = known === undefined ? await filesNamed(http, nameOf(tag), signal) : [known];
  for (const name of names) await deleteFile(http, name, signal);
}

async function lookAt(
  http: GoogleHttp,
  batchId: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>>> {
  const path = `/${VERSION}/${batchId}`;
  return await http.json({ action: "look at the batch", method: "GET", path, signal });
}

const OUTCOMES: Readonly<Record<string, BatchOutcome>> = {
  SUCCEEDED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  EXPIRED: "expired",
};

async function poll(http: GoogleHttp, batch: Batch, signal: AbortSignal): Promise<BatchStatus> {
  const operation = await lookAt(http, batch.batchId, signal);
  const metadata = asRecord(operation["metadata"]);
  const state = stateOf(operation);
  const outcome = outcomeOf(operation);
  if (outcome === null) {
    const done = doneOf(asRecord(metadata?.["batchStats"]));
    return { phase: state === "PENDING" ? "validating" : "running", done };
  }
  const output = asRecord(metadata?.["output"]) ?? asRecord(operation["response"]);
  const file = textOf(output?.["responsesFile"]) ?? "";
  const status = statusOf(operation["error"]) ?? { name: "UNKNOWN", message: "no reason given" };
  return {
    phase: "ended",
    ending: {
      outcome,
      results: outcome === "completed" && file !== "" ? { output: file } : {},
      // A cancelled batch carries an error too (13, INTERNAL); its state says why it ended.
      reason: outcome === "failed" ? endingReason(status) : null,
    },
  };
}

function stateOf(operation: Readonly<Record<string, unknown>>): string {
  const state = textOf(asRecord(operation["metadata"])?.["state"]) ?? "";
  return state.toUpperCase().replace(/^(BATCH|JOB)_STATE_/, "");
}

/** How the batch ended; null while it is under way, and while its state is none that is known to be final. */
function outcomeOf(operation: Readonly<Record<string, unknown>>): BatchOutcome | null {
  const known = OUTCOMES[stateOf(operation)];
  if (known !== undefined || operation["done"] !== true) return known ?? null;
  return statusOf(operation["error"]) === null ? "completed" : "failed";
}

/** How many requests are done; the counts are 64-bit numbers written as texts, left out when zero. */
function doneOf(stats: Readonly<Record<string, unknown>> | null): number | null {
  if (stats?.["requestCount"] === undefined) return null;
  const count = (name: string): number => Number(stats[name] ?? 0);
  const done = count("successfulRequestCount") + count("failedRequestCount");
  return Number.isFinite(done) ? done : null;
}

interface Download {
  readonly batch: Batch;
  /** The responses file; undefined when the batch has none. */
  readonly file: string | undefined;
  readonly signal: AbortSignal;
}

async function* replies(
  http: GoogleHttp,
  { batch, file, signal }: Download,
): AsyncGenerator<Uint8Array> {
  if (file === undefined) return;
  try {
    yield* downloadFile(http, file, signal);
  } catch (error) {
    // A file that is gone is refused like one of somebody else's: whether the batch is gone tells which.
    const isDenied = error instanceof ProviderError && error.httpStatus === 403;
    if (isDenied) await lookAt(http, batch.batchId, signal);
    throw error;
  }
}

/** Deletes the upload, and the batch, with which its responses go. */
async function discard(http: GoogleHttp, batch: Batch, signal: AbortSignal): Promise<void> {
  const input = batch.staged["input"];
  if (input !== undefined) await deleteFile(http, input, signal);
  const path = `/${VERSION}/${batch.batchId}`;
  try {
    await http.json({ action: "delete the batch", method: "DELETE", path, signal });
  } catch (error) {
    if (!(error instanceof ProviderError) || error.httpStatus !== 404) throw error;
  }
}

async function* tagged(http: GoogleHttp, signal: AbortSignal): AsyncGenerator<TaggedBatch> {
  const found: TaggedBatch[] = [];
  for await (const operation of batchesAt(http, signal)) {
    const metadata = asRecord(operation["metadata"]);
    const tag = tagOf(textOf(metadata?.["displayName"]));
    const batchId = textOf(operation["name"]);
    if (tag === null || batchId === null) continue;
    const createdAtMs = Date.parse(textOf(metadata?.["createTime"]) ?? "") || 0;
    found.push({ batchId, tag, createdAtMs, isOpen: outcomeOf(operation) === null });
  }
  yield* found.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
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
