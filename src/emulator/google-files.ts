/** Gemini's files: look up, list, download, delete; how they come to be is in google-upload.ts. */
import type { FileWriter, StoredFile } from "./file-store.ts";
import { failureOf, refusal } from "./google-errors.ts";
import { googlePage } from "./google-list.ts";
import { beginUpload, continueUpload, type Uploads } from "./google-upload.ts";
import type { Call, Reply, Route } from "./http.ts";
import type { JsonObject } from "./json.ts";
import type { World } from "./world.ts";

const HOUR_MS = 60 * 60 * 1000;

/** Whose a file is: uploads live 48 hours, results six weeks. Source: Gemini's Files and Batch guides. */
export const FILE_LIVES_MS = { UPLOADED: 48 * HOUR_MS, GENERATED: 42 * 24 * HOUR_MS } as const;

const PREFIX = "gemini ";

/** The routes under `/files`, for all of its addresses: metadata, upload and download. */
export function googleFileRoutes(world: World, uploads: Uploads): readonly Route[] {
  return [
    { method: "POST", path: "/files", act: (call) => upload(world, uploads, call) },
    { method: "GET", path: "/files", act: (call) => list(world, call) },
    { method: "GET", path: "/files/{id}:download", act: (call) => download(world, call) },
    { method: "GET", path: "/files/{id}", act: (call) => json(fileOnWire(found(world, call))) },
    { method: "DELETE", path: "/files/{id}", act: (call) => remove(world, call) },
  ];
}

async function upload(world: World, uploads: Uploads, call: Call): Promise<Reply> {
  if (!call.url.searchParams.has("upload_id")) return beginUpload(world, uploads, call);
  const step = await continueUpload(uploads, call);
  const headers = { "x-goog-upload-status": step.status };
  if (step.status !== "final") return { status: 200, headers, effect: "none" };
  const { displayName, mimeType } = step;
  const id = `files/${world.newId("", 12)}`;
  const file = addGoogleFile(world, step.writer, { id, displayName, mimeType, source: "UPLOADED" });
  world.ledger.countUpload();
  return { status: 200, headers, json: { file: fileOnWire(file) }, effect: "upload" };
}

/** What a file is called and where it came from. */
export interface GoogleFileDetails {
  /** Such as `files/abc`. */
  readonly id: string;
  readonly displayName: string;
  readonly mimeType: string;
  readonly source: keyof typeof FILE_LIVES_MS;
}

/** Adds the file that `writer` wrote and gives its description. */
export function addGoogleFile(
  world: World,
  writer: FileWriter,
  details: GoogleFileDetails,
): StoredFile {
  const createdAtMs = world.nowMs();
  const file = {
    id: details.id,
    path: writer.path,
    bytes: writer.bytes(),
    createdAtMs,
    expiresAtMs: createdAtMs + FILE_LIVES_MS[details.source],
    filename: details.displayName,
    purpose: PREFIX + details.source,
    mimeType: details.mimeType,
  };
  world.files.add(file);
  return file;
}

function list(world: World, { url }: Call): Reply {
  const nowMs = world.nowMs();
  const files = world.files
    .all()
    .filter(({ id, purpose }) => purpose.startsWith(PREFIX) && world.files.find(id, nowMs) !== null)
    .reverse();
  const { items, ...rest } = googlePage(files, url.searchParams, { usual: 10, most: 100 });
  return json({ ...(items.length === 0 ? {} : { files: items.map(fileOnWire) }), ...rest });
}

function download(world: World, call: Call): Reply {
  const id = `files/${call.parameters[0] ?? ""}`;
  const file = world.files.find(id, world.nowMs());
  if (file === null) throw refusal(failureOf(404, "Requested entity was not found."));
  if (sourceOf(file) !== "GENERATED") {
    throw refusal(failureOf(400, `The file ${id} is not downloadable.`));
  }
  world.ledger.countDownload();
  return { status: 200, file: { path: file.path, bytes: file.bytes } };
}

async function remove(world: World, call: Call): Promise<Reply> {
  const file = found(world, call);
  // A batch's results go with the batch and no other way.
  if (sourceOf(file) === "GENERATED") {
    throw refusal(failureOf(400, `The file ${file.id} was generated and cannot be deleted.`));
  }
  await world.files.remove(file.id);
  world.ledger.countFileDeletion();
  return json({});
}

function sourceOf(file: StoredFile): string {
  return file.purpose.slice(PREFIX.length);
}

/** The file of the call. A file that is not there is refused like one that belongs to somebody else. */
function found(world: World, call: Call): StoredFile {
  const id = call.parameters[0] ?? "";
  const file = world.files.find(`files/${id}`, world.nowMs());
  if (file !== null) return file;
  const message = `You do not have permission to access the File ${id} or it may not exist.`;
  throw refusal(failureOf(403, message));
}

function fileOnWire(file: StoredFile): JsonObject {
  return {
    name: file.id,
    displayName: file.filename,
    mimeType: file.mimeType ?? "application/octet-stream",
    sizeBytes: String(file.bytes),
    createTime: new Date(file.createdAtMs).toISOString(),
    updateTime: new Date(file.createdAtMs).toISOString(),
    ...(file.expiresAtMs === null
      ? {}
      : { expirationTime: new Date(file.expiresAtMs).toISOString() }),
    uri: `https://generativelanguage.googleapis.com/v1beta/${file.id}`,
    state: "ACTIVE",
    source: sourceOf(file),
  };
}

function json(value: unknown): Reply {
  return { status: 200, json: value };
}
