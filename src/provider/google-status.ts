/** google.rpc.Code: what a status in a reply line or an operation means. */

import type { EndingReason } from "../core/chunk.ts";
import type { RequestFailure } from "../core/result.ts";
import { asRecord, numberOf, textOf } from "./json-values.ts";

const NAMES = [
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND"],
  ...["ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"],
  ...["ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"],
  "UNAUTHENTICATED",
] as const;

const NAMES_BY_HTTP: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** A status in Google's words: the name of its code, and its message. */
export interface GoogleStatus {
  readonly name: string;
  readonly message: string;
}

/**
 * The status a value stands for; null when it says that all is well or nothing at all.
 *
 * The code may be a google.rpc.Code, its name, or an HTTP status; what stands in a file has been seen
 * in all three forms.
 */
export function statusOf(value: unknown): GoogleStatus | null {
  const record = asRecord(value);
  const code = record?.["code"] ?? record?.["status"] ?? value;
  const name = textOf(code) ?? nameOf(numberOf(code));
  if (name === null || name === "" || name === "OK") return null;
  return { name, message: textOf(record?.["message"]) ?? "no message" };
}

function nameOf(code: number | null): string | null {
  if (code === null) return null;
  return NAMES[code] ?? NAMES_BY_HTTP[code] ?? (code >= 500 ? "INTERNAL" : "UNKNOWN");
}

// What would be refused again however often it is sent. Anything else may pass another time.
const FINAL = new Set([
  ...["INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED"],
  ...["FAILED_PRECONDITION", "OUT_OF_RANGE", "UNIMPLEMENTED", "UNAUTHENTICATED"],
]);

/** Why a batch failed as a whole, and whether the same requests may be sent again. */
export function endingReason(status: GoogleStatus): EndingReason {
  const { name: code, message } = status;
  const again = code === "RESOURCE_EXHAUSTED" ? "room" : FINAL.has(code) ? "never" : "later";
  return { code, message, again };
}

const TOO_LONG = /token count.*exceeds|exceeds the maximum number of tokens|payload size exceeds/is;

/** Why one request failed. */
export function rowFailure({ name, message: said }: GoogleStatus): RequestFailure {
  const message = `${name}: ${said}`;
  if (name === "RESOURCE_EXHAUSTED") return { code: "rate_limited", message, retryable: true };
  if (name === "CANCELLED") return { code: "cancelled", message, retryable: true };
  if (name === "INVALID_ARGUMENT" || name === "OUT_OF_RANGE")
    return { code: TOO_LONG.test(said) ? "too_long" : "invalid_input", message, retryable: false };
  return { code: "provider_error", message, retryable: !FINAL.has(name) };
}
