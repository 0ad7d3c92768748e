/** Refusals in Anthropic's shape. */
import { RefusedCall, type Reply } from "./http.ts";
import type { JsonObject } from "./json.ts";

/** An HTTP failure: its status, and the error's type and message. */
export interface AnthropicFailure {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  408: "timeout_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** The failure Anthropic reports for a bare HTTP status. */
export function failureOfStatus(status: number, message?: string): AnthropicFailure {
  const type = TYPES[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
  return { status, type, message: message ?? "Internal server error" };
}

/** A 400 whose message begins with the field at fault. */
export function badRequest(message: string): AnthropicFailure {
  return failureOfStatus(400, message);
}

/** The error object, as it stands in replies and in the lines of failed rows. */
export function errorOnWire(failure: AnthropicFailure, requestId: string | null): JsonObject {
  const { type, message } = failure;
  return { type: "error", error: { type, message }, request_id: requestId };
}

/** The reply that carries a failure. */
export function failureReply(failure: AnthropicFailure, requestId: string | null = null): Reply {
  return { status: failure.status, json: errorOnWire(failure, requestId) };
}

/** What to throw so that the call is answered with this failure. */
export function refusal(failure: AnthropicFailure): RefusedCall {
  return new RefusedCall(failureReply(failure));
}
