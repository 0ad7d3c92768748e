/** Anthropic's Messages API asked live: the lines of its batches, one by one. */

import { asRecord, parseJson, textOf } from "./json-values.ts";
import type { LiveForm } from "./live-form.ts";
import type { Answered } from "./live-replies.ts";
import type { LimitHeader } from "./live-retry.ts";

const LIMITS: readonly LimitHeader[] = ["requests", "tokens", "input-tokens", "output-tokens"].map(
  (name) => ({
    counts: name === "requests" ? "requests" : "tokens",
    remaining: `anthropic-ratelimit-${name}-remaining`,
    reset: `anthropic-ratelimit-${name}-reset`,
  }),
);

/** Lines of `{custom_id, params}` in, and of `{custom_id, result}` out. Source: Anthropic's SDK and batch guide. */
export const ANTHROPIC_LIVE: LiveForm = {
  read: (line) => {
    const parsed = asRecord(parseJson(line));
    const body = asRecord(parsed?.["params"]);
    if (body === null) return { refused: "The line is no request: it has no params." };
    return { customId: textOf(parsed?.["custom_id"]), path: "/v1/messages", body };
  },
  write: (customId, answered) =>
    JSON.stringify({ custom_id: customId, result: resultOf(answered) }),
  invalid: (message) => ({
    status: 400,
    requestId: null,
    body: errorOf("invalid_request_error", message),
  }),
  limitHeaders: LIMITS,
  requestIdHeader: "request-id",
};

function resultOf(answered: Answered): object {
  if ("code" in answered) {
    const type = answered.code === "request_timeout" ? "timeout_error" : "api_error";
    return { type: "errored", error: errorOf(type, answered.message) };
  }
  const { status, body } = answered;
  if (status < 300) return { type: "succeeded", message: body };
  const error = asRecord(asRecord(body)?.["error"]);
  // A gateway on the way answers in words of its own.
  const type = textOf(error?.["type"]) ?? TYPES[status] ?? "api_error";
  return { type: "errored", error: errorOf(type, textOf(error?.["message"]) ?? "no message") };
}

const TYPES: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  529: "overloaded_error",
};

function errorOf(type: string, message: string): object {
  return { type: "error", error: { type, message } };
}
