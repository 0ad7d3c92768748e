/** Vertex's batch prediction jobs, by plain REST: made, found, looked at, listed, removed. */

import type { BatchOutcome, Ending } from "../core/chunk.ts";
import { ProviderError } from "../core/errors.ts";
import type { GoogleHttp } from "./google-http.ts";
import { endingReason, statusOf } from "./google-status.ts";
import { asRecord, recordsOf, textOf } from "./json-values.ts";
import type { BatchStatus, ListedBatch, Sighting, Submission, Tag } from "./provider.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The jobs of one project in one location. */
export interface VertexJobs {
  readonly http: GoogleHttp;
  /** `projects/…/locations/…` */
  readonly parent: string;
}

/** A job, as far as collecting and removing need to know it. */
export interface JobFiles {
  /** The `gs://` addresses of its request files. */
  readonly inputs: readonly string[];
  /** The `gs://` address of the folder of its result files; null while there is none. */
  readonly directory: string | null;
}

/** The version of the API that is spoken. */
export const VERSION = "v1";

/** The label under which an intent is found. */
const LABELS = {
  run: "batchframe_run",
  chunk: "batchframe_chunk",
  intent: "batchframe_intent",
} as const;

/** What a new job is made of. */
export interface NewJob {
  readonly submission: Submission;
  /** Such as `gemini-2.5-flash`, or a model's full resource name. */
  readonly model: string;
  readonly outputPrefix: string;
  readonly signal: AbortSignal;
}

/** Creates a job and gives its full name. Called once. */
export async function createJob(jobs: VertexJobs, job: NewJob): Promise<string> {
  const { submission, model, outputPrefix, signal } = job;
  const { run, chunk, intent } = submission.tag;
  const body = {
    displayName: `batchframe-${run}-${String(chunk)}-${intent}`,
    model: model.includes("/") ? model : `publishers/google/models/${model}`,
    inputConfig: {
      instancesFormat: "jsonl",
      gcsSource: { uris: [submission.staged["input"] ?? ""] },
    },
    outputConfig: {
      predictionsFormat: "jsonl",
      gcsDestination: { outputUriPrefix: outputPrefix },
    },
    labels: labelsOf(submission.tag),
  };
  const reply = await jobs.http.once({
    action: "create the batch",
    method: "POST",
    path: `/${VERSION}/${jobs.parent}/batchPredictionJobs`,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
  });
  try {
    const name = textOf(asRecord(await reply.json())?.["name"]);
    if (name !== null) return name;
  } catch (caught) {
    throw signal.aborted ? caught : jobs.http.read("create the batch", caught);
  }
  // There may be a job: whoever reads this looks for it by its labels before sending again.
  throw new ProviderError("provider_failed", `${jobs.http.host} made a job without naming it.`, {
    retryable: true,
  });
}

/** Labels take lower-case letters, digits, `_` and `-`, at most 63, which every part of a tag is made of. */
function labelsOf({ run, chunk, intent }: Tag): Readonly<Record<string, string>> {
  return { [LABELS.run]: run, [LABELS.chunk]: String(chunk), [LABELS.intent]: intent };
}

function tagOf(job: Fields): Tag | null {
  const labels = asRecord(job["labels"]);
  const [run, chunk, intent] = [LABELS.run, LABELS.chunk, LABELS.intent].map((name) =>
    textOf(labels?.[name]),
  );
  if (!run || !intent || !/^\d+$/.test(chunk ?? "")) return null;
  return { run, chunk: Number(chunk), intent };
}

/** Looks for an intent's job by its label, which the service itself filters by. */
export async function findJob(
  jobs: VertexJobs,
  { tag, staged }: Submission,
  signal: AbortSignal,
): Promise<Sighting> {
  const filter = `labels.${LABELS.intent}="${tag.intent}"`;
  for await (const job of jobsAt(jobs, { signal, filter })) {
    const found = tagOf(job);
    const isTagged =
      found?.intent === tag.intent && found.run === tag.run && found.chunk === tag.chunk;
    const input = staged["input"];
    const isOurs = isTagged || (input !== undefined && filesOf(job).inputs.includes(input));
    const batchId = textOf(job["name"]);
    if (isOurs && batchId !== null) return { found: "batch", batchId };
  }
  return { found: "nothing" };
}

/** Every job of the location, the newest first. */
export async function* listJobs(
  jobs: VertexJobs,
  signal: AbortSignal,
): AsyncGenerator<ListedBatch> {
  const found: ListedBatch[] = [];
  for await (const job of jobsAt(jobs, { signal, filter: null })) {
    const batchId = textOf(job["name"]);
    if (batchId === null) continue;
    const createdAtMs = Date.parse(textOf(job["createTime"]) ?? "") || 0;
    found.push({ batchId, tag: tagOf(job), createdAtMs, isOpen: outcomeOf(job) === null });
  }
  yield* found.toSorted((a, b) => b.createdAtMs - a.createdAtMs);
}

interface Listing {
  readonly filter: string | null;
  readonly signal: AbortSignal;
}

async function* jobsAt(
  { http, parent }: VertexJobs,
  { filter, signal }: Listing,
): AsyncGenerator<Fields> {
  let token: string | null = null;
  do {
    const query = new URLSearchParams({ pageSize: "100" });
    if (filter !== null) query.set("filter", filter);
    if (token !== null) query.set("pageToken", token);
    const page: Fields = await http.json({
      action: "list the batches",
      method: "GET",
      path: `/${VERSION}/${parent}/batchPredictionJobs?${query.toString()}`,
      signal,
    });
    yield* recordsOf(page["batchPredictionJobs"]);
    token = textOf(page["nextPageToken"]);
  } while (token !== null && token !== "");
}

/** The path of a job, by its full name or by the number at its end. */
function pathOf({ parent }: VertexJobs, batchId: string): string {
  const name = batchId.includes("/") ? batchId : `${parent}/batchPredictionJobs/${batchId}`;
  return `/${VERSION}/${name}`;
}

/** The job itself. */
export async function lookAtJob(
  jobs: VertexJobs,
  batchId: string,
  signal: AbortSignal,
): Promise<Fields> {
  const path = pathOf(jobs, batchId);
  return await jobs.http.json({ action: "look at the batch", method: "GET", path, signal });
}

/** Asks for a job to be cancelled; what it had finished by then is kept, and paid for. */
export async function cancelJob(
  jobs: VertexJobs,
  batchId: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `${pathOf(jobs, batchId)}:cancel`;
  const headers = { "content-type": "application/json" };
  const action = "cancel the batch";
  await jobs.http.json({ action, method: "POST", path, headers, body: "{}", signal });
}

/** Deletes a job, which must have ended; one that is gone is what was wanted. */
export async function deleteJob(
  jobs: VertexJobs,
  batchId: string,
  signal: AbortSignal,
): Promise<void> {
  const path = pathOf(jobs, batchId);
  try {
    await jobs.http.json({ action: "delete the batch", method: "DELETE", path, signal });
  } catch (error) {
    if (!(error instanceof ProviderError) || error.httpStatus !== 404) throw error;
  }
}

/** The files a job reads and writes. */
export function filesOf(job: Fields): JobFiles {
  const uris = asRecord(asRecord(job["inputConfig"])?.["gcsSource"])?.["uris"];
  const directory = textOf(asRecord(job["outputInfo"])?.["gcsOutputDirectory"]) ?? "";
  return {
    inputs: (Array.isArray(uris) ? uris : []).filter((uri) => typeof uri === "string"),
    directory: directory === "" ? null : directory,
  };
}

const OUTCOMES: Readonly<Record<string, BatchOutcome>> = {
  SUCCEEDED: "completed",
  // Some rows have no reply: those count as missing, like those of any batch.
  PARTIALLY_SUCCEEDED: "completed",
  FAILED: "failed",
  CANCELLED: "cancelled",
  EXPIRED: "expired",
};

function stateOf(job: Fields): string {
  return (textOf(job["state"]) ?? "").toUpperCase().replace(/^JOB_STATE_/, "");
}

const RUN_LIMIT_MS = 24 * 60 * 60 * 1000;
const RUN_LIMIT_SLACK_MS = 10 * 60 * 1000;

/** How the job ended; null while it is under way, and while its state is none that is known to be final. */
function outcomeOf(job: Fields): BatchOutcome | null {
  const outcome = OUTCOMES[stateOf(job)] ?? null;
  if (outcome !== "cancelled") return outcome;
  // A job that runs for 24 hours is cancelled by the service; nobody wished that, so its rows may go again.
  const ranMs = timeOf(job["endTime"]) - timeOf(job["startTime"]);
  return ranMs >= RUN_LIMIT_MS - RUN_LIMIT_SLACK_MS ? "expired" : "cancelled";
}

function timeOf(value: unknown): number {
  return Date.parse(textOf(value) ?? "");
}

/** A job's state; `results` are those of an ended one. */
export function statusOfJob(job: Fields, results: Ending["results"]): BatchStatus {
  const outcome = outcomeOf(job);
  if (outcome === null) return { phase: phaseOf(stateOf(job)), done: doneOf(job) };
  const status = statusOf(job["error"]) ?? { name: "UNKNOWN", message: "no reason given" };
  const reason = outcome === "failed" ? endingReason(status) : null;
  return { phase: "ended", ending: { outcome, results, reason } };
}

/** Whether a job will change no more. */
export function hasEnded(job: Fields): boolean {
  return outcomeOf(job) !== null;
}

function phaseOf(state: string): "validating" | "running" | "cancelling" {
  if (state === "QUEUED" || state === "PENDING") return "validating";
  return state === "CANCELLING" ? "cancelling" : "running";
}

/** How many requests are done; the counts are 64-bit numbers written as texts, left out when zero. */
function doneOf(job: Fields): number | null {
  const stats = asRecord(job["completionStats"]);
  if (stats === null) return null;
  const count = (name: string): number => Number(stats[name] ?? 0);
  const done = count("successfulCount") + count("failedCount");
  return Number.isFinite(done) ? done : null;
}
