/** Google's resumable upload: a start, then the bytes in pieces, the last of which finalises it. */
import type { FileWriter } from "./file-store.ts";
import { badRequest, failureOf, refusal } from "./google-errors.ts";
import { objectMember, member } from "./google-json.ts";
import { readBody, type Call, type Reply } from "./http.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 64 * 1024;
const MAX_UPLOAD_BYTES = 2 * 1024 ** 3;
// Every piece but the last is a multiple of this: resumable upload protocol.
const GRANULARITY_BYTES = 256 * 1024;

/** An upload that was started. */
interface Upload {
  readonly writer: FileWriter;
  /** What the start announced; null when it did not. */
  readonly announcedBytes: number | null;
  readonly mimeType: string;
  readonly displayName: string;
}

/** The uploads under way, by id. */
export type Uploads = Map<string, Upload>;

/** What a piece came to: the upload goes on, or all of it is here. */
export type UploadStep =
  | { readonly status: "active" }
  | {
      readonly status: "final";
      readonly writer: FileWriter;
      readonly displayName: string;
      readonly mimeType: string;
    };

/** Starts an upload; the URL for its bytes is in the header `x-goog-upload-url` of the reply. */
export async function beginUpload(world: World, uploads: Uploads, call: Call): Promise<Reply> {
  const { headers } = call.request;
  const isStart =
    headers["x-goog-upload-protocol"] === "resumable" &&
    headers["x-goog-upload-command"] === "start";
  if (!isStart) throw refusal(badRequest("Only resumable uploads are taken: start one."));
  const length = headers["x-goog-upload-header-content-length"];
  const announcedBytes = length === undefined ? null : Number(length);
  if (announcedBytes !== null && !(announcedBytes <= MAX_UPLOAD_BYTES)) {
    throw refusal(badRequest("The file is larger than the 2 GB that are allowed."));
  }
  const body = parseJson((await readBody(call.request, MAX_BODY_BYTES))?.toString() ?? "");
  const file = isJsonObject(body) ? objectMember(body, "file") : {};
  const type = headers["x-goog-upload-header-content-type"];
  const mimeType = typeof type === "string" ? type : text(member(file, "mimeType"));
  if (mimeType === "") throw refusal(badRequest("The MIME type of the file is missing."));
  const id = world.newId("", 32);
  uploads.set(id, {
    writer: await world.files.startWriting(),
    announcedBytes,
    mimeType,
    displayName: text(member(file, "displayName")),
  });
  const origin = `http://${headers.host ?? "127.0.0.1"}`;
  return {
    status: 200,
    effect: "none",
    headers: {
      "x-goog-upload-url": `${origin}${call.url.pathname}?upload_id=${id}&upload_protocol=resumable`,
      "x-goog-upload-status": "active",
      "x-goog-upload-chunk-granularity": String(GRANULARITY_BYTES),
    },
  };
}

/** Takes a piece of an upload; throws the refusal of one that does not fit. */
export async function continueUpload(uploads: Uploads, call: Call): Promise<UploadStep> {
  const id = call.url.searchParams.get("upload_id") ?? "";
  const upload = uploads.get(id);
  if (upload === undefined) throw refusal(failureOf(404, "There is no such upload."));
  const commands = header(call, "x-goog-upload-command").split(/\s*,\s*/);
  const isLast = commands.includes("finalize");
  if (!commands.includes("upload") && !isLast) {
    throw refusal(badRequest(`The upload command '${commands.join(", ")}' is not known.`));
  }
  const before = upload.writer.bytes();
  if (Number(header(call, "x-goog-upload-offset")) !== before) {
    throw refusal(badRequest(`The offset is wrong: ${String(before)} bytes were received.`));
  }
  for await (const piece of call.request) await upload.writer.write(piece as Buffer);
  const received = upload.writer.bytes() - before;
  if (!isLast) {
    if (received % GRANULARITY_BYTES === 0) return { status: "active" };
    throw refusal(badRequest("A piece that is not the last must be a multiple of 256 KiB."));
  }
  if (upload.announcedBytes !== null && upload.writer.bytes() !== upload.announcedBytes) {
    throw refusal(badRequest("The upload is not as long as was announced."));
  }
  uploads.delete(id);
  await upload.writer.finish();
  return { status: "final", ...upload };
}

function header(call: Call, name: string): string {
  return text(call.request.headers[name]);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
