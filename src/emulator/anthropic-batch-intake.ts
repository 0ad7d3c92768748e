/** The body of a create call: checked at once, and laid down on disk row by row. */
import type { StoredRows } from "./anthropic-batch.ts";
import { badRequest, failureOfStatus, refusal } from "./anthropic-errors.ts";
import { readBody, type Call } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import type { World } from "./world.ts";

const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const DEFAULT_MAX_REQUESTS = 100_000;

/** One request of a batch, as it lies on disk. */
export interface StoredRow {
  readonly customId: string;
  readonly params: JsonObject;
}

/**
 * The requests of a create call; throws the refusal of a bad one.
 *
 * Ids are checked here and now. What the params hold is not: that is found out row by row, later.
 */
export async function takeRequests(world: World, call: Call): Promise<StoredRows> {
  const { maxBytes = DEFAULT_MAX_BYTES, maxRequests = DEFAULT_MAX_REQUESTS } =
    world.settings.limits;
  const text = await readBody(call.request, maxBytes);
  if (text === null) throw tooLarge("Request exceeds the maximum size");
  const body = parseJson(text.toString());
  if (!isJsonObject(body)) throw refusal(badRequest("The request body is not valid JSON."));
  const { requests } = body;
  if (requests === undefined) throw refusal(badRequest("requests: Field required"));
  if (!Array.isArray(requests)) throw refusal(badRequest("requests: Input should be a valid list"));
  if (requests.length === 0) {
    const message = "requests: List should have at least 1 item after validation, not 0";
    throw refusal(badRequest(message));
  }
  if (requests.length > maxRequests)
    throw tooLarge(`requests: at most ${String(maxRequests)} requests are allowed`);
  const rows = requests.map(checkedRow);
  checkUnique(rows);
  return await laidDown(world, rows);
}

function tooLarge(message: string): Error {
  return refusal(failureOfStatus(413, message));
}

const ID = /^[a-zA-Z0-9_-]{1,64}$/;

function checkedRow(row: unknown, index: number): StoredRow {
  const where = `requests.${String(index)}`;
  if (!isJsonObject(row)) throw wrong(`${where}: Input should be a valid dictionary`);
  const { custom_id: customId, params } = row;
  if (customId === undefined) throw wrong(`${where}.custom_id: Field required`);
  if (typeof customId !== "string") throw wrong(`${where}.custom_id: Input should be a string`);
  if (customId.length === 0)
    throw wrong(`${where}.custom_id: String should have at least 1 character`);
  if (customId.length > 64)
    throw wrong(`${where}.custom_id: String should have at most 64 characters`);
  if (!ID.test(customId))
    throw wrong(`${where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{1,64}$'`);
  if (params === undefined) throw wrong(`${where}.params: Field required`);
  if (!isJsonObject(params)) throw wrong(`${where}.params: Input should be a valid dictionary`);
  return { customId, params };
}

function wrong(message: string): Error {
  return refusal(badRequest(message));
}

function checkUnique(rows: readonly StoredRow[]): void {
  const seen = new Set<string>();
  for (const { customId } of rows) {
    if (seen.has(customId))
      throw wrong(
        `requests: custom_id's must be unique within a batch. Duplicate custom_id found: ${customId}`,
      );
    seen.add(customId);
  }
}

async function laidDown(world: World, rows: readonly StoredRow[]): Promise<StoredRows> {
  const writer = await world.files.startWriting();
  const offsets = new Float64Array(rows.length);
  const lengths = new Uint32Array(rows.length);
  let offset = 0;
  for (const [index, row] of rows.entries()) {
    const text = JSON.stringify(row);
    const length = Buffer.byteLength(text);
    offsets[index] = offset;
    lengths[index] = length;
    offset += length;
    await writer.write(text);
  }
  await writer.finish();
  return { path: writer.path, offsets, lengths };
}
