/** Gemini's batches as calls of its plain REST: made, found, looked at, read, deleted. */

import type { BatchOutcome } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import { firstLine } from "./first-line.ts";
import { deleteFile, downloadFile, filesNamed } from "./google-files.ts";
import type { GoogleHttp } from "./google-http.ts";
import { pagesOf, VERSION } from "./google-list.ts";
import { endingReason, statusOf } from "./google-status.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";
import type { Batch, BatchStatus, ListedBatch, Sighting, Submission, Tag } from "./provider.ts";

/** The display name of a chunk's upload and batch. */
export function nameOf({ run, chunk, intent }: Tag): string {
  return `batchframe-${run}-${String(chunk)}-${intent}`;
}

const NAME = /^batchframe-([a-z0-9]+)-(\d+)-(.+)$/;

function tagOf(displayName: string | null): Tag | null {
  const [, run, chunk, intent] = NAME.exec(displayName ?? "") ?? [];
  if (run === undefined || chunk === undefined || intent === undefined) return null;
  return { run, chunk: Number(chunk), intent };
}

/** `models/gemini-2.5-flash`; a name that says what kind of model it is stays as it is. */
export function resourceOf(model: string): string {
  const name = model.includes("/") ? model : `models/${model}`;
  return name.split("/").map(encodeURIComponent).join("/");
}

/**
 * Creates the batch over the uploaded file. Its kind is that of the request file's first line:
 * `:asyncBatchEmbedContent` where it holds a `content`, else `:batchGenerateContent`.
 */
export async function create(
  http: GoogleHttp,
  model: string,
  { submission, signal }: { readonly submission: Submission; readonly signal: AbortSignal },
): Promise<string> {
  const action = "create the batch";
  const fileName = submission.staged["input"] ?? "";
  const line = asRecord(parseJson(await firstLine(submission.file.path)));
  const isEmbedding = asRecord(line?.["request"])?.["content"] !== undefined;
  // The embedding call is documented with the name in snake case only.
  const inputConfig = isEmbedding ? { file_name: fileName } : { fileName };
  const method = isEmbedding ? "asyncBatchEmbedContent" : "batchGenerateContent";
  const reply = await http.once({
    action,
    method: "POST",
    path: `/${VERSION}/${resourceOf(model)}:${method}`,
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
export async function find(
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
export async function revoke(
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

/** How a batch stands. The file of its responses is there only when it succeeded. */
export async function poll(
  http: GoogleHttp,
  batch: Batch,
  signal: AbortSignal,
): Promise<BatchStatus> {
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

/** The bytes of the responses file; none where there is no such file. */
export async function* replies(
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
export async function discard(http: GoogleHttp, batch: Batch, signal: AbortSignal): Promise<void> {
  const input = batch.staged["input"];
  if (input !== undefined) await deleteFile(http, input, signal);
  await remove(http, batch.batchId, signal);
}

/** Deletes a batch with its responses; the file it was made from goes by itself after 48 hours. */
export async function remove(
  http: GoogleHttp,
  batchId: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/${VERSION}/${batchId}`;
  try {
    await http.json({ action: "delete the batch", method: "DELETE", path, signal });
  } catch (error) {
    if (!(error instanceof ProviderError) || error.httpStatus !== 404) throw error;
  }
}

/** Every batch of the account, the newest first; the whole list is read before the first is given. */
export async function* list(http: GoogleHttp, signal: AbortSignal): AsyncGenerator<ListedBatch> {
  const found: ListedBatch[] = [];
  for await (const operation of batchesAt(http, signal)) {
    const metadata = asRecord(operation["metadata"]);
    const tag = tagOf(textOf(metadata?.["displayName"]));
    const batchId = textOf(operation["name"]);
    if (batchId === null) continue;
    const createdAtMs = Date.parse(textOf(metadata?.["createTime"]) ?? "") || 0;
    found.push({ batchId, tag, createdAtMs, isOpen: outcomeOf(operation) === null });
  }
  yield* found.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
}
