/** OpenAI's batches: create, look up, list, cancel. */
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { batchOnWire, enter, hasEnded, newBatch, nudge } from "./openai-batch.ts";
import type { BatchRecord, BatchRequest } from "./openai-batch.ts";
import { badRequest, notFound, refusal } from "./openai-errors.ts";
import { ENDPOINTS } from "./openai-execute.ts";
import { checkedLifeMs } from "./openai-files.ts";
import { pageOf } from "./openai-list.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 1024 * 1024;
const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY = 64;
const MAX_METADATA_VALUE = 512;

/** The batches of one emulator, oldest first, and how a new one comes to life. */
export interface Batches {
  readonly all: BatchRecord[];
  readonly start: (batch: BatchRecord) => void;
}

/** The routes under `/batches`. */
export function batchRoutes(world: World, batches: Batches): readonly Route[] {
  return [
    { method: "POST", path: "/batches", act: (call) => create(world, batches, call) },
    { method: "GET", path: "/batches", act: (call) => list(world, batches, call) },
    { method: "GET", path: "/batches/{id}", act: (call) => retrieve(world, batches, call) },
    { method: "POST", path: "/batches/{id}/cancel", act: (call) => cancel(world, batches, call) },
  ];
}

async function create(world: World, batches: Batches, call: Call): Promise<Reply> {
  const body = parseJson((await readBody(call.request, MAX_BODY_BYTES))?.toString() ?? "");
  if (!isJsonObject(body))
    throw refusal(badRequest("We could not parse the JSON body of your request."));
  const batch = newBatch(world, requestOf(body));
  world.ledger.countBatch();
  batches.all.push(batch);
  // The reply is what a new batch looks like, whatever happens before it is sent.
  const reply = { status: 200, json: batchOnWire(batch) };
  batches.start(batch);
  return reply;
}

function requestOf(body: JsonObject): BatchRequest {
  for (const name of ["input_file_id", "endpoint", "completion_window"]) {
    const value = body[name];
    if (typeof value === "string" && value !== "") continue;
    const message = `Missing required parameter: '${name}'.`;
    throw refusal(badRequest(message, name, "missing_required_parameter"));
  }
  const endpoint = String(body["endpoint"]);
  const urls = ENDPOINTS.map(({ url }) => url);
  if (!urls.includes(endpoint)) {
    const allowed = urls.map((url) => `'${url}'`).join(" and ");
    const message = `Invalid value: '${endpoint}'. Supported values are: ${allowed}.`;
    throw refusal(badRequest(message, "endpoint", "invalid_value"));
  }
  if (body["completion_window"] !== "24h") {
    const message = `Invalid value: '${String(body["completion_window"])}'. Value must be '24h'.`;
    throw refusal(badRequest(message, "completion_window", "invalid_value"));
  }
  const expiry = body["output_expires_after"];
  return {
    inputFileId: String(body["input_file_id"]),
    endpoint,
    completionWindow: "24h",
    metadata: metadataOf(body["metadata"]),
    outputLifeMs: isJsonObject(expiry)
      ? checkedLifeMs(expiry["seconds"], expiry["anchor"], "output_expires_after")
      : null,
  };
}

function metadataOf(given: unknown): Readonly<Record<string, string>> | null {
  if (given === undefined || given === null) return null;
  if (!isJsonObject(given)) throw wrongMetadata("an object with string values", "invalid_type");
  const pairs = Object.entries(given);
  if (pairs.length > MAX_METADATA_PAIRS) {
    throw wrongMetadata("at most 16 pairs", "object_above_max_properties");
  }
  return Object.fromEntries(
    pairs.map(([key, value]) => {
      if (typeof value !== "string") throw wrongMetadata("string values", "invalid_type");
      if (key.length > MAX_METADATA_KEY) {
        throw wrongMetadata("keys of at most 64 characters", "string_above_max_length");
      }
      if (value.length > MAX_METADATA_VALUE) {
        throw wrongMetadata("values of at most 512 characters", "string_above_max_length");
      }
      return [key, value];
    }),
  );
}

function wrongMetadata(expected: string, code: string): Error {
  return refusal(badRequest(`Invalid 'metadata': expected ${expected}.`, "metadata", code));
}

function retrieve(world: World, batches: Batches, call: Call): Reply {
  const batch = found(batches, call);
  const key = [batch.id, world.next(`look-ups of ${batch.id}`)];
  if (world.faults.strike("notFoundFlicker", { key }) !== null) throw missing(batch.id);
  return { status: 200, json: batchOnWire(batch) };
}

function list(world: World, batches: Batches, { url }: Call): Reply {
  const visibleMs = world.nowMs() - (world.faults.current().listLagMs ?? 0);
  const visible = batches.all.filter((batch) => batch.createdAtMs <= visibleMs).reverse();
  const page = pageOf(visible, url.searchParams, { defaultLimit: 20, maxLimit: 100 });
  return { status: 200, json: { ...page, data: page.data.map(batchOnWire) } };
}

function cancel(world: World, batches: Batches, call: Call): Reply {
  const batch = found(batches, call);
  if (hasEnded(batch)) {
    throw refusal(badRequest(`Cannot cancel a batch with status '${batch.status}'.`));
  }
  if (!batch.cancelRequested) {
    batch.cancelRequested = true;
    enter(world, batch, "cancelling");
    nudge(batch);
  }
  return { status: 200, json: batchOnWire(batch) };
}

function found(batches: Batches, call: Call): BatchRecord {
  const id = call.parameters[0] ?? "";
  const batch = batches.all.find((one) => one.id === id);
  if (batch === undefined) throw missing(id);
  return batch;
}

function missing(id: string): Error {
  return refusal(notFound(`No batch found with id '${id}'.`, null));
}
