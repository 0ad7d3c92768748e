/** Together's batches: a new one inside `job`, a looked-up one bare, all of them a bare array. */
import type { Call, Reply, Route } from "./http.ts";
import type { JsonObject } from "./json.ts";
import { hasEnded, timeOnWire, type BatchRecord } from "./openai-batch.ts";
import {
  begin,
  cancelled,
  checkedEndpoint,
  checkedWindowMs,
  lookedUp,
  objectIn,
  visible,
  type Batches,
} from "./openai-batches.ts";
import { badRequest, refusal } from "./openai-errors.ts";
import type { HostWorld } from "./openai-world.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** The routes under `/batches`. */
export function togetherBatchRoutes(world: HostWorld, batches: Batches): readonly Route[] {
  const shown = (batch: BatchRecord): Reply => ({ status: 200, json: jobOnWire(world, batch) });
  return [
    { method: "POST", path: "/batches", act: (call) => create(world, batches, call) },
    {
      method: "GET",
      path: "/batches",
      act: () => ({
        status: 200,
        json: visible(world, batches).map((batch) => jobOnWire(world, batch)),
      }),
    },
    { method: "GET", path: "/batches/{id}", act: (call) => shown(lookedUp(world, batches, call)) },
    {
      method: "POST",
      path: "/batches/{id}/cancel",
      act: (call) => shown(cancelled(world, batches, call)),
    },
  ];
}

async function create(world: HostWorld, batches: Batches, call: Call): Promise<Reply> {
  const body = await objectIn(call, MAX_BODY_BYTES);
  const file = body["input_file_id"];
  if (typeof file !== "string" || file === "")
    throw refusal(badRequest("input_file_id is required", "input_file_id"));
  const batch = begin(world, batches, {
    inputFileId: file,
    endpoint: checkedEndpoint(world, body),
    windowMs: checkedWindowMs(world, body),
    completionWindow: "24h",
    model: null,
    metadata: null,
    outputLifeMs: null,
  });
  const json = { job: jobOnWire(world, batch) };
  batches.start(batch);
  return { status: 201, json };
}

/** The job object: no counts and no metadata, and the reason of a failure as one text. */
function jobOnWire(world: HostWorld, batch: BatchRecord): JsonObject {
  const style = world.host.style("");
  const { total, completed, failed } = batch.counts;
  const endedAtS = hasEnded(batch) ? batch.enteredAtS[batch.status] : undefined;
  return {
    id: batch.id,
    user_id: "user-emulator",
    input_file_id: batch.request.inputFileId,
    file_size_bytes: world.files.find(batch.request.inputFileId, world.nowMs())?.bytes ?? 0,
    status: style.status(batch.status),
    job_deadline: timeOnWire(batch.expiresAtMs, style),
    created_at: timeOnWire(batch.createdAtMs, style),
    endpoint: batch.request.endpoint,
    progress: total === 0 ? 0 : Math.round((100 * (completed + failed)) / total),
    ...(batch.model === null ? {} : { model_id: batch.model }),
    ...(batch.outputFileId === null ? {} : { output_file_id: batch.outputFileId }),
    ...(batch.errorFileId === null ? {} : { error_file_id: batch.errorFileId }),
    ...(endedAtS === undefined ? {} : { completed_at: timeOnWire(endedAtS * 1000, style) }),
    ...(batch.problem === null ? {} : { error: batch.problem.message }),
  };
}
