/** OpenAI's reply lines: answers, failures and requests that never ran, from any endpoint. */

import type { RequestFailure, Result } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";
import type { LinePlaces } from "./alike-lines.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";
import { readChat } from "./openai-chat-lines.ts";
import { readEmbedding } from "./openai-embedding-lines.ts";
import type { Reading, Unread } from "./openai-reading.ts";
import { readResponse } from "./openai-responses-lines.ts";

/**
 * Reads one line of an output or error file; never throws.
 *
 * Which file a line came from says nothing: a status code of 2xx is an answer, another one is a
 * request that failed, and an `error` without a response is a request that never ran. The endpoint it
 * was asked from is told by what the body holds.
 */
export function parseReplyLine(line: string): Result {
  // Each result file may begin with a byte order mark, the second one in the middle of the stream.
  const reply = asRecord(parseJson(line));
  const customId = textOf(reply?.["custom_id"]);
  if (reply === null) return failed(null, unreadable("The reply line is not JSON."));
  const response = asRecord(reply["response"]);
  const status = numberOf(response?.["status_code"]);
  if (response === null || status === null)
    return failed(customId, neverRan(asRecord(reply["error"])));
  const body = asRecord(response["body"]);
  const usage = usageOf(body);
  if (status < 200 || status >= 300)
    return { ...failed(customId, refusedCall(status, body)), usage };
  const reading = readBody(body);
  const finish = finishOf(body);
  if ("failure" in reading) return { ...failed(customId, reading.failure), ...finish, usage };
  const model = textOf(body?.["model"]);
  return { status: "succeeded", customId, ...reading, model, ...finish, usage };
}

/** Where reply lines to chats, and to the Responses API, differ though they say the same. */
export const REPLY_PLACES: LinePlaces = {
  id: "nothing",
  custom_id: "customId",
  "response.request_id": "nothing",
  "response.body.id": "nothing",
  "response.body.created": "nothing",
  "response.body.created_at": "nothing",
  "response.body.completed_at": "nothing",
  "response.body.system_fingerprint": "nothing",
  "response.body.choices.0.message.content": "text",
  "response.body.output.0.id": "nothing",
  "response.body.output.0.content.0.text": "text",
  "response.body.output.1.id": "nothing",
  "response.body.output.1.content.0.text": "text",
  "response.body.usage.prompt_tokens": ["inputTokens"],
  "response.body.usage.completion_tokens": ["outputTokens"],
  "response.body.usage.total_tokens": "nothing",
  "response.body.usage.prompt_tokens_details.cached_tokens": ["cachedInputTokens"],
  "response.body.usage.completion_tokens_details.reasoning_tokens": ["reasoningTokens"],
  "response.body.usage.input_tokens": ["inputTokens"],
  "response.body.usage.output_tokens": ["outputTokens"],
  "response.body.usage.input_tokens_details.cached_tokens": ["cachedInputTokens"],
  "response.body.usage.output_tokens_details.reasoning_tokens": ["reasoningTokens"],
};

/** A chat says in its choice why the model stopped, a response in its status or why it is incomplete. */
function finishOf(body: Unread | null): { readonly finishReason?: string } {
  const choices = body?.["choices"];
  const choice = asRecord(Array.isArray(choices) ? choices[0] : null);
  const incomplete = asRecord(body?.["incomplete_details"]);
  const finishReason =
    textOf(choice?.["finish_reason"]) ?? textOf(incomplete?.["reason"]) ?? textOf(body?.["status"]);
  return finishReason === null ? {} : { finishReason };
}

function readBody(body: Unread | null): Reading {
  if (body === null || "choices" in body) return readChat(body);
  if (body["object"] === "response" || Array.isArray(body["output"])) return readResponse(body);
  return Array.isArray(body["data"]) ? readEmbedding(body) : readChat(body);
}

function failed(
  customId: string | null,
  failure: RequestFailure,
): Extract<Result, { status: "failed" }> {
  return { status: "failed", customId, failure, usage: null };
}

function unreadable(message: string): RequestFailure {
  return { code: "provider_error", message, retryable: true };
}

/** A request that was never executed: the window closed, the batch was cancelled, or the host broke. */
function neverRan(error: Unread | null): RequestFailure {
  const code = textOf(error?.["code"]);
  const message = textOf(error?.["message"]) ?? "The request was not executed.";
  if (code === "batch_expired") return { code: "expired", message, retryable: true };
  if (code === "batch_cancelled") return { code: "cancelled", message, retryable: true };
  // Together's way of saying that the request itself was refused: HTTP 4xx, with no response beside it.
  if (code === "batch_client_error") return { code: "invalid_input", message, retryable: false };
  return { code: "provider_error", message, retryable: true };
}

/** A request that ran and was answered with an HTTP error, nested in the response's body. */
function refusedCall(status: number, body: Unread | null): RequestFailure {
  const error = asRecord(body?.["error"]);
  const said = textOf(error?.["message"]) ?? "no message";
  const message = `HTTP ${String(status)}: ${said}`;
  if (status === 429) return { code: "rate_limited", message, retryable: true };
  if (status === 408 || status === 409 || status >= 500)
    return { code: "provider_error", message, retryable: true };
  if (status === 413 || textOf(error?.["code"]) === "context_length_exceeded")
    return { code: "too_long", message, retryable: false };
  const code = status === 400 || status === 422 ? "invalid_input" : "provider_error";
  return { code, message, retryable: false };
}

/** Chat and embeddings say prompt and completion, the Responses API input and output. */
function usageOf(body: Unread | null): Usage | null {
  const usage = asRecord(body?.["usage"]);
  if (usage === null) return null;
  const tokens = (chat: string, responses: string): number =>
    numberOf(usage[chat]) ?? numberOf(usage[responses]) ?? 0;
  const detail = (chat: string, responses: string, name: string): number =>
    numberOf((asRecord(usage[chat]) ?? asRecord(usage[responses]))?.[name]) ?? 0;
  return {
    inputTokens: tokens("prompt_tokens", "input_tokens"),
    cachedInputTokens: detail("prompt_tokens_details", "input_tokens_details", "cached_tokens"),
    cacheWriteTokens: detail("prompt_tokens_details", "input_tokens_details", "cache_write_tokens"),
    cacheWriteHourTokens: 0,
    outputTokens: tokens("completion_tokens", "output_tokens"),
    reasoningTokens: detail(
      "completion_tokens_details",
      "output_tokens_details",
      "reasoning_tokens",
    ),
  };
}
