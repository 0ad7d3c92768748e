/** Gemini's batches: create, look up, list, cancel, delete. */
import {
  isOver,
  newGoogleBatch,
  operationOnWire,
  wakeUp,
  type GoogleBatch,
} from "./google-batch.ts";
import {
  planOfFile,
  planOfRequests,
  type GoogleBatchKind,
  type GooglePlan,
} from "./google-batch-plan.ts";
import { badRequest, failureOf, refusal } from "./google-errors.ts";
import { listMember, member, objectMember } from "./google-json.ts";
import { googlePage } from "./google-list.ts";
import { checkModel } from "./google-live.ts";
import { readBody, type Call, type Reply, type Route } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import type { World } from "./world.ts";

// Requests that come inline may take up 20 MB together. Source: Gemini's Batch guide.
const MAX_BODY_BYTES = 20 * 1024 * 1024;
const MAX_OPEN_BATCHES = 100;

/** The batches of one emulator, oldest first, and how a new one comes to life. */
export interface GoogleBatches {
  readonly all: GoogleBatch[];
  /** Takes the prompt tokens of a plan from the model's budget; false when there is no room. */
  readonly admit: (model: string, plan: GooglePlan) => boolean;
  readonly start: (batch: GoogleBatch, plan: GooglePlan) => void;
}

/** The routes under `/batches`, and the one that creates a batch. */
export function googleBatchRoutes(world: World, batches: GoogleBatches): readonly Route[] {
  const on = (method: string, path: string, act: Route["act"]): Route => ({ method, path, act });
  return [
    on("POST", "/models/{model}:batchGenerateContent", create(world, batches, "generate")),
    on("POST", "/models/{model}:asyncBatchEmbedContent", create(world, batches, "embed")),
    on("GET", "/batches", (call) => list(world, batches, call)),
    on("GET", "/batches/{id}", (call) => retrieve(world, batches, call)),
    on("POST", "/batches/{id}:cancel", (call) => cancel(world, batches, call)),
    on("DELETE", "/batches/{id}", (call) => remove(world, batches, call)),
  ];
}

function create(world: World, batches: GoogleBatches, kind: GoogleBatchKind): Route["act"] {
  return (call) => createOne(world, batches, { call, kind });
}

interface Creation {
  readonly call: Call;
  readonly kind: GoogleBatchKind;
}

async function createOne(
  world: World,
  batches: GoogleBatches,
  { call, kind }: Creation,
): Promise<Reply> {
  const model = call.parameters[0] ?? "";
  checkModel(world, model);
  const text = (await readBody(call.request, MAX_BODY_BYTES))?.toString();
  if (text === undefined) {
    throw refusal(badRequest("Request payload size exceeds the limit: 20971520 bytes."));
  }
  const body = parseJson(text);
  if (!isJsonObject(body)) throw refusal(badRequest("Invalid JSON payload received."));
  const asked = objectMember(body, "batch");
  const input = objectMember(asked, "inputConfig");
  const fileName = member(input, "fileName");
  const name = typeof fileName === "string" ? fileName : null;
  const plan = await planned(world, input, { name, kind });
  const open = batches.all.filter((batch) => !isOver(batch)).length;
  if (open >= MAX_OPEN_BATCHES || !batches.admit(model, plan)) {
    const message = "You exceeded your current quota, please check your plan and billing details.";
    throw refusal(failureOf(429, message));
  }
  const displayName = member(asked, "displayName");
  const priority = member(asked, "priority");
  const request = {
    kind,
    model,
    displayName: typeof displayName === "string" ? displayName : "",
    fileName: name,
    priority: typeof priority === "number" ? String(priority) : "0",
  };
  const batch = newGoogleBatch(world, request, plan.count);
  world.ledger.countBatch();
  batches.all.push(batch);
  // The reply is what a new batch looks like, whatever happens before it is sent.
  const json = operationOnWire(batch);
  batches.start(batch, plan);
  return { status: 200, json, effect: "create" };
}

function planned(
  world: World,
  input: JsonObject,
  { name, kind }: { readonly name: string | null; readonly kind: GoogleBatchKind },
): Promise<GooglePlan> {
  const requests = listMember(objectMember(input, "requests"), "requests");
  if ((name === null) === (requests.length === 0)) {
    throw refusal(badRequest("Give either a file name or requests as the input of the batch."));
  }
  return name === null ? planOfRequests(world, requests, kind) : planOfFile(world, name, kind);
}

function retrieve(world: World, batches: GoogleBatches, call: Call): Reply {
  const batch = found(batches, call);
  const key = [batch.id, world.next(`look-ups of ${batch.id}`)];
  if (world.faults.strike("notFoundFlicker", { key }) !== null) throw missing();
  return { status: 200, json: operationOnWire(batch) };
}

function list(world: World, batches: GoogleBatches, { url }: Call): Reply {
  const { listLagMs = 0, listNeedsPageSize = false } = world.faults.current();
  if (listNeedsPageSize && !url.searchParams.has("pageSize")) return { status: 200, json: {} };
  const visibleMs = world.nowMs() - listLagMs;
  const visible = batches.all.filter((batch) => batch.createdAtMs <= visibleMs).reverse();
  const { items, ...rest } = googlePage(visible, url.searchParams, { usual: 50, most: 100 });
  const operations = items.map(operationOnWire);
  return { status: 200, json: { ...(items.length === 0 ? {} : { operations }), ...rest } };
}

function cancel(world: World, batches: GoogleBatches, call: Call): Reply {
  const batch = found(batches, call);
  if (isOver(batch)) {
    const message = `The batch is in the state BATCH_STATE_${batch.state} and cannot be cancelled.`;
    throw refusal(failureOf(400, message, "FAILED_PRECONDITION"));
  }
  if (world.faults.strike("cancelTooLate", { key: [batch.sequence] }) === null) stop(batch);
  return { status: 200, json: {} };
}

async function remove(world: World, batches: GoogleBatches, call: Call): Promise<Reply> {
  const batch = found(batches, call);
  batches.all.splice(batches.all.indexOf(batch), 1);
  if (!isOver(batch)) stop(batch);
  if (batch.output !== null && "file" in batch.output) {
    if (await world.files.remove(batch.output.file)) world.ledger.countFileDeletion();
  }
  return { status: 200, json: {} };
}

function stop(batch: GoogleBatch): void {
  batch.cancelRequested = true;
  wakeUp(batch);
}

function found(batches: GoogleBatches, call: Call): GoogleBatch {
  const id = `batches/${call.parameters[0] ?? ""}`;
  const batch = batches.all.find((one) => one.id === id);
  if (batch === undefined) throw missing();
  return batch;
}

function missing(): Error {
  return refusal(failureOf(404, "Requested entity was not found."));
}
