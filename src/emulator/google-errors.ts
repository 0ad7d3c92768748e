/** Refusals in Google's shape, and the names and numbers of google.rpc.Code. */
import { RefusedCall, type Reply } from "./http.ts";

/** The error object of Google's APIs. `code` is the HTTP status in a call's body. */
export interface GoogleError {
  readonly code: number;
  readonly message: string;
  readonly status: string;
  readonly details?: readonly unknown[];
}

/** An HTTP failure: its status and the error in its body. */
export interface GoogleFailure {
  readonly status: number;
  readonly error: GoogleError;
}

/** google.rpc.Code by name. */
export const RPC_CODES: Readonly<Record<string, number>> = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
};

const NAMES: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  499: "CANCELLED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
};

/** The failure with this HTTP status; `name` where it is not the usual one of that status. */
export function failureOf(status: number, message: string, name?: string): GoogleFailure {
  const usual = NAMES[status] ?? (status >= 500 ? "INTERNAL" : "INVALID_ARGUMENT");
  return { status, error: { code: status, message, status: name ?? usual } };
}

/** A 400 that blames the request. */
export function badRequest(message: string): GoogleFailure {
  return failureOf(400, message);
}

/** The refusal of a key that is none. Google answers 400, not 401, and tells it by a detail. */
export function invalidKey(): GoogleFailure {
  const message = "API key not valid. Please pass a valid API key.";
  const detail = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    reason: "API_KEY_INVALID",
    domain: "googleapis.com",
    metadata: { service: "generativelanguage.googleapis.com" },
  };
  return { status: 400, error: { ...badRequest(message).error, details: [detail] } };
}

/** The reply that carries a failure. */
export function failureReply(failure: GoogleFailure): Reply {
  return { status: failure.status, json: { error: failure.error } };
}

/** What to throw so that the call is answered with this failure. */
export function refusal(failure: GoogleFailure): RefusedCall {
  return new RefusedCall(failureReply(failure));
}

/** A failure as it stands in a result row or an operation: with a google.rpc.Code for its code. */
export function rpcStatus(failure: GoogleFailure): {
  readonly code: number;
  readonly message: string;
} {
  return { code: RPC_CODES[failure.error.status] ?? 2, message: failure.error.message };
}
