/** OpenAI's Batch API, and any host that speaks it, through the official SDK. */

import { openAsBlob } from "node:fs";
import OpenAI from "openai";
import type { BatchOutcome, Ending, EndingReason, RemoteNames } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { baseUrlFrom } from "./base-url.ts";
import {
  amendableFailures,
  amendLine,
  CHAT_ENDPOINT,
  encodeChatLine,
  parseChatLine,
  readdressLine,
} from "./openai-lines.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  RequestFile,
  Sighting,
  Submission,
  Tag,
  TaggedBatch,
} from "./provider.ts";
import { httpErrors, type ErrorReader } from "./http-errors.ts";

/** How to reach an OpenAI host. */
export interface OpenAiOptions {
  readonly apiKey: string;
  readonly baseUrl: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
}

/** OpenAI's own address. */
export const OPENAI_BASE_URL = "https://api.openai.com/v1";

// 50,000 requests and 200 MB a file: OpenAI batch guide. One line has no limit of its own.
const MAX_BYTES = 200_000_000;
// Lists are newest first; a batch made by a host whose clock runs behind may seem this much older.
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * The `openai` provider.
 *
 * Creating a batch and uploading are never retried inside; reading calls are, twice. The upload's
 * file name and the batch's metadata carry run, chunk and intent.
 */
export function openaiProvider(options: OpenAiOptions): BatchProvider {
  const client = new OpenAI({
    apiKey: options.apiKey,
    baseURL: options.baseUrl,
    maxRetries: 2,
    logLevel: "off",
  });
  const errors = httpErrors(new URL(options.baseUrl).host, [options.apiKey]);
  return {
    id: "openai",
    host: new URL(options.baseUrl).host,
    limits: {
      maxRequestsPerBatch: 50_000,
      maxBytesPerBatch: MAX_BYTES,
      maxBytesPerRequest: MAX_BYTES,
      maxBatchesInFlight: null,
    },
    pollEveryMs: 30_000,
    requestsPerChunk: 10_000,
    settleMs: options.settleMs ?? 60_000,
    free: false,
    check: () => undefined,
    encode: encodeChatLine,
    readdress: readdressLine,
    amendable: amendableFailures,
    amend: amendLine,
    stage: (file, tag, signal) => errors.reading("upload", () => upload(client, file, tag, signal)),
    create: (submission, signal) =>
      errors.reading("create the batch", () => create(client, submission, signal)),
    find: (submission, signal) =>
      errors.reading("list the batches", () => find(client, submission, signal)),
    revoke: (submission, signal) =>
      errors.reading("delete the upload", () => revoke(client, submission, signal)),
    poll: (batch, signal) => errors.reading("look at the batch", () => poll(client, batch, signal)),
    replies: (_batch, ending, signal) => replies(client, ending, { signal, errors }),
    parse: parseChatLine,
    cancel: (batch, signal) =>
      errors.reading("cancel the batch", async () => {
        await client.batches.cancel(batch.batchId, { signal });
      }),
    discard: (batch, ending, signal) =>
      errors.reading("delete the remote files", () =>
        deleteFiles(
          client,
          [batch.staged["input"], ending.results["output"], ending.results["error"]],
          signal,
        ),
      ),
    tagged: (signal) => tagged(client, { signal, errors }),
    close: () => Promise.resolve(),
  };
}

function uploadName(tag: Tag): string {
  return `batchframe-${tag.run}-${String(tag.chunk)}-${tag.intent}.jsonl`;
}

async function upload(
  client: OpenAI,
  file: RequestFile,
  tag: Tag,
  signal: AbortSignal,
): Promise<RemoteNames> {
  // Backed by the file on disk: 200 MB are never held in memory.
  const blob = await openAsBlob(file.path);
  const uploaded = await client.files.create(
    { purpose: "batch", file: new File([blob], uploadName(tag)) },
    { signal, maxRetries: 0 },
  );
  return { input: uploaded.id };
}

async function create(
  client: OpenAI,
  submission: Submission,
  signal: AbortSignal,
): Promise<string> {
  const { run, chunk, intent } = submission.tag;
  const batch = await client.batches.create(
    {
      input_file_id: submission.staged["input"] ?? "",
      endpoint: CHAT_ENDPOINT,
      completion_window: "24h",
      metadata: { batchframe_run: run, batchframe_chunk: String(chunk), batchframe_intent: intent },
    },
    // A retried create is a second batch that is paid for as well; a minute is long for this call.
    { signal, maxRetries: 0, timeout: 60_000 },
  );
  return batch.id;
}

async function find(
  client: OpenAI,
  submission: Submission,
  signal: AbortSignal,
): Promise<Sighting> {
  const oldest = submission.sentAtMs - CLOCK_SKEW_MS;
  for await (const batch of client.batches.list({ limit: 100 }, { signal })) {
    const ours =
      batch.metadata?.["batchframe_intent"] === submission.tag.intent ||
      batch.input_file_id === submission.staged["input"];
    if (ours) return { found: "batch", batchId: batch.id };
    if (batch.created_at * 1000 < oldest) break;
  }
  return { found: "nothing" };
}

/** Deletes the intent's upload, so that a create call that arrives late points at a missing file. */
async function revoke(client: OpenAI, submission: Submission, signal: AbortSignal): Promise<void> {
  const known = submission.staged["input"];
  if (known !== undefined) {
    await deleteFiles(client, [known], signal);
    return;
  }
  const name = uploadName(submission.tag);
  for await (const file of client.files.list({ purpose: "batch", order: "desc" }, { signal })) {
    if (file.filename === name) await deleteFiles(client, [file.id], signal);
    if (file.created_at * 1000 < submission.sentAtMs - CLOCK_SKEW_MS) break;
  }
}

async function deleteFiles(
  client: OpenAI,
  ids: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  for (const id of ids) {
    if (id === undefined || id === "") continue;
    try {
      await client.files.delete(id, { signal });
    } catch (error) {
      // A file that is gone is what was wanted.
      if (!(error instanceof OpenAI.NotFoundError)) throw error;
    }
  }
}

const OUTCOMES: Readonly<Record<string, BatchOutcome>> = {
  completed: "completed",
  failed: "failed",
  expired: "expired",
  cancelled: "cancelled",
};

async function poll(client: OpenAI, batch: Batch, signal: AbortSignal): Promise<BatchStatus> {
  const seen = await client.batches.retrieve(batch.batchId, { signal });
  // Some hosts write states in capitals; one that is not known to be final is still under way.
  const status = seen.status.toLowerCase();
  const outcome = OUTCOMES[status];
  if (outcome !== undefined)
    return {
      phase: "ended",
      ending: { outcome, results: resultFiles(seen), reason: reasonOf(seen) },
    };
  const counts = seen.request_counts;
  const phase =
    status === "validating" || status === "finalizing" || status === "cancelling"
      ? status
      : "running";
  return { phase, done: counts === undefined ? null : counts.completed + counts.failed };
}

function resultFiles(batch: OpenAI.Batch): RemoteNames {
  const files: Record<string, string> = {};
  // A host is known to write "" for no file.
  if (batch.output_file_id !== undefined && batch.output_file_id)
    files["output"] = batch.output_file_id;
  if (batch.error_file_id !== undefined && batch.error_file_id)
    files["error"] = batch.error_file_id;
  return files;
}

// What would be refused again however often it is sent. Anything else may pass another time.
const FINAL_CODES = new Set([
  "invalid_json_line",
  "duplicate_custom_id",
  "missing_required_parameter",
  "mismatched_model",
  "invalid_url",
  "model_not_found",
  "streaming_unsupported",
  "empty_file",
  "too_many_tasks",
]);

function reasonOf(batch: OpenAI.Batch): EndingReason | null {
  const first = batch.errors?.data?.[0];
  if (first === undefined) return null;
  const code = first.code ?? "unknown";
  const where =
    first.line === null || first.line === undefined ? "" : ` (line ${String(first.line)})`;
  const again =
    code === "token_limit_exceeded" ? "room" : FINAL_CODES.has(code) ? "never" : "later";
  return { code, message: `${first.message ?? code}${where}`, again };
}

interface Reading {
  readonly signal: AbortSignal;
  readonly errors: ErrorReader;
}

async function* replies(
  client: OpenAI,
  ending: Ending,
  reading: Reading,
): AsyncGenerator<Uint8Array> {
  for (const id of [ending.results["output"], ending.results["error"]])
    if (id !== undefined) yield* wholeFile(client, id, reading);
}

const LINE_FEED = 10;

/** A remote file's bytes, ending in a line feed; fails unless as many bytes came as the host says it holds. */
async function* wholeFile(
  client: OpenAI,
  id: string,
  { signal, errors }: Reading,
): AsyncGenerator<Uint8Array> {
  const file = await errors.reading("look at a result file", () =>
    client.files.retrieve(id, { signal }),
  );
  const response = await errors.reading("download a result file", () =>
    client.files.content(id, { signal }),
  );
  let received = 0;
  let last = LINE_FEED;
  try {
    const body: ReadableStream<Uint8Array> | null = response.body;
    for await (const piece of body ?? []) {
      received += piece.byteLength;
      last = piece.at(-1) ?? last;
      yield piece;
    }
  } catch (cause) {
    throw errors.read("download a result file", cause);
  }
  if (received < file.bytes)
    throw new ProviderError(
      "download_incomplete",
      `A result file came with ${String(received)} of its ${String(file.bytes)} bytes. It is fetched again; nothing is paid twice.`,
      { retryable: true },
    );
  if (last !== LINE_FEED) yield Uint8Array.of(LINE_FEED);
}

const FINAL_STATES = new Set([...Object.keys(OUTCOMES), "cancelling"]);

async function* tagged(client: OpenAI, { signal, errors }: Reading): AsyncGenerator<TaggedBatch> {
  try {
    for await (const batch of client.batches.list({ limit: 100 }, { signal })) {
      const run = batch.metadata?.["batchframe_run"];
      if (run === undefined) continue;
      const chunk = Number(batch.metadata?.["batchframe_chunk"]);
      const intent = batch.metadata?.["batchframe_intent"] ?? "";
      yield {
        batchId: batch.id,
        tag: { run, chunk, intent },
        createdAtMs: batch.created_at * 1000,
        isOpen: !FINAL_STATES.has(batch.status.toLowerCase()),
      };
    }
  } catch (cause) {
    throw errors.read("list the batches", cause);
  }
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
