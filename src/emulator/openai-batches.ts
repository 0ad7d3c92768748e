/** The batches of one host: begun, found, listed and cancelled in any envelope. */
import { readBody, type Call } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { enter, hasEnded, newBatch, nudge } from "./openai-batch.ts";
import type { BatchRecord, BatchRequest } from "./openai-batch.ts";
import { badRequest, failureOfStatus, notFound, refusal } from "./openai-errors.ts";
import { fileStatus } from "./openai-file-shape.ts";
import type { HostWorld } from "./openai-world.ts";
import { endpointNamed, endpointsOf } from "./request-line.ts";

const MAX_METADATA_PAIRS = 16;
const MAX_METADATA_KEY = 64;
const MAX_METADATA_VALUE = 512;

/** The batches of one host, oldest first, and how a new one comes to life. */
export interface Batches {
  readonly all: BatchRecord[];
  readonly start: (batch: BatchRecord) => void;
}

/** The JSON object in the body of a call; throws the refusal of anything else. */
export async function objectIn(call: Call, maxBytes: number): Promise<JsonObject> {
  const body = parseJson((await readBody(call.request, maxBytes))?.toString() ?? "");
  if (isJsonObject(body)) return body;
  throw refusal(badRequest("We could not parse the JSON body of your request."));
}

/**
 * A new batch, counted and not yet alive: it is shown as it is now, and then started.
 *
 * Throws the refusal of a host that has no room for one more, or has not looked at its file yet.
 */
export function begin(world: HostWorld, batches: Batches, request: BatchRequest): BatchRecord {
  const open = batches.all.filter((batch) => !hasEnded(batch)).length;
  if (open >= world.host.maxOpen)
    throw refusal(failureOfStatus(429, `Only ${String(world.host.maxOpen)} batches may be open.`));
  const file = world.files.find(request.inputFileId, world.nowMs());
  if (file !== null && fileStatus(world, file) === "pending") {
    const message = `The file ${file.id} is not ready: its status is 'pending', not 'processed'.`;
    throw refusal(badRequest(message, "input_file_id", "file_not_ready"));
  }
  const batch = newBatch(world, request);
  world.ledger.countBatch();
  batches.all.push(batch);
  return batch;
}

/** The endpoint a create call names; throws the refusal of one that the host does not have in batches. */
export function checkedEndpoint({ host }: HostWorld, body: JsonObject): string {
  const endpoint = String(body["endpoint"]);
  if (endpointNamed(host, endpoint) !== undefined) return endpoint;
  const allowed = endpointsOf(host)
    .map((url) => `'${url}'`)
    .join(" and ");
  const message = `Invalid value: '${endpoint}'. Supported values are: ${allowed}.`;
  throw refusal(badRequest(message, "endpoint", "invalid_value"));
}

/** How long a batch may take; throws the refusal of a window the host does not offer. */
export function checkedWindowMs({ host, settings }: HostWorld, body: JsonObject): number {
  const windowMs = host.windowMs(body);
  if (windowMs !== null) return settings.limits.windowMs ?? windowMs;
  const { windowField } = host;
  const wanted = windowField === "completion_window" ? " Value must be '24h'." : "";
  const message = `Invalid value: '${String(body[windowField])}'.${wanted}`;
  throw refusal(badRequest(message, windowField, "invalid_value"));
}

/** Metadata as it is kept; null for none. Throws the refusal of what is too much. */
export function checkedMetadata(given: unknown): Readonly<Record<string, string>> | null {
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

/** The batch that the call's path names, for a look at it; throws the refusal of an unknown one. */
export function lookedUp(world: HostWorld, batches: Batches, call: Call): BatchRecord {
  const batch = found(batches, call);
  const key = [batch.id, world.next(`look-ups of ${batch.id}`)];
  if (world.faults.strike("notFoundFlicker", { key }) !== null) throw missing(batch.id);
  return batch;
}

/** The batches that the list shows already, the newest first. */
export function visible(world: HostWorld, batches: Batches): BatchRecord[] {
  const visibleMs = world.nowMs() - (world.faults.current().listLagMs ?? 0);
  return batches.all.filter((batch) => batch.createdAtMs <= visibleMs).reverse();
}

/** The batch that the call's path names, being cancelled from now on; throws the refusal of one that has ended. */
export function cancelled(world: HostWorld, batches: Batches, call: Call): BatchRecord {
  const batch = found(batches, call);
  if (hasEnded(batch)) {
    const { error } = badRequest(`Cannot cancel a batch with status '${batch.status}'.`);
    throw refusal({ status: world.host.envelope === "together" ? 409 : 400, error });
  }
  if (!batch.cancelRequested) {
    const { clock, cancellingMs } = world.settings;
    batch.cancelRequested = true;
    // From the call on: what the batch still has in hand must not put off its end.
    batch.cancelledFromMs = clock.nowMs() + cancellingMs;
    enter(world, batch, "cancelling");
    nudge(batch);
  }
  return batch;
}

/** The batch that the call's path names; throws the refusal of an unknown one. */
export function found(batches: Batches, call: Call): BatchRecord {
  const id = call.parameters[0] ?? "";
  const batch = batches.all.find((one) => one.id === id);
  if (batch === undefined) throw missing(id);
  return batch;
}

function missing(id: string): Error {
  return refusal(notFound(`No batch found with id '${id}'.`, null));
}
