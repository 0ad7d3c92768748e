/** Gemini's batches on Vertex AI, with their files in Cloud Storage. */

import type { Ending } from "../core/chunk.ts";
import { InputError, ProviderError } from "../core/errors.ts";
import { VERTEX_SCHEMA_DIALECT } from "../core/schema-dialect.ts";
import { alikeLines } from "./alike-lines.ts";
import { cloudStorage, type CloudStorage } from "./cloud-storage.ts";
import { googleHttpAs, type GoogleAccess } from "./google-http.ts";
import { bearerAccess, defaultIdentity, givenIdentity, namedAt } from "./google-identity.ts";
import { amendableGenerateFailures } from "./google-lines.ts";
import { googleForm } from "./google-live.ts";
import { liveTwin, withLive } from "./live-service.ts";
import type { Pacing } from "./pacing.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  RequestFile,
  Submission,
  Tag,
} from "./provider.ts";
import {
  cancelJob,
  createJob,
  deleteJob,
  filesOf,
  findJob,
  hasEnded,
  listJobs,
  lookAtJob,
  statusOfJob,
  VERSION,
  type VertexJobs,
} from "./vertex-jobs.ts";
import {
  amendVertexLine,
  checkVertex,
  encodeVertexLine,
  readdressVertexLine,
} from "./vertex-lines.ts";
import { parseVertexLine, PREDICTION_PLACES } from "./vertex-replies.ts";

/** Which project, location and bucket of Google Cloud to use, and for which model: a job has one. */
export interface VertexOptions {
  readonly project: string;
  /** Such as `us-central1`, or `global`. */
  readonly location: string;
  /** The bucket's name alone. */
  readonly bucket: string;
  /** Such as `gemini-2.5-flash`, or a full resource name such as `projects/p/locations/l/models/m`. */
  readonly model: string;
  /** Where the job API is. */
  readonly baseUrl: string;
  /** Where Cloud Storage is; null for Google's own. */
  readonly storageUrl: string | null;
  /** An access token for a gateway or an emulator that asks for one; Google's own storage takes none. */
  readonly accessToken?: string;
  /** How long a new job may take to show in the list before it counts as never made; milliseconds. */
  readonly settleMs?: number;
  /** How hard it is asked live. */
  readonly pacing?: Pacing;
}

interface Vertex {
  readonly access: GoogleAccess;
  readonly jobs: VertexJobs;
  readonly storage: CloudStorage;
  readonly bucket: string;
  readonly model: string;
}

/**
 * The `vertex` provider: Gemini on Vertex AI.
 *
 * The request file of a chunk goes to `gs://BUCKET/batchframe/RUN/CHUNK-INTENT/requests.jsonl`, the
 * results into `output/` beside it; the job carries run, chunk and intent as labels. Creating and
 * uploading are never retried inside; other calls are, twice. A job runs for at most 24 hours (after
 * up to 72 in the queue) and keeps what it had finished when it is cut off or cancelled. Only what
 * lies under `batchframe/` is ever deleted: files of jobs made elsewhere belong to whoever made them.
 *
 * @throws {InputError} `base_url_invalid` where the access token would travel unencrypted to another
 * machine, `option_unsupported` where one is given for Google's own addresses; nothing was sent.
 */
export function vertexProvider(options: VertexOptions): BatchProvider {
  const vertex = connected(options);
  const { jobs, storage } = vertex;
  const batches: BatchProvider = {
    id: "vertex",
    host: jobs.http.host,
    limits: {
      // 200,000 requests and 1 GB a file: Vertex's guide to batch prediction. 20 MB a request: the model's API.
      maxRequestsPerBatch: 200_000,
      maxBytesPerBatch: 1_000_000_000,
      maxBytesPerRequest: 20_000_000,
      maxBatchesInFlight: null,
    },
    pollEveryMs: 30_000,
    requestsPerChunk: 10_000,
    settleMs: options.settleMs ?? 60_000,
    free: false,
    schemaDialect: VERTEX_SCHEMA_DIALECT,
    check: checkVertex,
    writesTextsAsJson: true,
    encode: encodeVertexLine,
    readdress: readdressVertexLine,
    amendable: amendableGenerateFailures,
    amend: amendVertexLine,
    stage: (file, tag, signal) => stage(vertex, { file, tag, signal }),
    create: (submission, signal) => {
      const outputPrefix = `${folderOf(vertex, submission.tag)}/output`;
      return createJob(jobs, { submission, model: vertex.model, outputPrefix, signal });
    },
    find: (submission, signal) => findJob(jobs, submission, signal),
    // A create call that arrives late then makes a job that finds no input and fails.
    revoke: ({ tag, staged }, signal) =>
      storage.remove(staged["input"] ?? inputOf(vertex, tag), signal),
    poll: (batch, signal) => poll(vertex, batch, signal),
    replies: (_batch, ending, signal) => replies(storage, ending, signal),
    ...alikeLines(parseVertexLine, PREDICTION_PLACES),
    cancel: ({ batchId }, signal) => cancelJob(jobs, batchId, signal),
    discard: ({ staged }, { results }, signal) => {
      const inputs = staged["input"] === undefined ? [] : [staged["input"]];
      return removeFiles(vertex, { inputs, directory: results["directory"] ?? null, signal });
    },
    list: (signal) => listJobs(jobs, signal),
    remove: (batchId, signal) => remove(vertex, batchId, signal),
    close: () => Promise.resolve(),
  };
  return withLive(batches, liveLane(batches, options, vertex));
}

function liveLane(
  batches: BatchProvider,
  { baseUrl, model, pacing }: VertexOptions,
  { access, jobs }: Vertex,
): BatchProvider {
  const base = `${baseUrl.replace(/\/+$/, "")}/${VERSION}/${liveResource(model, jobs.parent)}`;
  return liveTwin(batches, {
    ...pacing,
    form: googleForm("custom_id"),
    address: async ({ path }) => ({ url: `${base}${path}`, headers: await access.headers() }),
    secrets: access.secrets,
    mayLackSchemas: false,
    packsEmbeddings: false,
  });
}

/** The name a model is asked by: a bare one, or one of a publisher, stands below the project and the location. */
function liveResource(model: string, parent: string): string {
  if (model.startsWith("projects/")) return model;
  return `${parent}/${model.includes("/") ? model : `publishers/google/models/${model}`}`;
}

function connected(options: VertexOptions): Vertex {
  const { project, location, bucket, model, baseUrl, storageUrl, accessToken } = options;
  if (accessToken !== undefined && storageUrl === null) throw onlyDefault();
  const identity = accessToken === undefined ? defaultIdentity() : givenIdentity(accessToken);
  const access = bearerAccess(namedAt(baseUrl, identity));
  const http = googleHttpAs(baseUrl, access);
  const atStorage = storageUrl === null ? identity : namedAt(storageUrl, identity);
  return {
    access,
    jobs: { http, parent: `projects/${project}/locations/${location}` },
    storage: cloudStorage({ url: storageUrl, identity: atStorage }),
    bucket,
    model,
  };
}

function onlyDefault(): InputError {
  return new InputError(
    "option_unsupported",
    "vertex calls Google in the name of the application default credentials, and has no use for a key. Nothing was sent.",
    { hint: "Leave out the key and run gcloud auth application-default login." },
  );
}

const FOLDER = "batchframe";

function folderOf({ bucket }: Vertex, { run, chunk, intent }: Tag): string {
  return `gs://${bucket}/${FOLDER}/${run}/${String(chunk)}-${intent}`;
}

function inputOf(vertex: Vertex, tag: Tag): string {
  return `${folderOf(vertex, tag)}/requests.jsonl`;
}

interface Staging {
  readonly file: RequestFile;
  readonly tag: Tag;
  readonly signal: AbortSignal;
}

async function stage(
  vertex: Vertex,
  { file, tag, signal }: Staging,
): Promise<Submission["staged"]> {
  const input = inputOf(vertex, tag);
  await vertex.storage.upload(file, input, signal);
  return { input };
}

async function poll(vertex: Vertex, batch: Batch, signal: AbortSignal): Promise<BatchStatus> {
  const job = await lookAtJob(vertex.jobs, batch.batchId, signal);
  const { directory } = filesOf(job);
  if (!hasEnded(job) || directory === null) return statusOfJob(job, {});
  // How many files there are is kept, so that files that are gone later are told from results there never were.
  const files = await resultFiles(vertex.storage, directory, signal);
  return statusOfJob(job, { directory, files: String(files.length) });
}

/** The result files of a job, however many it was given: `predictions.jsonl`, or shards of it. */
async function resultFiles(
  storage: CloudStorage,
  directory: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const folder = `${directory.replace(/\/+$/, "")}/`;
  const uris = await storage.list(folder, signal);
  return uris.filter((uri) => uri.slice(folder.length).startsWith("predictions"));
}

const LINE_FEED = 10;

async function* replies(
  storage: CloudStorage,
  { results }: Ending,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const { directory, files } = results;
  if (directory === undefined) return;
  const uris = await resultFiles(storage, directory, signal);
  if (uris.length < Number(files)) throw gone(directory);
  for (const uri of uris) {
    let last = LINE_FEED;
    for await (const piece of storage.read(uri, signal)) {
      last = piece.at(-1) ?? last;
      yield piece;
    }
    // The first line of the next file must not go on where this one ended.
    if (last !== LINE_FEED) yield Uint8Array.of(LINE_FEED);
  }
}

function gone(directory: string): ProviderError {
  return new ProviderError(
    "provider_refused",
    `Result files that were in ${directory} are there no more. What they held was paid for.`,
    { httpStatus: 404, hint: "Look for them in the bucket's versions or soft-deleted objects." },
  );
}

interface Files {
  readonly inputs: readonly string[];
  readonly directory: string | null;
  readonly signal: AbortSignal;
}

/** Deletes those of a job's files that batchframe put where they are. */
async function removeFiles(vertex: Vertex, { inputs, directory, signal }: Files): Promise<void> {
  const { storage } = vertex;
  const isOurs = (uri: string): boolean => uri.startsWith(`gs://${vertex.bucket}/${FOLDER}/`);
  const results =
    directory !== null && isOurs(directory)
      ? await storage.list(`${directory.replace(/\/+$/, "")}/`, signal)
      : [];
  for (const uri of [...inputs.filter(isOurs), ...results]) await storage.remove(uri, signal);
}

async function remove(vertex: Vertex, batchId: string, signal: AbortSignal): Promise<void> {
  try {
    const job = await lookAtJob(vertex.jobs, batchId, signal);
    // Without its input a job that waits in the queue would fail.
    if (!hasEnded(job)) throw stillOpen(batchId);
    await removeFiles(vertex, { ...filesOf(job), signal });
  } catch (error) {
    if (error instanceof ProviderError && error.httpStatus === 404) return;
    throw error;
  }
  await deleteJob(vertex.jobs, batchId, signal);
}

function stillOpen(batchId: string): ProviderError {
  return new ProviderError(
    "provider_refused",
    `${batchId} is still under way, so nothing of it was removed.`,
    { hint: "Cancel it, and remove it once it has ended." },
  );
}
