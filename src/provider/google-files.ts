/** Gemini's files: uploaded in pieces, found by name, downloaded whole or not at all, deleted. */

import { open, type FileHandle } from "node:fs/promises";
import { ProviderError } from "../core/errors.ts";
import type { GoogleHttp } from "./google-http.ts";
import { pagesOf, VERSION } from "./google-list.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";
import type { RequestFile } from "./provider.ts";

// Every piece but the last must be a multiple of 256 KiB; the SDK's pieces are as long as these.
const PIECE_BYTES = 8 * 1024 * 1024;
const MIME_TYPE = "application/jsonl";

/** What is uploaded: a request file, and the name it carries for people. */
export interface Upload {
  readonly file: RequestFile;
  readonly displayName: string;
  readonly signal: AbortSignal;
}

/**
 * Uploads a file from disk, one piece in memory at a time, and gives its name (`files/…`).
 *
 * No call of it is retried: an upload that broke off is begun anew by the caller. Uploads live 48 hours.
 */
export async function uploadFile(http: GoogleHttp, upload: Upload): Promise<string> {
  const path = await startUpload(http, upload);
  const handle = await open(upload.file.path);
  try {
    for (let offset = 0; ; offset += PIECE_BYTES) {
      const isLast = offset + PIECE_BYTES >= upload.file.bytes;
      const body = await pieceOf(handle, offset, upload.file.bytes - offset);
      const reply = await http.once({
        action: "upload",
        method: "POST",
        path,
        headers: {
          "x-goog-upload-command": isLast ? "upload, finalize" : "upload",
          "x-goog-upload-offset": String(offset),
        },
        body,
        signal: upload.signal,
      });
      const said = await reply.text();
      if (isLast) return nameOfUpload(http.host, said);
    }
  } finally {
    await handle.close();
  }
}

async function startUpload(http: GoogleHttp, upload: Upload): Promise<string> {
  const { file, displayName, signal } = upload;
  const sizeBytes = String(file.bytes);
  const reply = await http.once({
    action: "upload",
    method: "POST",
    path: `/upload/${VERSION}/files`,
    headers: {
      "content-type": "application/json",
      "x-goog-upload-protocol": "resumable",
      "x-goog-upload-command": "start",
      "x-goog-upload-header-content-length": sizeBytes,
      "x-goog-upload-header-content-type": MIME_TYPE,
    },
    body: JSON.stringify({ file: { displayName, mimeType: MIME_TYPE, sizeBytes } }),
    signal,
  });
  await reply.text();
  const url = reply.headers.get("x-goog-upload-url");
  if (url === null) throw unexpected(http.host, "an upload without an address for its bytes");
  return http.pathOf(url);
}

async function pieceOf(
  handle: FileHandle,
  offset: number,
  leftBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const piece = new Uint8Array(Math.min(PIECE_BYTES, leftBytes));
  let filled = 0;
  while (filled < piece.byteLength) {
    const { bytesRead } = await handle.read(piece, filled, undefined, offset + filled);
    // A file that has shrunk would otherwise be read for ever.
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return piece.subarray(0, filled);
}

function nameOfUpload(host: string, said: string): string {
  const name = textOf(asRecord(asRecord(parseJson(said))?.["file"])?.["name"]);
  if (name === null) throw unexpected(host, "an upload without a name");
  return name;
}

function unexpected(host: string, what: string): ProviderError {
  return new ProviderError("provider_failed", `${host} answered with ${what}.`, {
    retryable: true,
  });
}

/** The names of the files that carry this display name. */
export async function filesNamed(
  http: GoogleHttp,
  displayName: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names: string[] = [];
  const list = { action: "list the files", path: "files", member: "files", signal };
  for await (const file of pagesOf(http, list)) {
    const name = textOf(file["name"]);
    if (file["displayName"] === displayName && name !== null) names.push(name);
  }
  return names;
}

/** Deletes a file; one that is gone is what was wanted. */
export async function deleteFile(
  http: GoogleHttp,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const path = `/${VERSION}/${name}`;
  try {
    await http.json({ action: "delete a file", method: "DELETE", path, signal });
  } catch (error) {
    // A file that is not there is answered with 403, like one that belongs to somebody else.
    const status = error instanceof ProviderError ? error.httpStatus : undefined;
    if (status !== 403 && status !== 404) throw error;
  }
}

const LINE_FEED = 10;

/**
 * The bytes of a result file, ending in a line feed.
 *
 * @throws {ProviderError} `download_incomplete` when fewer bytes came than the API says the file has,
 * or when what came ends in the middle of a line.
 */
export async function* downloadFile(
  http: GoogleHttp,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const bytes = await sizeOf(http, name, signal);
  const action = "download a result file";
  const path = `/download/${VERSION}/${name}:download?alt=media`;
  const reply = await http.repeated({ action, method: "GET", path, signal });
  let received = 0;
  let tail: Uint8Array[] = [];
  try {
    const body: ReadableStream<Uint8Array> | null = reply.body;
    for await (const piece of body ?? []) {
      received += piece.byteLength;
      const end = piece.lastIndexOf(LINE_FEED);
      tail = end < 0 ? [...tail, piece] : [piece.slice(end + 1)];
      yield piece;
    }
  } catch (caught) {
    throw signal.aborted ? caught : http.read(action, caught);
  }
  const last = Buffer.concat(tail).toString();
  if (received < (bytes ?? 0) || (last !== "" && parseJson(last) === null))
    throw incomplete(received, bytes);
  if (last !== "") yield Uint8Array.of(LINE_FEED);
}

/** How long the API says a file is; null where it will not say, as it may not of a file it made itself. */
async function sizeOf(http: GoogleHttp, name: string, signal: AbortSignal): Promise<number | null> {
  try {
    const path = `/${VERSION}/${name}`;
    const file = await http.json({
      action: "look at a result file",
      method: "GET",
      path,
      signal,
    });
    const bytes = Number(file["sizeBytes"] ?? Number.NaN);
    return Number.isSafeInteger(bytes) ? bytes : null;
  } catch (error) {
    const isRefused = error instanceof ProviderError && !error.retryable;
    if (isRefused) return null;
    throw error;
  }
}

function incomplete(received: number, bytes: number | null): ProviderError {
  const of = bytes === null ? "" : ` of its ${String(bytes)} bytes`;
  return new ProviderError(
    "download_incomplete",
    `A result file came with ${String(received)}${of === "" ? " bytes and half a line at its end" : of}. It is fetched again; nothing is paid twice.`,
    { retryable: true },
  );
}
