/** What Google's storage library throws, read as a ProviderError. */

import { ProviderError } from "../core/errors.ts";
import type { ErrorReader } from "./http-errors.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";

/** Throws what the library threw in the form that retries are decided by. */
export function rethrowPlain(caught: unknown): never {
  throw plain(caught);
}

/** The {@link ProviderError} that something the library threw stands for. `action` completes "could not …". */
export function told(errors: ErrorReader, action: string, caught: unknown): unknown {
  return errors.read(action, plain(caught));
}

/** The library's exceptions in the form that the error reader knows: with `status` and `headers`. */
function plain(caught: unknown): unknown {
  const status = statusOf(caught);
  if (!(caught instanceof Error) || status === null) return caught;
  const said = textOf(asRecord(asRecord(parseJson(caught.message))?.["error"])?.["message"]);
  const message = `HTTP ${String(status)}: ${said ?? caught.message.trim()}`;
  return Object.assign(new Error(message), { status, headers: headersOf(caught) });
}

const SAID_STATUS = /^Retry limit exceeded - status: (\d{3})/;

function statusOf(caught: unknown): number | null {
  const error = asRecord(caught);
  // An upload that is not to be retried names the status in its words alone.
  const said = SAID_STATUS.exec(caught instanceof Error ? caught.message : "")?.[1];
  for (const value of [error?.["code"], error?.["status"], said])
    if (Number(value) >= 400 && Number(value) < 600) return Number(value);
  return null;
}

function headersOf(caught: unknown): Headers {
  const response = asRecord(asRecord(caught)?.["response"]);
  const given = asRecord(response?.["headers"]);
  const get: unknown = given?.["get"];
  const headers = new Headers();
  // What libraries make of headers differs, and is not always what is called Headers here.
  for (const name of ["retry-after", "retry-after-ms"]) {
    const value: unknown =
      typeof get === "function" ? Reflect.apply(get, given, [name]) : given?.[name];
    if (typeof value === "string") headers.set(name, value);
  }
  return headers;
}

/** Whether the library found that the bytes of a download are not those of the object. */
export function isMismatch(caught: unknown): boolean {
  return asRecord(caught)?.["code"] === "CONTENT_DOWNLOAD_MISMATCH";
}

/** The error for an object that did not come whole. */
export function incomplete(uri: string): ProviderError {
  return new ProviderError(
    "download_incomplete",
    `${uri} came with bytes that do not agree with its checksum. It is fetched again; nothing is paid twice.`,
    { retryable: true },
  );
}
