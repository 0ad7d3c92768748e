/** OpenAI's files: upload, list, look up, download, delete. */
import type { Call, Reply, Route } from "./http.ts";
import type { FileWriter, StoredFile } from "./file-store.ts";
import { boundaryOf, multipartEvents } from "./multipart.ts";
import { badRequest, notFound, refusal } from "./openai-errors.ts";
import { numberedPageOf, pageOf } from "./openai-list.ts";
import { fileOnWire } from "./openai-file-shape.ts";
import { newHostId, type HostWorld } from "./openai-world.ts";
import { utf8Check } from "./utf8-check.ts";

const THIRTY_DAYS_MS = 30 * 24 * 60 * 60 * 1000;
const MAX_UPLOAD_BYTES = 512 * 1024 * 1024;

interface UploadWays {
  readonly path: string;
  readonly purposes: readonly string[];
  /** The purpose of a file that a batch can be made from. */
  readonly batch: string;
}

const WAYS: Readonly<Record<HostWorld["host"]["envelope"], UploadWays>> = {
  openai: {
    path: "/files",
    purposes: ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"],
    batch: "batch",
  },
  together: {
    path: "/files/upload",
    purposes: ["fine-tune", "eval", "batch-api"],
    batch: "batch-api",
  },
  mistral: { path: "/files", purposes: ["fine-tune", "batch", "ocr"], batch: "batch" },
};

/** The purpose that makes a file fit for a batch at this host. */
export function batchPurpose({ host }: HostWorld): string {
  return WAYS[host.envelope].batch;
}

/** The routes under `/files`. */
export function fileRoutes(world: HostWorld): readonly Route[] {
  return [
    { method: "POST", path: WAYS[world.host.envelope].path, act: (call) => upload(world, call) },
    { method: "GET", path: "/files", act: (call) => list(world, call) },
    { method: "GET", path: "/files/{id}", act: (call) => retrieve(world, call) },
    { method: "GET", path: "/files/{id}/content", act: (call) => content(world, call) },
    { method: "DELETE", path: "/files/{id}", act: (call) => remove(world, call) },
  ];
}

/** Adds the file that `writer` wrote and gives its description. */
export function addFile(
  world: HostWorld,
  writer: FileWriter,
  details: { readonly filename: string; readonly purpose: string; readonly lifeMs: number | null },
): StoredFile {
  const createdAtMs = world.nowMs();
  const file = {
    id: newHostId(world, "file"),
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

async function upload(world: HostWorld, call: Call): Promise<Reply> {
  const boundary = boundaryOf(call.request.headers["content-type"]);
  if (boundary === null) throw refusal(badRequest("The request must be multipart/form-data."));
  const writer = await world.files.startWriting();
  try {
    const form = await readForm(call, boundary, writer);
    await writer.finish();
    const lifeMs = checkForm(form, writer.bytes(), WAYS[world.host.envelope]);
    const purpose = form.fields.get("purpose") ?? "";
    const filename = form.fields.get("file_name") ?? form.filename ?? "upload";
    const file = addFile(world, writer, { filename, purpose, lifeMs });
    world.ledger.countUpload();
    return { ...json(fileOnWire(world, file, call)), effect: "upload" };
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
function checkForm(form: Form, bytes: number, ways: UploadWays): number | null {
  const purpose = form.fields.get("purpose");
  if (form.filename === null) throw refusal(badRequest("'file' is a required property", "file"));
  if (purpose === undefined)
    throw refusal(badRequest("'purpose' is a required property", "purpose"));
  if (!ways.purposes.includes(purpose)) {
    const allowed = ways.purposes.map((name) => `'${name}'`).join(", ");
    throw refusal(badRequest(`'${purpose}' is not one of [${allowed}] - 'purpose'`, "purpose"));
  }
  if (bytes > MAX_UPLOAD_BYTES) {
    throw refusal({ status: 413, error: badRequest("File is too large.", "file").error });
  }
  if (purpose === ways.batch && !form.utf8) {
    const message = "Invalid file for Batch API. Must be utf-8 encoded text in JSON lines.";
    throw refusal(badRequest(message, "file", "invalid_file_format"));
  }
  const seconds = form.fields.get("expires_after[seconds]");
  if (seconds === undefined) return purpose === ways.batch ? THIRTY_DAYS_MS : null;
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

function list(world: HostWorld, call: Call): Reply {
  const query = call.url.searchParams;
  const purpose = query.get("purpose");
  const files = world.files
    .all()
    .filter((file) => world.files.find(file.id, world.nowMs()) !== null)
    .filter((file) => purpose === null || file.purpose === purpose);
  if (query.get("order") !== "asc") files.reverse();
  const shown = files.map((file) => ({ ...fileOnWire(world, file, call), id: file.id }));
  if (world.host.envelope === "mistral") return json(numberedPageOf(shown, query));
  if (world.host.listing === "whole") return json({ object: "list", data: shown });
  const page = pageOf(shown, query, { defaultLimit: 10_000, maxLimit: 10_000 });
  const { listField } = world.host.style(call.url.pathname);
  return json(listField === "data" ? page : { value: page.data, has_more: page.has_more });
}

function retrieve(world: HostWorld, call: Call): Reply {
  const shown = fileOnWire(world, found(world, call), call);
  return json(world.host.envelope === "mistral" ? { ...shown, deleted: false } : shown);
}

function content(world: HostWorld, call: Call): Reply {
  const file = found(world, call);
  world.ledger.countDownload();
  return { status: 200, file: { path: file.path, bytes: file.bytes } };
}

async function remove(world: HostWorld, call: Call): Promise<Reply> {
  const { id } = found(world, call);
  await world.files.remove(id);
  world.ledger.countFileDeletion();
  return json({ id, object: "file", deleted: true });
}

function found(world: HostWorld, call: Call): StoredFile {
  const id = call.parameters[0] ?? "";
  const file = world.files.find(id, world.nowMs());
  if (file === null) throw refusal(notFound(`No such File object: ${id}`));
  return file;
}

function json(value: unknown): Reply {
  return { status: 200, json: value };
}
