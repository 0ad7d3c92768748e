/** Uploads to Cloud Storage: resumable ones in sessions, and those of one call. */
import { crc32c, crc32cText } from "./crc32c.ts";
import type { FileWriter } from "./file-store.ts";
import { gcsRefusal } from "./gcs-errors.ts";
import { objectOnWire, type GcsObject, type GcsObjects, type ObjectPlace } from "./gcs-objects.ts";
import { readBody, type Call, type Reply } from "./http.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { multipartEvents } from "./multipart.ts";
import type { World } from "./world.ts";

/** A resumable upload that was started. */
interface Session {
  readonly place: ObjectPlace;
  readonly contentType: string;
  readonly writer: FileWriter;
  checksum: number;
  /** What it became, once all of it was here. */
  object: GcsObject | null;
}

/** The sessions of one emulator, by id. */
export type GcsUploads = Map<string, Session>;

/** What the routes of Cloud Storage work on. */
export interface Gcs {
  readonly world: World;
  readonly objects: GcsObjects;
  readonly uploads: GcsUploads;
}

const MAX_METADATA_BYTES = 64 * 1024;
// Every piece but the last is a multiple of this. Source: Cloud Storage's guide to resumable uploads.
const GRANULARITY_BYTES = 256 * 1024;

/** Starts a resumable upload, or takes a whole object in one call. */
export async function beginGcsUpload(gcs: Gcs, call: Call): Promise<Reply> {
  const { url } = call;
  const kind = url.searchParams.get("uploadType");
  if (kind === "resumable") return beginSession(gcs, call);
  if (kind === "multipart") return takeMultipart(gcs, call);
  if (kind === "media") return takeMedia(gcs, call);
  throw gcsRefusal(400, `Invalid upload type: ${kind ?? "none"}`);
}

async function beginSession({ world, uploads }: Gcs, call: Call): Promise<Reply> {
  const { headers } = call.request;
  const text = (await readBody(call.request, MAX_METADATA_BYTES))?.toString() ?? "";
  const metadata = metadataOf(text);
  const place = placeOf(call, metadata);
  const type = headers["x-upload-content-type"] ?? metadata["contentType"];
  const id = world.newId("", 40);
  uploads.set(id, {
    place,
    contentType: typeof type === "string" ? type : "application/octet-stream",
    writer: await world.files.startWriting(),
    checksum: 0,
    object: null,
  });
  const query = new URLSearchParams(call.url.searchParams);
  query.set("upload_id", id);
  const origin = `http://${headers.host ?? "127.0.0.1"}`;
  return {
    status: 200,
    effect: "none",
    headers: {
      location: `${origin}${call.url.pathname}?${query.toString()}`,
      "x-guploader-uploadid": id,
    },
  };
}

function metadataOf(text: string): JsonObject {
  const parsed = text === "" ? {} : parseJson(text);
  if (!isJsonObject(parsed)) throw gcsRefusal(400, "Parse Error");
  return parsed;
}

function placeOf(call: Call, metadata: JsonObject): ObjectPlace {
  const name = call.url.searchParams.get("name") ?? metadata["name"];
  if (typeof name !== "string" || name === "") throw gcsRefusal(400, "Required object name");
  return { bucket: call.parameters[0] ?? "", name };
}

const RANGE = /^bytes (?:(\d+)-(\d+|\*)|\*)\/(\d+|\*)$/;

/** Takes a piece of a resumable upload, or says how much of it is here. */
export async function continueGcsUpload(gcs: Gcs, call: Call): Promise<Reply> {
  const session = gcs.uploads.get(call.url.searchParams.get("upload_id") ?? "");
  if (session === undefined) throw gcsRefusal(404, "There is no such upload session.");
  const { writer } = session;
  const header = call.request.headers["content-range"] ?? "bytes 0-*/*";
  const range = RANGE.exec(header);
  if (range === null) throw gcsRefusal(400, `Failed to parse Content-Range header: ${header}`);
  if (session.object !== null) return { status: 200, json: objectOnWire(session.object) };
  const [, from, to, total = "*"] = range;
  const before = writer.bytes();
  if (from !== undefined) await take(session, call, Number(from));
  const received = writer.bytes();
  const isOpenEnd = to === "*" && total === "*";
  if (isOpenEnd || received === Number(total)) return complete(gcs, session, call);
  if (to !== undefined && to !== "*" && (received - before) % GRANULARITY_BYTES !== 0)
    throw gcsRefusal(400, "A piece that is not the last must be a multiple of 256 KiB.");
  const range308 = received === 0 ? {} : { range: `bytes=0-${String(received - 1)}` };
  return { status: 308, headers: range308, effect: "none" };
}

async function take(session: Session, call: Call, from: number): Promise<void> {
  const { writer } = session;
  if (from !== writer.bytes())
    throw gcsRefusal(503, `The upload goes on at ${String(writer.bytes())}, not ${String(from)}.`);
  for await (const piece of call.request) {
    session.checksum = crc32c(piece as Buffer, session.checksum);
    await writer.write(piece as Buffer);
  }
}

async function complete(gcs: Gcs, session: Session, call: Call): Promise<Reply> {
  const { writer, place, contentType } = session;
  const said = /crc32c=([A-Za-z0-9+/=]+)/.exec(String(call.request.headers["x-goog-hash"]))?.[1];
  if (said !== undefined && said !== crc32cText(session.checksum))
    throw gcsRefusal(400, `Provided CRC32C "${said}" does not match that of the bytes received.`);
  session.object = await stored(gcs, place, { writer, contentType });
  return { status: 200, json: objectOnWire(session.object), effect: "upload" };
}

async function stored(
  { world, objects }: Gcs,
  place: ObjectPlace,
  { writer, contentType }: { readonly writer: FileWriter; readonly contentType: string },
): Promise<GcsObject> {
  await writer.finish();
  const object = await objects.put(place, {
    path: writer.path,
    bytes: writer.bytes(),
    contentType,
  });
  world.ledger.countUpload();
  return object;
}

async function takeMedia(gcs: Gcs, call: Call): Promise<Reply> {
  const place = placeOf(call, {});
  const writer = await gcs.world.files.startWriting();
  for await (const piece of call.request) await writer.write(piece as Buffer);
  const contentType = call.request.headers["content-type"] ?? "application/octet-stream";
  const object = await stored(gcs, place, { writer, contentType });
  return { status: 200, json: objectOnWire(object), effect: "upload" };
}

/** A body of two parts: what is said of the object, and its bytes. */
async function takeMultipart(gcs: Gcs, call: Call): Promise<Reply> {
  const type = call.request.headers["content-type"] ?? "";
  const found = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) throw gcsRefusal(400, "Multipart body needs a boundary.");
  const writer = await gcs.world.files.startWriting();
  let parts = 0;
  let said = "";
  for await (const event of multipartEvents(call.request as AsyncIterable<Buffer>, boundary)) {
    if (event.kind === "part") parts += 1;
    else if (parts === 1) said += event.bytes.toString();
    else await writer.write(event.bytes);
  }
  const metadata = metadataOf(said);
  const named = metadata["contentType"];
  const contentType = typeof named === "string" ? named : "application/octet-stream";
  const object = await stored(gcs, placeOf(call, metadata), { writer, contentType });
  return { status: 200, json: objectOnWire(object), effect: "upload" };
}
