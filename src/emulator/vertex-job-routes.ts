/** Vertex's batch prediction jobs: create, look up, list, cancel, delete. */
import { placeOfUri } from "./gcs-objects.ts";
import { badRequest, failureOf, refusal } from "./google-errors.ts";
import { listMember, member, objectMember } from "./google-json.ts";
import { googlePage } from "./google-list.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import {
  isJobOver,
  jobOnWire,
  modelNameOf,
  wakeJob,
  type VertexJob,
  type VertexJobRequest,
} from "./vertex-job.ts";
import { filterOf } from "./vertex-filter.ts";
import { bornJob, type VertexWorld } from "./vertex-job-life.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** The jobs of one emulator, oldest first, and how a new one comes to life. */
export interface VertexJobs extends VertexWorld {
  readonly all: VertexJob[];
  readonly start: (job: VertexJob) => void;
}

const JOBS = "/projects/{project}/locations/{location}/batchPredictionJobs";

/** The routes under a location's `batchPredictionJobs`. */
export function vertexJobRoutes(jobs: VertexJobs): readonly Route[] {
  const on = (method: string, path: string, act: Route["act"]): Route => ({ method, path, act });
  return [
    on("POST", JOBS, (call) => create(jobs, call)),
    on("GET", JOBS, (call) => list(jobs, call)),
    on("GET", `${JOBS}/{job}`, (call) => retrieve(jobs, call)),
    on("POST", `${JOBS}/{job}:cancel`, (call) => cancel(jobs, call)),
    on("DELETE", `${JOBS}/{job}`, (call) => remove(jobs, call)),
  ];
}

async function create(jobs: VertexJobs, call: Call): Promise<Reply> {
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString() ?? "";
  const body = parseJson(text);
  if (!isJsonObject(body)) throw refusal(badRequest("Invalid JSON payload received."));
  const request = requestOf(body, parentOf(call));
  checkModel(jobs, request.model);
  const job = bornJob(jobs, request);
  jobs.all.push(job);
  // The reply is what a new job looks like, whatever happens before it is sent.
  const json = jobOnWire(job);
  jobs.start(job);
  return { status: 200, json, effect: "create" };
}

function parentOf({ parameters }: Call): string {
  const [project = "", location = ""] = parameters;
  return `projects/${project}/locations/${location}`;
}

function requestOf(body: JsonObject, parent: string): VertexJobRequest {
  const input = objectMember(body, "inputConfig");
  const output = objectMember(body, "outputConfig");
  const uris = listMember(objectMember(input, "gcsSource"), "uris").filter(isAddress);
  const prefix = member(objectMember(output, "gcsDestination"), "outputUriPrefix");
  const { displayName, model } = { displayName: member(body, "displayName"), model: body["model"] };
  if (typeof displayName !== "string" || displayName === "")
    throw refusal(badRequest("The display name of the job is missing."));
  if (typeof model !== "string" || model === "")
    throw refusal(badRequest("The model of the job is missing."));
  if (member(input, "instancesFormat") !== "jsonl" || uris.length === 0)
    throw refusal(badRequest("The input must be JSON lines in Cloud Storage."));
  if (member(output, "predictionsFormat") !== "jsonl" || !isAddress(`${String(prefix)}/x`))
    throw refusal(badRequest("The output must be JSON lines in Cloud Storage."));
  const labels = labelsOf(objectMember(body, "labels"));
  return { parent, displayName, model, uris, outputPrefix: String(prefix), labels };
}

function isAddress(value: unknown): value is string {
  return typeof value === "string" && placeOfUri(value) !== null;
}

// Source: the requirements for labels of Google Cloud.
const LABEL_KEY = /^[a-z][a-z0-9_-]{0,62}$/;
const LABEL_VALUE = /^[a-z0-9_-]{0,63}$/;

function labelsOf(given: JsonObject): Readonly<Record<string, string>> {
  const labels = Object.entries(given).map(([key, value]): [string, string] => {
    if (LABEL_KEY.test(key) && typeof value === "string" && LABEL_VALUE.test(value))
      return [key, value];
    throw refusal(badRequest(`The label ${key} is invalid.`));
  });
  return Object.fromEntries(labels);
}

function checkModel({ world }: VertexJobs, model: string): void {
  if (world.settings.models?.includes(modelNameOf(model)) ?? true) return;
  throw refusal(failureOf(404, `The model ${model} was not found or your project has no access.`));
}

function retrieve(jobs: VertexJobs, call: Call): Reply {
  const job = found(jobs, call);
  const { world } = jobs;
  const key = [job.id, world.next(`look-ups of ${job.id}`)];
  if (world.faults.strike("notFoundFlicker", { key }) !== null) throw missing(job.id);
  return { status: 200, json: jobOnWire(job) };
}

function list({ world, all }: VertexJobs, call: Call): Reply {
  const { listLagMs = 0 } = world.faults.current();
  const { searchParams: query } = call.url;
  const fits = filterOf(query.get("filter") ?? "");
  const visibleMs = world.nowMs() - listLagMs;
  const parent = `${parentOf(call)}/`;
  const visible = all
    .filter((job) => job.id.startsWith(parent) && job.createdAtMs <= visibleMs && fits(job))
    .reverse();
  const { items, ...rest } = googlePage(visible, query, { usual: 100, most: 100 });
  const shown = items.length === 0 ? {} : { batchPredictionJobs: items.map(jobOnWire) };
  return { status: 200, json: { ...shown, ...rest } };
}

function cancel(jobs: VertexJobs, call: Call): Reply {
  const job = found(jobs, call);
  if (isJobOver(job)) {
    const message = `The job is in the state JOB_STATE_${job.state} and cannot be cancelled.`;
    throw refusal(failureOf(400, message, "FAILED_PRECONDITION"));
  }
  job.cancelRequested = true;
  job.state = "CANCELLING";
  wakeJob(job);
  return { status: 200, json: {} };
}

function remove(jobs: VertexJobs, call: Call): Reply {
  const job = found(jobs, call);
  if (!isJobOver(job)) {
    const message = `The job is in the state JOB_STATE_${job.state} and cannot be deleted.`;
    throw refusal(failureOf(400, message, "FAILED_PRECONDITION"));
  }
  jobs.all.splice(jobs.all.indexOf(job), 1);
  const number = jobs.world.next("vertex operation");
  const name = `${job.request.parent}/operations/${String(number)}`;
  return { status: 200, json: { name, done: true, response: {} } };
}

function found({ all }: VertexJobs, call: Call): VertexJob {
  const id = `${parentOf(call)}/batchPredictionJobs/${call.parameters[2] ?? ""}`;
  const job = all.find((one) => one.id === id);
  if (job === undefined) throw missing(id);
  return job;
}

function missing(id: string): Error {
  return refusal(failureOf(404, `The BatchPredictionJob ${id} was not found.`));
}
