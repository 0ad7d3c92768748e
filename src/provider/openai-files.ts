/** The files of hosts of OpenAI's protocol: upload, find again, read whole, delete. */

import { randomUUID } from "node:crypto";
import { openAsBlob } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../core/errors.ts";
import type { ErrorReader } from "./http-errors.ts";
import { asRecord, numberOf, textOf } from "./json-values.ts";
import { timeOf } from "./openai-batch.ts";
import { listed, type Paging } from "./openai-pages.ts";
import type { HostCalls } from "./openai-sdk.ts";
import type { RequestFile, Tag } from "./provider.ts";

/** How a host takes files. */
export interface FileWays {
  readonly uploadPath: "/files" | "/files/upload";
  readonly purpose: "batch" | "batch-api";
  /** Whether an upload is looked at by the host first, and only then may be named in a batch. */
  readonly settles: boolean;
  readonly paging: Paging;
}

// Lists are newest first; what a host makes whose clock runs behind may seem this much older.
const CLOCK_SKEW_MS = 5 * 60_000;
const PAGE_SIZE = 1000;

/** The file name an upload travels under. */
export function uploadName({ run, chunk, intent }: Tag): string {
  return `batchframe-${run}-${String(chunk)}-${intent}.jsonl`;
}

/** The tag in the name of an upload; null for any other file name. */
export function tagOfUpload(name: string): Tag | null {
  const [, run, chunk, intent] = /^batchframe-([^-]+)-(\d+)-(.+)\.jsonl$/.exec(name) ?? [];
  if (run === undefined || chunk === undefined || intent === undefined) return null;
  return { run, chunk: Number(chunk), intent };
}

/** Uploads a request file, waits until the host has looked at it where it does so, and gives its id. */
export async function upload(
  calls: HostCalls,
  what: { readonly file: RequestFile; readonly tag: Tag; readonly ways: FileWays },
  signal: AbortSignal,
): Promise<string> {
  const { file, tag, ways } = what;
  const name = uploadName(tag);
  const fields = {
    purpose: ways.purpose,
    ...(ways.uploadPath === "/files/upload" ? { file_name: name } : {}),
  };
  // Backed by the file on disk: 200 MB are never held in memory.
  const form = formOf(fields, { name, bytes: await openAsBlob(file.path) });
  const uploaded = asRecord(await calls.upload(ways.uploadPath, form, signal));
  const id = textOf(uploaded?.["id"]);
  if (id === null || id === "")
    throw new ProviderError(
      "provider_failed",
      "The host took the upload and gave it no id. Nothing was bought; the upload is made again.",
      { retryable: true },
    );
  if (ways.settles) await settled(calls, id, signal);
  return id;
}

const FIRST_LOOK_MS = 20;
const LONGEST_GAP_MS = 2000;
const LONGEST_WAIT_MS = 10 * 60_000;

/** Waits until the host says `processed`: a batch made from a file before that is refused. */
async function settled(calls: HostCalls, id: string, signal: AbortSignal): Promise<void> {
  let waitedMs = 0;
  for (let gapMs = FIRST_LOOK_MS; ; gapMs = Math.min(LONGEST_GAP_MS, gapMs * 2)) {
    const file = asRecord(await calls.get(`/files/${id}`, signal));
    const status = (textOf(file?.["status"]) ?? "processed").toLowerCase();
    if (status === "processed") return;
    if (status === "error" || status === "failed") {
      await calls.delete(`/files/${id}`, signal);
      const said = textOf(file?.["status_details"]) ?? "no reason given";
      throw new ProviderError("provider_refused", `The host refused the upload: ${said}.`, {
        httpStatus: 400,
        hint: "Nothing was bought. Change what the message names and run the same command again.",
      });
    }
    if (waitedMs >= LONGEST_WAIT_MS)
      throw new ProviderError(
        "provider_busy",
        `The host has been looking at an upload for ${String(Math.round(waitedMs / 60_000))} minutes. Nothing was bought.`,
        { retryable: true },
      );
    await sleep(gapMs, undefined, { signal });
    waitedMs += gapMs;
  }
}

/**
 * A form of texts and one file, as RFC 7578 lays it out; names and texts hold nothing that would need escaping.
 *
 * Not a `FormData`: when a call ends before all of one is sent, by Ctrl-C or a lost connection, Node's fetch goes
 * on writing to the stream it has closed, which ends the process with an error that nobody can catch.
 */
function formOf(
  fields: Readonly<Record<string, string>>,
  file: { readonly name: string; readonly bytes: Blob },
): Blob {
  const boundary = `batchframe-${randomUUID()}`;
  const head = (disposition: string): string =>
    `--${boundary}\r\nContent-Disposition: form-data; ${disposition}\r\n`;
  const texts = Object.entries(fields).map(
    ([name, text]) => `${head(`name="${name}"`)}\r\n${text}\r\n`,
  );
  const opening = `${head(`name="file"; filename="${file.name}"`)}Content-Type: application/octet-stream\r\n\r\n`;
  return new Blob([...texts, opening, file.bytes, `\r\n--${boundary}--\r\n`], {
    type: `multipart/form-data; boundary=${boundary}`,
  });
}

/** The ids of the uploads that carry a tag's name, none older than `sinceMs`. */
export async function uploadsNamed(
  calls: HostCalls,
  what: { readonly tag: Tag; readonly ways: FileWays; readonly sinceMs: number },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const name = uploadName(what.tag);
  const found: string[] = [];
  for await (const file of filesListed(calls, what.ways, signal)) {
    const id = textOf(file["id"]);
    if (id !== null && textOf(file["filename"]) === name) found.push(id);
    const createdAtMs = timeOf(file["created_at"]);
    const isOlder = createdAtMs !== null && createdAtMs < what.sinceMs - CLOCK_SKEW_MS;
    if (isOlder && what.ways.paging === "cursor") break;
  }
  return found;
}

/** The tag of every upload of ours that is still there, by its id. */
export async function tagsOfUploads(
  calls: HostCalls,
  ways: FileWays,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, Tag>> {
  const tags = new Map<string, Tag>();
  for await (const file of filesListed(calls, ways, signal)) {
    const tag = tagOfUpload(textOf(file["filename"]) ?? "");
    if (tag !== null) tags.set(textOf(file["id"]) ?? "", tag);
  }
  return tags;
}

function filesListed(
  calls: HostCalls,
  { paging, purpose }: FileWays,
  signal: AbortSignal,
): AsyncGenerator<Readonly<Record<string, unknown>>> {
  const query = paging === "cursor" ? { query: { purpose, order: "desc" } } : {};
  return listed(calls, { path: "/files", paging, pageSize: PAGE_SIZE, ...query }, signal);
}

/** Deletes files; ids that are left out or blank are none. */
export async function deleteFiles(
  calls: HostCalls,
  ids: readonly (string | undefined)[],
  signal: AbortSignal,
): Promise<void> {
  for (const id of ids)
    if (id !== undefined && id !== "") await calls.delete(`/files/${id}`, signal);
}

const LINE_FEED = 10;

/** A remote file's bytes, ending in a line feed; fails unless as many bytes came as the host says it holds. */
export async function* wholeFile(
  calls: HostCalls,
  id: string,
  { signal, errors }: { readonly signal: AbortSignal; readonly errors: ErrorReader },
): AsyncGenerator<Uint8Array> {
  const file = await errors.reading("look at a result file", () =>
    calls.get(`/files/${id}`, signal),
  );
  const response = await errors.reading("download a result file", () =>
    calls.download(`/files/${id}/content`, signal),
  );
  let received = 0;
  let last = LINE_FEED;
  try {
    const body: ReadableStream<Uint8Array> | null = response.body;
    for await (const piece of body ?? []) {
      received += piece.byteLength;
      last = piece.at(-1) ?? last;
      yield piece;
    }
  } catch (cause) {
    throw errors.read("download a result file", cause);
  }
  // A host that tells no size leaves it to the connection to notice what is missing.
  const bytes = numberOf(asRecord(file)?.["bytes"]) ?? received;
  if (received < bytes)
    throw new ProviderError(
      "download_incomplete",
      `A result file came with ${String(received)} of its ${String(bytes)} bytes. It is fetched again; nothing is paid twice.`,
      { retryable: true },
    );
  if (last !== LINE_FEED) yield Uint8Array.of(LINE_FEED);
}
