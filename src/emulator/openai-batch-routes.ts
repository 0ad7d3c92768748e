/** OpenAI's batches: create, look up, list, cancel. */
import type { Call, Reply, Route } from "./http.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { batchOnWire, type BatchRecord, type BatchRequest } from "./openai-batch.ts";
import {
  begin,
  cancelled,
  checkedEndpoint,
  checkedMetadata,
  checkedWindowMs,
  lookedUp,
  objectIn,
  visible,
  type Batches,
} from "./openai-batches.ts";
import { badRequest, refusal } from "./openai-errors.ts";
import { checkedLifeMs } from "./openai-files.ts";
import { pageOf } from "./openai-list.ts";
import type { HostWorld } from "./openai-world.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** The routes under `/batches`. */
export function batchRoutes(world: HostWorld, batches: Batches): readonly Route[] {
  const shown = (batch: BatchRecord, { url }: Call): Reply => ({
    status: 200,
    json: batchOnWire(batch, world.host.style(url.pathname)),
  });
  return [
    { method: "POST", path: "/batches", act: (call) => create(world, batches, call) },
    { method: "GET", path: "/batches", act: (call) => list(world, batches, call) },
    {
      method: "GET",
      path: "/batches/{id}",
      act: (call) => shown(lookedUp(world, batches, call), call),
    },
    {
      method: "POST",
      path: "/batches/{id}/cancel",
      act: (call) => shown(cancelled(world, batches, call), call),
    },
  ];
}

async function create(world: HostWorld, batches: Batches, call: Call): Promise<Reply> {
  const request = requestOf(world, await objectIn(call, MAX_BODY_BYTES));
  const batch = begin(world, batches, request);
  // The reply is what a new batch looks like, whatever happens before it is sent.
  const reply = { status: 200, json: batchOnWire(batch, world.host.style(call.url.pathname)) };
  batches.start(batch);
  return reply;
}

function requestOf(world: HostWorld, body: JsonObject): BatchRequest {
  const { windowField, keepsMetadata } = world.host;
  for (const name of ["input_file_id", "endpoint", windowField]) {
    const value = body[name];
    if (typeof value === "number" || (typeof value === "string" && value !== "")) continue;
    const message = `Missing required parameter: '${name}'.`;
    throw refusal(badRequest(message, name, "missing_required_parameter"));
  }
  const { completion_window: window, output_expires_after: expiry } = body;
  return {
    inputFileId: String(body["input_file_id"]),
    endpoint: checkedEndpoint(world, body),
    windowMs: checkedWindowMs(world, body),
    completionWindow: typeof window === "string" ? window : "24h",
    model: null,
    metadata: keepsMetadata ? checkedMetadata(body["metadata"]) : null,
    outputLifeMs: isJsonObject(expiry)
      ? checkedLifeMs(expiry["seconds"], expiry["anchor"], "output_expires_after")
      : null,
  };
}

function list(world: HostWorld, batches: Batches, { url }: Call): Reply {
  const { listing, style: styleOf } = world.host;
  const style = styleOf(url.pathname);
  const all = visible(world, batches);
  const shown = (some: readonly BatchRecord[]): JsonObject[] =>
    some.map((batch) => batchOnWire(batch, style));
  if (listing === "whole") return { status: 200, json: { object: "list", data: shown(all) } };
  const page = pageOf(all, url.searchParams, { defaultLimit: 20, maxLimit: 100 });
  const { data, has_more: hasMore } = page;
  return style.listField === "data"
    ? { status: 200, json: { ...page, data: shown(data) } }
    : { status: 200, json: { value: shown(data), has_more: hasMore } };
}
