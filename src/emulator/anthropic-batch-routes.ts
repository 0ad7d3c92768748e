/** Anthropic's message batches: create, look up, list, cancel, results, delete. */
import { rm } from "node:fs/promises";
import { takeRequests } from "./anthropic-batch-intake.ts";
import { batchOnWire, isArchived, newMessageBatch, type MessageBatch } from "./anthropic-batch.ts";
import { badRequest, failureOfStatus, refusal } from "./anthropic-errors.ts";
import { pageOf } from "./anthropic-list.ts";
import type { Call, Reply, Route } from "./http.ts";
import type { World } from "./world.ts";

/** The batches of one emulator, oldest first, and how a new one comes to life. */
export interface MessageBatches {
  readonly all: MessageBatch[];
  readonly start: (batch: MessageBatch) => void;
}

const ONE = "/messages/batches/{id}";

/** The routes under `/messages/batches`. */
export function batchRoutes(world: World, batches: MessageBatches): readonly Route[] {
  return [
    { method: "POST", path: "/messages/batches", act: (call) => create(world, batches, call) },
    { method: "GET", path: "/messages/batches", act: (call) => list(world, batches, call) },
    { method: "GET", path: ONE, act: (call) => retrieve(world, batches, call) },
    { method: "POST", path: `${ONE}/cancel`, act: (call) => cancel(world, batches, call) },
    { method: "GET", path: `${ONE}/results`, act: (call) => results(world, batches, call) },
    { method: "DELETE", path: ONE, act: (call) => remove(batches, call) },
  ];
}

async function create(world: World, batches: MessageBatches, call: Call): Promise<Reply> {
  const version = String(call.request.headers["anthropic-version"]);
  const batch = newMessageBatch(world, await takeRequests(world, call), version);
  world.ledger.countBatch();
  batches.all.push(batch);
  const json = batchOnWire(world, batch, originOf(call));
  batches.start(batch);
  return { status: 200, json, effect: "create" };
}

function list(world: World, batches: MessageBatches, call: Call): Reply {
  const visibleMs = world.nowMs() - (world.faults.current().listLagMs ?? 0);
  const visible = batches.all.filter((batch) => batch.createdAtMs <= visibleMs).reverse();
  const page = pageOf(visible, call.url.searchParams);
  const data = page.data.map((batch) => batchOnWire(world, batch, originOf(call)));
  return { status: 200, json: { ...page, data } };
}

function retrieve(world: World, batches: MessageBatches, call: Call): Reply {
  const batch = found(batches, call);
  const key = [batch.id, world.next(`look-ups of ${batch.id}`)];
  if (world.faults.strike("notFoundFlicker", { key }) !== null) throw missing(batch.id);
  const headers = { "retry-after": String(world.settings.pollRetryAfterSeconds) };
  return { status: 200, headers, json: batchOnWire(world, batch, originOf(call)) };
}

function cancel(world: World, batches: MessageBatches, call: Call): Reply {
  const batch = found(batches, call);
  if (batch.status === "ended")
    throw refusal(badRequest(`Batch ${batch.id} has already ended and cannot be canceled.`));
  if (!batch.cancelRequested) {
    batch.cancelRequested = true;
    batch.cancelRequestedAtMs = world.nowMs();
    batch.status = "canceling";
    nudge(batch);
  }
  return { status: 200, json: batchOnWire(world, batch, originOf(call)) };
}

function results(world: World, batches: MessageBatches, call: Call): Reply {
  const batch = found(batches, call);
  if (batch.results === null || isArchived(world, batch))
    throw refusal(failureOfStatus(404, `Batch ${batch.id} has no available results.`));
  world.ledger.countDownload();
  const headers = { "content-type": "application/x-jsonl" };
  return { status: 200, headers, file: batch.results };
}

async function remove(batches: MessageBatches, call: Call): Promise<Reply> {
  const batch = found(batches, call);
  if (batch.status !== "ended") {
    const message = `Batch ${batch.id} is still in progress. Cancel it before deleting it.`;
    throw refusal(badRequest(message));
  }
  batches.all.splice(batches.all.indexOf(batch), 1);
  if (batch.results !== null) await rm(batch.results.path, { force: true });
  return { status: 200, json: { id: batch.id, type: "message_batch_deleted" } };
}

/** Wakes the batch if it sleeps. */
export function nudge(batch: MessageBatch): void {
  const { wake } = batch;
  batch.wake = new AbortController();
  wake.abort();
}

function found(batches: MessageBatches, call: Call): MessageBatch {
  const id = call.parameters[0] ?? "";
  const batch = batches.all.find((one) => one.id === id);
  if (batch === undefined) throw missing(id);
  return batch;
}

function missing(id: string): Error {
  return refusal(failureOfStatus(404, `No message batch found with id ${id}.`));
}

/** Where the client reached this profile: results are linked to in full. */
function originOf({ request, url }: Call): string {
  const path = url.pathname.slice(0, url.pathname.indexOf("/messages")).replace(/\/v1$/, "");
  return `http://${request.headers.host ?? "127.0.0.1"}${path}`;
}
