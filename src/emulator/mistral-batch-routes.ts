/** Mistral's batch jobs: from a file or inline, with the model on the job, in numbered pages. */
import { readFile } from "node:fs/promises";
import type { Call, Reply, Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { hasEnded, type BatchRecord } from "./openai-batch.ts";
import {
  begin,
  cancelled,
  checkedEndpoint,
  checkedMetadata,
  checkedWindowMs,
  found,
  lookedUp,
  objectIn,
  visible,
  type Batches,
} from "./openai-batches.ts";
import { badRequest, refusal } from "./openai-errors.ts";
import { addFile } from "./openai-files.ts";
import { numberedPageOf } from "./openai-list.ts";
import type { HostWorld } from "./openai-world.ts";

const MAX_BODY_BYTES = 64 * 1024 * 1024;
const MAX_INLINE_REQUESTS = 10_000;

/** The routes under `/batch/jobs`. */
export function mistralBatchRoutes(world: HostWorld, batches: Batches): readonly Route[] {
  const path = "/batch/jobs";
  return [
    { method: "POST", path, act: (call) => create(world, batches, call) },
    { method: "GET", path, act: (call) => list(world, batches, call) },
    { method: "GET", path: `${path}/{id}`, act: (call) => retrieve(world, batches, call) },
    {
      method: "POST",
      path: `${path}/{id}/cancel`,
      act: (call) => ({ status: 200, json: jobOnWire(world, cancelled(world, batches, call)) }),
    },
    { method: "DELETE", path: `${path}/{id}`, act: (call) => remove(batches, call) },
  ];
}

async function create(world: HostWorld, batches: Batches, call: Call): Promise<Reply> {
  const body = await objectIn(call, MAX_BODY_BYTES);
  const { model } = body;
  if (typeof model !== "string" || model === "")
    throw refusal(badRequest("A job needs a model or an agent.", "model"));
  const asked = {
    endpoint: checkedEndpoint(world, body),
    windowMs: checkedWindowMs(world, body),
    metadata: checkedMetadata(body["metadata"]),
  };
  const batch = begin(world, batches, {
    ...asked,
    inputFileId: await inputOf(world, body),
    completionWindow: "24h",
    model,
    outputLifeMs: null,
  });
  const json = jobOnWire(world, batch);
  batches.start(batch);
  return { status: 200, json, effect: "create" };
}

/** The file a job is made from: one that was uploaded, or one made of the requests in the call. */
async function inputOf(world: HostWorld, body: JsonObject): Promise<string> {
  const { input_files: files, requests } = body;
  if (Array.isArray(files) && files.length === 1 && !Array.isArray(requests))
    return String(files[0]);
  if (!Array.isArray(requests) || Array.isArray(files))
    throw refusal(badRequest("Give one file in 'input_files', or 'requests'.", "input_files"));
  if (requests.length > MAX_INLINE_REQUESTS)
    throw refusal(badRequest("A job holds at most 10000 inline requests.", "requests"));
  const writer = await world.files.startWriting();
  for (const request of requests) await writer.write(`${JSON.stringify(request)}\n`);
  await writer.finish();
  return addFile(world, writer, { filename: "inline.jsonl", purpose: "batch", lifeMs: null }).id;
}

function list(world: HostWorld, batches: Batches, { url }: Call): Reply {
  const query = url.searchParams;
  const states = query.getAll("status");
  const model = query.get("model");
  const jobs = visible(world, batches)
    .filter((batch) => model === null || batch.request.model === model)
    .map((batch) => jobOnWire(world, batch))
    .filter((job) => states.length === 0 || states.includes(String(job["status"])));
  if (query.get("order_by") === "created") jobs.reverse();
  return { status: 200, json: numberedPageOf(jobs, query) };
}

async function retrieve(world: HostWorld, batches: Batches, call: Call): Promise<Reply> {
  const batch = lookedUp(world, batches, call);
  const wantsOutputs = call.url.searchParams.get("inline") === "true" && hasEnded(batch);
  const outputs = wantsOutputs ? { outputs: await outputsOf(world, batch) } : {};
  return { status: 200, json: { ...jobOnWire(world, batch), ...outputs } };
}

async function outputsOf(world: HostWorld, batch: BatchRecord): Promise<readonly JsonObject[]> {
  const outputs: JsonObject[] = [];
  for (const id of [batch.outputFileId, batch.errorFileId]) {
    const file = world.files.find(id ?? "", world.nowMs());
    if (file === null) continue;
    const lines = (await readFile(file.path, "utf8")).split("\n").map((line) => parseJson(line));
    outputs.push(...lines.filter(isJsonObject));
  }
  return outputs;
}

function remove(batches: Batches, call: Call): Reply {
  const batch = found(batches, call);
  if (!hasEnded(batch)) throw refusal(badRequest("A job that is under way cannot be deleted."));
  batches.all.splice(batches.all.indexOf(batch), 1);
  return { status: 200, json: { id: batch.id, object: "batch", deleted: true } };
}

function jobOnWire(world: HostWorld, batch: BatchRecord): JsonObject {
  const { counts, request } = batch;
  const endedAtS = hasEnded(batch) ? batch.enteredAtS[batch.status] : undefined;
  return {
    id: batch.id,
    object: "batch",
    input_files: [request.inputFileId],
    metadata: request.metadata,
    endpoint: request.endpoint,
    model: request.model,
    agent_id: null,
    output_file: batch.outputFileId,
    error_file: batch.errorFileId,
    errors: batch.problem === null ? [] : [{ message: batch.problem.message, count: 1 }],
    outputs: null,
    status: world.host.style("").status(batch.status),
    created_at: Math.floor(batch.createdAtMs / 1000),
    started_at: batch.enteredAtS.in_progress ?? null,
    completed_at: endedAtS ?? null,
    total_requests: counts.total,
    completed_requests: counts.completed + counts.failed,
    succeeded_requests: counts.completed,
    failed_requests: counts.failed,
  };
}
