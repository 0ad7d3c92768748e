/** OpenAI's files: upload, list, look up, download, delete. */
import { isUtf8 } from "node:buffer";
import type { Call, Reply, Route } from "./http.ts";
import type { FileWriter, StoredFile } from "./file-store.ts";
import type { JsonObject } from "./json.ts";
import { boundaryOf, multipartEvents } from "./multipart.ts";
import { badRequest, notFound, refusal } from "./openai-errors.ts";
import { pageOf } from "./openai-list.ts";
import type { World } from "./world.ts";

const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;
const PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"];

/** The routes under `/files`. */
export function fileRoutes(world: World): readonly Route[] {
  return [
    { method: "POST", path: "/files", act: (call) => upload(world, call) },
    { method: "GET", path: "/files", act: (call) => list(world, call) },
    { method: "GET", path: "/files/{id}", act: (call) => json(fileOnWire(found(world, call))) },
    { method: "GET", path: "/files/{id}/content", act: (call) => content(world, call) },
    { method: "DELETE", path: "/files/{id}", act: (call) => remove(world, call) },
  ];
}

/** Adds the file that `writer` wrote and gives its description. */
export function addFile(
  world: World,
  writer: FileWriter,
  details: { readonly filename: string; readonly purpose: string; readonly lifeMs: number | null },
): StoredFile {
  const createdAtMs = world.nowMs();
  const file = {
    id: world.newId("file-", 22),
    path: writer.path,
    bytes: writer.bytes(),
    createdAtMs,
    expiresAtMs: details.lifeMs === null ? null : createdAtMs + details.lifeMs,
    filename: details.filename,
    purpose: details.purpose,
  };
  world.files.add(file);
  return file;
}

interface Form {
  readonly fields: ReadonlyMap<string, string>;
  readonly filename: string | null;
  readonly utf8: boolean;
}

async function upload(world: World, call: Call): Promise<Reply> {
  const boundary = boundaryOf(call.request.headers["content-type"]);
  if (boundary === null) throw refusal(badRequest("The request must be multipart/form-data."));
  const writer = await world.files.startWriting();
  try {
    const form = await readForm(call, boundary, writer);
    await writer.finish();
    const lifeMs = checkForm(form, writer.bytes());
    const purpose = form.fields.get("purpose") ?? "";
    const file = addFile(world, writer, { filename: form.filename ?? "upload", purpose, lifeMs });
    world.ledger.countUpload();
    return json(fileOnWire(file));
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

async function readForm(call: Call, boundary: string, writer: FileWriter): Promise<Form> {
  const fields = new Map<string, string>();
  const utf8 = utf8Check();
  let filename: string | null = null;
  let part = "";
  try {
    for await (const event of multipartEvents(call.request as AsyncIterable<Buffer>, boundary)) {
      if (event.kind === "part") {
        part = event.name;
        if (part === "file") filename = event.filename ?? "upload";
      } else if (part === "file") {
        utf8.add(event.bytes);
        // Bytes beyond what is accepted are read, so that the client hears the refusal, and dropped.
        if (writer.bytes() <= MAX_UPLOAD_BYTES) await writer.write(event.bytes);
      } else {
        fields.set(part, (fields.get(part) ?? "") + event.bytes.toString());
      }
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw refusal(badRequest(`Invalid multipart form: ${reason}`));
  }
  return { fields, filename, utf8: utf8.holds() };
}

/** The life of the uploaded file in milliseconds, null for ever; throws the refusal of a bad form. */
function checkForm(form: Form, bytes: number): number | null {
  const purpose = form.fields.get("purpose");
  if (form.filename === null) throw refusal(badRequest("'file' is a required property", "file"));
  if (purpose === undefined)
    throw refusal(badRequest("'purpose' is a required property", "purpose"));
  if (!PURPOSES.includes(purpose)) {
    const allowed = PURPOSES.map((name) => `'${name}'`).join(", ");
    throw refusal(badRequest(`'${purpose}' is not one of [${allowed}] - 'purpose'`, "purpose"));
  }
  if (bytes > MAX_UPLOAD_BYTES) {
    throw refusal({ status: 413, error: badRequest("File is too large.", "file").error });
  }
  if (purpose === "batch" && !form.utf8) {
    const message = "Invalid file for Batch API. Must be utf-8 encoded text in JSON lines.";
    throw refusal(badRequest(message, "file", "invalid_file_format"));
  }
  const seconds = form.fields.get("expires_after[seconds]");
  if (seconds === undefined) return purpose === "batch" ? THIRTY_DAYS_MS : null;
  return checkedLifeMs(Number(seconds), form.fields.get("expires_after[anchor]"), "expires_after");
}

/** `seconds` in milliseconds; throws the refusal unless the anchor is created_at and it is an hour to 30 days. */
export function checkedLifeMs(seconds: unknown, anchor: unknown, param: string): number {
  if (anchor !== "created_at") {
    throw refusal(
      badRequest(`Invalid '${param}.anchor': expected 'created_at'.`, `${param}.anchor`),
    );
  }
  if (!Number.isInteger(seconds) || Number(seconds) < 3600 || Number(seconds) > 2_592_000) {
    const message = `Invalid '${param}.seconds': expected an integer from 3600 to 2592000.`;
    throw refusal(badRequest(message, `${param}.seconds`));
  }
  return Number(seconds) * 1000;
}

/** Checks that bytes given piece by piece are UTF-8, where a character may lie across two pieces. */
function utf8Check(): { add(bytes: Buffer): void; holds(): boolean } {
  let holds = true;
  let tail: Buffer = Buffer.alloc(0);
  return {
    add(bytes) {
      if (!holds) return;
      const whole = tail.length === 0 ? bytes : Buffer.concat([tail, bytes]);
      const cut = whole.length - unfinished(whole);
      holds = isUtf8(whole.subarray(0, cut));
      tail = Buffer.from(whole.subarray(cut));
    },
    holds: () => holds && tail.length === 0,
  };
}

/** How many bytes at the end of `bytes` begin a character that is not finished there: 0 to 3. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? back : 0;
  }
  return 0;
}

function list(world: World, { url }: Call): Reply {
  const purpose = url.searchParams.get("purpose");
  const files = world.files
    .all()
    .filter((file) => world.files.find(file.id, world.nowMs()) !== null)
    .filter((file) => purpose === null || file.purpose === purpose);
  if (url.searchParams.get("order") !== "asc") files.reverse();
  const page = pageOf(files, url.searchParams, { defaultLimit: 10_000, maxLimit: 10_000 });
  return json({ ...page, data: page.data.map(fileOnWire) });
}

function content(world: World, call: Call): Reply {
  const file = found(world, call);
  world.ledger.countDownload();
  return { status: 200, file: { path: file.path, bytes: file.bytes } };
}

async function remove(world: World, call: Call): Promise<Reply> {
  const { id } = found(world, call);
  await world.files.remove(id);
  world.ledger.countFileDeletion();
  return json({ id, object: "file", deleted: true });
}

function found(world: World, call: Call): StoredFile {
  const id = call.parameters[0] ?? "";
  const file = world.files.find(id, world.nowMs());
  if (file === null) throw refusal(notFound(`No such File object: ${id}`));
  return file;
}

function fileOnWire(file: StoredFile): JsonObject {
  return {
    id: file.id,
    object: "file",
    bytes: file.bytes,
    created_at: Math.floor(file.createdAtMs / 1000),
    expires_at: file.expiresAtMs === null ? null : Math.floor(file.expiresAtMs / 1000),
    filename: file.filename,
    purpose: file.purpose,
    status: "processed",
    status_details: null,
  };
}

function json(value: unknown): Reply {
  return { status: 200, json: value };
}
