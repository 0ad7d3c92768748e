/** Refusals in OpenAI's shape. */
import { RefusedCall, type Reply } from "./http.ts";

/** The error object of OpenAI's API; `param` and `code` are null when there is nothing to say. */
export interface OpenAiError {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** An HTTP failure: its status and the error in its body. */
export interface OpenAiFailure {
  readonly status: number;
  readonly error: OpenAiError;
}

/** A 400 that blames `param`. */
export function badRequest(
  message: string,
  param: string | null = null,
  code: string | null = null,
): OpenAiFailure {
  return { status: 400, error: { message, type: "invalid_request_error", param, code } };
}

/** A 404 for something that has an id. */
export function notFound(message: string, param: string | null = "id"): OpenAiFailure {
  return { status: 404, error: { message, type: "invalid_request_error", param, code: null } };
}

/** The failure OpenAI reports for a bare HTTP status: 400, 401, 404, 429 or 5xx. */
export function failureOfStatus(status: number, message?: string): OpenAiFailure {
  if (status === 429) {
    const text = message ?? "Rate limit reached. Please try again later.";
    const error = { message: text, type: "requests", param: null, code: "rate_limit_exceeded" };
    return { status, error };
  }
  if (status >= 500) {
    const text =
      message ?? "The server had an error while processing your request. Sorry about that!";
    return { status, error: { message: text, type: "server_error", param: null, code: null } };
  }
  const error = badRequest(message ?? "The request could not be processed.").error;
  return { status, error: status === 401 ? { ...error, code: "invalid_api_key" } : error };
}

/** The reply that carries a failure. */
export function failureReply(failure: OpenAiFailure): Reply {
  return { status: failure.status, json: { error: failure.error } };
}

/** What to throw so that the call is answered with this failure. */
export function refusal(failure: OpenAiFailure): RefusedCall {
  return new RefusedCall(failureReply(failure));
}
