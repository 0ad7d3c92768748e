/** Anthropic's batches as calls of its SDK: made, found, looked at, read, deleted. */

import type Anthropic from "@anthropic-ai/sdk";
import type { BatchOutcome } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { readCustomId } from "../core/tracker.ts";
import { createBody, ENVELOPE_BYTES } from "./anthropic-body.ts";
import { findBySize, type Candidate } from "./anthropic-find.ts";
import { idOfLine } from "./anthropic-replies.ts";
import type { ErrorReader } from "./http-errors.ts";
import { asRecord, parseJson } from "./json-values.ts";
import type {
  Batch,
  BatchStatus,
  ListedBatch,
  RequestFile,
  Sighting,
  Submission,
  Tag,
} from "./provider.ts";

/** The service at one address, and what is known of its batches. */
export interface Service {
  readonly client: Anthropic;
  readonly errors: ErrorReader;
  readonly settleMs: number;
  /** When a lost intent was first looked for, and so no longer under way, in epoch milliseconds. */
  readonly firstLooks: Map<string, number>;
  /** The first custom_id in the results of ended batches, which never change. */
  readonly firstIds: Map<string, string | null>;
}

const MIN_CREATE_MS = 60_000;
// As slow as an upload may be before the create call is given up.
const LEAST_BYTES_PER_MS = 500;

const BATCHES = "/v1/messages/batches";

/** Creates the batch; once, for it is paid for. */
export async function create(
  client: Anthropic,
  file: RequestFile,
  signal: AbortSignal,
): Promise<string> {
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
export async function find(
  service: Service,
  submission: Submission,
  { claimed, signal }: Search,
): Promise<Sighting> {
  const { intent } = submission.tag;
  const atMs = submission.nowMs ?? Date.now();
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
): AsyncGenerator<Candidate> {
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

/** A batch's state; how its requests ended is told by its counts. */
export async function poll(
  client: Anthropic,
  batch: Batch,
  signal: AbortSignal,
): Promise<BatchStatus> {
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
export async function* replies(
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

/** Deletes an ended batch with its results. */
export async function remove(
  client: Anthropic,
  batchId: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.messages.batches.delete(batchId, {}, { signal });
  } catch (error) {
    // A batch that is gone is what was wanted.
    if (asRecord(error)?.["status"] !== 404) throw error;
  }
}

/**
 * The list, with a tag for ended batches whose first result carries one of our custom_ids; the intent
 * is not in there, and so is "". Batches under way cannot be told from a stranger's and have no tag
 * until they end. Each ended batch costs one download that is stopped after its first line, once a
 * process.
 */
export async function* list(service: Service, signal: AbortSignal): AsyncGenerator<ListedBatch> {
  for await (const { id: batchId, createdAtMs, isReadable, hasEnded } of listed(service, signal)) {
    const id = isReadable ? await firstId(service, batchId, signal) : null;
    yield { batchId, tag: tagOf(id), createdAtMs, isOpen: !hasEnded };
  }
}

function tagOf(customId: string | null): Tag | null {
  const run = customId?.slice(0, customId.indexOf("-")) ?? "";
  const address = customId === null ? null : readCustomId(run, customId);
  return address === null ? null : { run, chunk: address.chunk, intent: "" };
}
