/** The batch provider of any host of OpenAI's protocol, from what is known of the host. */

import { ProviderError } from "../core/errors.ts";
import type { Ending } from "../core/chunk.ts";
import { firstLine } from "./first-line.ts";
import type { BatchWays, HostProfile } from "./host-profile.ts";
import { httpErrors, type ErrorReader } from "./http-errors.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";
import { addressOf, secretsOf } from "./live.ts";
import { liveTwin, withLive } from "./live-service.ts";
import { mistralLines } from "./mistral-lines.ts";
import { readBatch, tagMetadata, type HostBatch } from "./openai-batch.ts";
import type { RequestLines, TextEndpoint } from "./openai-dialect.ts";
import { deleteFiles, tagsOfUploads, upload, uploadsNamed, wholeFile } from "./openai-files.ts";
import { chatLines, endpointAt } from "./openai-lines.ts";
import { hostForm } from "./openai-live.ts";
import { listed } from "./openai-pages.ts";
import { hostCalls, type HostCalls } from "./openai-sdk.ts";
import type { Pacing } from "./pacing.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  ListedBatch,
  Sighting,
  Submission,
} from "./provider.ts";

/** How to reach a host, and what is asked of it. */
export interface HostOptions {
  /** Null where the host asks for none. */
  readonly apiKey: string | null;
  readonly baseUrl: string;
  /** The model that jobs are made for, where the host wants it there; else unused. */
  readonly model?: string;
  /** How long a new batch may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
  /** Where text is asked from; chat completions when left out. */
  readonly endpoint?: TextEndpoint;
  /** How hard it is asked live. */
  readonly pacing?: Pacing;
}

interface Host {
  readonly calls: HostCalls;
  readonly profile: HostProfile;
  readonly errors: ErrorReader;
  readonly model: string | undefined;
}

// A batch made by a host whose clock runs behind may seem this much older.
const CLOCK_SKEW_MS = 5 * 60_000;
const PAGE_SIZE = 100;

/**
 * The provider of one host.
 *
 * Creating a batch and uploading are never retried inside; reading calls are, twice. The upload's
 * file name carries run, chunk and intent, and so does the batch's metadata where the host keeps it.
 *
 * @throws {InputError} `option_unsupported` for an endpoint the host does not have.
 */
export function hostProvider(profile: HostProfile, options: HostOptions): BatchProvider {
  const { apiKey, baseUrl } = options;
  const { host: name } = new URL(baseUrl);
  const isOpenAi = profile.id === "openai";
  const calls = hostCalls({ baseUrl, apiKey, auth: profile.auth, isOpenAi });
  const errors = httpErrors(name, apiKey === null ? [] : [apiKey]);
  const host: Host = { calls, profile, errors, model: options.model };
  const reading: ErrorReader["reading"] = (action, call) => errors.reading(action, call);
  const batches: BatchProvider = {
    id: profile.id,
    host: name,
    limits: profile.limits,
    pollEveryMs: profile.pollEveryMs,
    requestsPerChunk: profile.requestsPerChunk,
    settleMs: options.settleMs ?? 60_000,
    free: false,
    ...linesFor(profile, options.endpoint),
    stage: (file, tag, signal) =>
      reading("upload", async () => ({
        input: await upload(calls, { file, tag, ways: profile.files }, signal),
      })),
    create: (submission, signal) =>
      reading("create the batch", () => create(host, submission, signal)),
    find: (submission, signal) => reading("list the batches", () => find(host, submission, signal)),
    revoke: (submission, signal) =>
      reading("look for what was uploaded", () => revoke(host, submission, signal)),
    poll: (batch, signal) => reading("look at the batch", () => poll(host, batch, signal)),
    replies: (_batch, ending, signal) => replies(host, ending, signal),
    cancel: (batch, signal) =>
      reading("cancel the batch", async () => {
        await calls.ask(`${profile.batches.path}/${batch.batchId}/cancel`, signal);
      }),
    discard: (batch, { results }, signal) =>
      reading("delete the remote files", () =>
        deleteFiles(calls, [batch.staged["input"], results["output"], results["error"]], signal),
      ),
    list: (signal) => list(host, signal),
    remove: (batchId, signal) =>
      reading("delete the remote files", () => remove(host, batchId, signal)),
    close: () => Promise.resolve(),
  };
  return withLive(batches, liveLane(batches, profile, options));
}

/** The host asked live. What is left to the batch to name is named in each request. */
function liveLane(
  batches: BatchProvider,
  { dialect, auth, batches: ways, limits }: HostProfile,
  { apiKey, baseUrl, model = "", pacing }: HostOptions,
): BatchProvider {
  const server = { baseUrl, apiKey, auth };
  const { maxBatchesInFlight: atOnce } = limits;
  return liveTwin(batches, {
    // What a host takes of batches at once is the best guess of what it takes of requests.
    ...(atOnce === null ? {} : { concurrency: atOnce }),
    ...pacing,
    form: hostForm(dialect, ways.modelOn === "batch" ? model : null),
    address: addressOf(server),
    secrets: secretsOf(server),
    mayLackSchemas: !dialect.schemas.isEnforced,
    packsEmbeddings: dialect.embeddings !== null,
  });
}

function linesFor({ dialect, batches }: HostProfile, endpoint?: TextEndpoint): RequestLines {
  const lines = chatLines(dialect, endpoint);
  return batches.modelOn === "batch" ? mistralLines(lines) : lines;
}

async function create(host: Host, submission: Submission, signal: AbortSignal): Promise<string> {
  const { calls, profile } = host;
  const { path, metadata } = profile.batches;
  const body = createBody(host, submission, await firstLine(submission.file.path));
  const tag = { metadata: tagMetadata(submission.tag) };
  let reply: unknown;
  try {
    reply = await calls.post(path, metadata === "no" ? body : { ...body, ...tag }, signal);
  } catch (error) {
    if (metadata !== "perhaps" || !refusesMetadata(error)) throw error;
    // The refusal says that no batch was made, so this is not a second one.
    reply = await calls.post(path, body, signal);
  }
  return known(readBatch(reply)).id;
}

/** What a batch is created from, but for its metadata. */
function createBody({ profile, model }: Host, submission: Submission, line: string): object {
  const { inputField, window, modelOn } = profile.batches;
  const input = submission.staged["input"] ?? "";
  const parsed = asRecord(parseJson(line));
  const body = asRecord(parsed?.["body"]);
  return {
    [inputField]: inputField === "input_files" ? [input] : input,
    endpoint: endpointAt(profile.dialect, parsed),
    ...window,
    ...(modelOn === "batch" ? { model: textOf(body?.["model"]) ?? model } : {}),
  };
}

function refusesMetadata(error: unknown): boolean {
  const status = statusOf(error);
  return (status === 400 || status === 422) && /metadata/i.test((error as Error).message);
}

function statusOf(error: unknown): unknown {
  return error instanceof Error && "status" in error ? error.status : undefined;
}

/** @throws {ProviderError} where the host answered with something that is no batch. */
function known(batch: HostBatch | null): HostBatch {
  if (batch !== null) return batch;
  throw new ProviderError("provider_failed", "The host answered with no batch. It is looked up.", {
    retryable: true,
  });
}

async function find(host: Host, submission: Submission, signal: AbortSignal): Promise<Sighting> {
  const input = submission.staged["input"];
  for await (const batch of batchesSince(host, submission.sentAtMs - CLOCK_SKEW_MS, signal)) {
    const isOurs =
      batch.tag?.intent === submission.tag.intent ||
      (input !== undefined && batch.inputs.includes(input));
    if (isOurs) return { found: "batch", batchId: batch.id };
  }
  return { found: "nothing" };
}

/** The host's batches; where its lists are newest first, none but one is older than `sinceMs`. */
async function* batchesSince(
  { calls, profile }: Host,
  sinceMs: number,
  signal: AbortSignal,
): AsyncGenerator<HostBatch> {
  const { path, paging, listQuery: query } = profile.batches;
  const listing = { path, paging, pageSize: PAGE_SIZE, ...(query === undefined ? {} : { query }) };
  for await (const item of listed(calls, listing, signal)) {
    const batch = readBatch(item);
    if (batch === null) continue;
    yield batch;
    if (paging !== "whole" && (batch.createdAtMs ?? Infinity) < sinceMs) return;
  }
}

/** Deletes the intent's upload, so that a create call that arrives late points at a missing file. */
async function revoke(host: Host, submission: Submission, signal: AbortSignal): Promise<void> {
  const { calls, profile } = host;
  const { tag, sentAtMs: sinceMs, staged } = submission;
  const input = staged["input"];
  const ids =
    input === undefined
      ? await uploadsNamed(calls, { tag, ways: profile.files, sinceMs }, signal)
      : [input];
  await deleteFiles(calls, ids, signal);
}

async function poll(host: Host, batch: Batch, signal: AbortSignal): Promise<BatchStatus> {
  const { path }: BatchWays = host.profile.batches;
  return known(readBatch(await host.calls.get(`${path}/${batch.batchId}`, signal))).status;
}

async function* replies(
  { calls, errors }: Host,
  { results }: Ending,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const id of [results["output"], results["error"]])
    if (id !== undefined) yield* wholeFile(calls, id, { signal, errors });
}

async function* list(host: Host, signal: AbortSignal): AsyncGenerator<ListedBatch> {
  const { calls, profile, errors } = host;
  try {
    const batches = batchesSince(host, -Infinity, signal);
    // Only lists that come by the page are known to be newest first.
    const ordered =
      profile.batches.paging === "whole"
        ? (await Array.fromAsync(batches)).toSorted((a, b) => madeAtMs(b) - madeAtMs(a))
        : batches;
    let uploads: Awaited<ReturnType<typeof tagsOfUploads>> | undefined;
    for await (const batch of ordered) {
      const isUntagged = batch.tag === null && profile.batches.metadata !== "yes";
      if (isUntagged) uploads ??= await tagsOfUploads(calls, profile.files, signal);
      yield {
        batchId: batch.id,
        tag: batch.tag ?? uploads?.get(batch.inputs[0] ?? "") ?? null,
        createdAtMs: madeAtMs(batch),
        isOpen: batch.status.phase !== "ended" && batch.status.phase !== "cancelling",
      };
    }
  } catch (cause) {
    throw errors.read("list the batches", cause);
  }
}

/** When a batch was made; now, where the host does not say, so that it is never passed over as too old. */
function madeAtMs(batch: HostBatch): number {
  return batch.createdAtMs ?? Date.now();
}

/** Deletes the files of a batch, and its record where the host can. */
async function remove(
  { calls, profile }: Host,
  batchId: string,
  signal: AbortSignal,
): Promise<void> {
  const { path, deletes } = profile.batches;
  let batch: HostBatch | null;
  try {
    batch = readBatch(await calls.get(`${path}/${batchId}`, signal));
  } catch (error) {
    if (statusOf(error) === 404) return;
    throw error;
  }
  const { inputs = [], status } = batch ?? {};
  const results = status?.phase === "ended" ? Object.values(status.ending.results) : [];
  await deleteFiles(calls, [...inputs, ...results], signal);
  if (deletes) await calls.delete(`${path}/${batchId}`, signal);
}
