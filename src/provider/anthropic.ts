/** Anthropic's Message Batches, through the official SDK. */

import Anthropic from "@anthropic-ai/sdk";
import type { BatchOutcome } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { readCustomId } from "../core/tracker.ts";
import { createBody, ENVELOPE_BYTES } from "./anthropic-body.ts";
import { findBySize, type ListedBatch } from "./anthropic-find.ts";
import {
  amendableFailures,
  amendMessageLine,
  ANTHROPIC_VERSION,
  encodeMessageLine,
  idOfLine,
  parseMessageLine,
} from "./anthropic-lines.ts";
import { baseUrlFrom } from "./base-url.ts";
import { httpErrors, type ErrorReader } from "./http-errors.ts";
import { parseJson } from "./json-values.ts";
import { readdressLine } from "./openai-lines.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  RequestFile,
  Sighting,
  Submission,
  TaggedBatch,
} from "./provider.ts";

/** How to reach Anthropic, or a gateway that speaks its protocol. */
export interface AnthropicOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
}

/** Anthropic's own address; the SDK adds `/v1`. */
export const ANTHROPIC_BASE_URL = "https://api.anthropic.com";

// 100,000 requests and 256 MB a create call: Message Batches reference.
const MAX_BYTES = 256_000_000 - ENVELOPE_BYTES;
const MIN_CREATE_MS = 60_000;
// As slow as an upload may be before the create call is given up.
const LEAST_BYTES_PER_MS = 500;

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
  return {
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
    free: false,
    check: () => undefined,
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
    parse: parseMessageLine,
    cancel: (batch, signal) =>
      errors.reading("cancel the batch", async () => {
        await client.messages.batches.cancel(batch.batchId, {}, { signal });
      }),
    discard: (batch, _ending, signal) =>
      errors.reading("delete the batch", () => discard(client, batch, signal)),
    tagged: (signal) => tagged(service, signal),
    close: () => Promise.resolve(),
  };
}

interface Service {
  readonly client: Anthropic;
  readonly errors: ErrorReader;
  readonly settleMs: number;
  /** When a lost intent was first looked for, and so no longer under way, in epoch milliseconds. */
  readonly firstLooks: Map<string, number>;
  /** The first custom_id in the results of ended batches, which never change. */
  readonly firstIds: Map<string, string | null>;
}

const BATCHES = "/v1/messages/batches";

async function create(client: Anthropic, file: RequestFile, signal: AbortSignal): Promise<string> {
  const batch = await client.post<Anthropic.Messages.MessageBatch>(BATCHES, {
    body: createBody(file),
    headers: {
      "content-type": "application/json",
      "content-length": String(file.bytes + ENVELOPE_BYTES),
    },
    // A body that might be sent again, to where a redirect leads, is kept whole in memory by fetch.
    fetchOptions: { redirect: "error", window: null },
    signal,
    // A retried create is a second batch that is paid for as well.
    maxRetries: 0,
    timeout: createTimeoutMs(file),
  });
  return batch.id;
}

/** How long a create call may take: the body travels with it, ten minutes' worth when it is as large as can be. */
function createTimeoutMs(file: RequestFile): number {
  return MIN_CREATE_MS + Math.ceil(file.bytes / LEAST_BYTES_PER_MS);
}

interface Search {
  readonly claimed: ReadonlySet<string>;
  readonly signal: AbortSignal;
}

/**
 * Finds by size. That there is nothing is believed once the list has had time to show what a call made
 * that was alive until the first look, or until the latest moment it can have been.
 */
async function find(
  service: Service,
  submission: Submission,
  { claimed, signal }: Search,
): Promise<Sighting> {
  const { intent } = submission.tag;
  const atMs = Date.now();
  const latestMs = submission.sentAtMs + createTimeoutMs(submission.file);
  const firstLookMs = service.firstLooks.get(intent) ?? atMs;
  service.firstLooks.set(intent, firstLookMs);
  const sighting = await findBySize(
    { submission, claimed, latestMs },
    {
      list: () => listed(service, signal),
      firstId: (batchId) => firstId(service, batchId, signal),
    },
  );
  const isEarly = atMs < Math.min(firstLookMs, latestMs) + service.settleMs;
  return sighting.found === "nothing" && isEarly ? { found: "unclear" } : sighting;
}

async function* listed(
  { client, errors }: Service,
  signal: AbortSignal,
): AsyncGenerator<ListedBatch> {
  try {
    for await (const batch of client.messages.batches.list({ limit: 100 }, { signal })) {
      const { processing, succeeded, errored, canceled, expired } = batch.request_counts;
      const hasEnded = batch.processing_status === "ended";
      yield {
        id: batch.id,
        createdAtMs: Date.parse(batch.created_at),
        requestCount: processing + succeeded + errored + canceled + expired,
        hasEnded,
        isReadable: hasEnded && batch.archived_at === null && batch.results_url !== null,
      };
    }
  } catch (cause) {
    throw errors.read("list the batches", cause);
  }
}

/** The custom_id of the first result that has one; the download is stopped there. */
async function firstId(
  service: Service,
  batchId: string,
  signal: AbortSignal,
): Promise<string | null> {
  const known = service.firstIds.get(batchId);
  if (known !== undefined) return known;
  let id: string | null = null;
  for await (const { text } of linesOf(replies(service, batchId, signal))) {
    id = idOfLine(text);
    if (id !== null) break;
  }
  service.firstIds.set(batchId, id);
  return id;
}

async function poll(client: Anthropic, batch: Batch, signal: AbortSignal): Promise<BatchStatus> {
  const seen = await client.messages.batches.retrieve(batch.batchId, {}, { signal });
  if (seen.processing_status !== "ended")
    return {
      phase: seen.processing_status === "canceling" ? "cancelling" : "running",
      done: null,
    };
  const { canceled, expired } = seen.request_counts;
  const outcome: BatchOutcome = canceled > 0 ? "cancelled" : expired > 0 ? "expired" : "completed";
  return { phase: "ended", ending: { outcome, results: {}, reason: null } };
}

const LINE_FEED = 10;

/**
 * The results of an ended batch, ending in a line feed.
 *
 * The protocol names no size, so a download that the transport takes for whole counts as whole unless
 * it ends in the middle of a line.
 */
async function* replies(
  { client, errors }: Service,
  batchId: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const action = "download the results";
  // Not the address the batch names: behind a gateway that one may lead past it.
  const path = `${BATCHES}/${encodeURIComponent(batchId)}/results`;
  const headers = { accept: "application/binary" };
  const response = await errors.reading(action, () =>
    client.get(path, { headers, signal, __binaryResponse: true }).asResponse(),
  );
  let last: Uint8Array[] = [];
  try {
    const body: ReadableStream<Uint8Array> | null = response.body;
    for await (const piece of body ?? []) {
      const end = piece.lastIndexOf(LINE_FEED);
      if (end >= 0) last = [];
      if (end < piece.byteLength - 1) last.push(piece.slice(end + 1));
      yield piece;
    }
  } catch (cause) {
    throw errors.read(action, cause);
  }
  if (last.length === 0) return;
  if (parseJson(Buffer.concat(last).toString("utf8")) === null)
    throw new ProviderError(
      "download_incomplete",
      "The results ended in the middle of a line. They are fetched again; nothing is paid twice.",
      { retryable: true },
    );
  yield Uint8Array.of(LINE_FEED);
}

async function discard(client: Anthropic, batch: Batch, signal: AbortSignal): Promise<void> {
  try {
    await client.messages.batches.delete(batch.batchId, {}, { signal });
  } catch (error) {
    // A batch that is gone is what was wanted.
    if (!(error instanceof Anthropic.NotFoundError)) throw error;
  }
}

/**
 * Ended batches whose first result carries one of our custom_ids; the intent is not in there, and so
 * is "". Batches under way cannot be told from a stranger's and are left out until they end. Each
 * ended batch of the list costs one download that is stopped after its first line, once a process.
 */
async function* tagged(service: Service, signal: AbortSignal): AsyncGenerator<TaggedBatch> {
  for await (const { id: batchId, createdAtMs, isReadable } of listed(service, signal)) {
    const id = isReadable ? await firstId(service, batchId, signal) : null;
    const run = id?.slice(0, id.indexOf("-")) ?? "";
    const address = id === null ? null : readCustomId(run, id);
    if (address === null) continue;
    const tag = { run, chunk: address.chunk, intent: "" };
    yield { batchId, tag, createdAtMs, isOpen: false };
  }
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
