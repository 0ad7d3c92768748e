/** OpenAI's batch file format: request lines out, reply lines in. */

import { answerSchema } from "../core/form.ts";
import type { Params, Request } from "../core/request.ts";
import type { RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";

/** The endpoint every chat request of a batch goes to. */
export const CHAT_ENDPOINT = "/v1/chat/completions";

/**
 * One line of a batch input file: `{custom_id, method, url, body}`, the id first.
 *
 * A form with a schema is asked for as strict structured output. `params` go into the body last, so
 * they win. Source: OpenAI batch guide and the SDK's types.
 */
export function encodeChatLine(request: Request, customId: string): string {
  const schema = answerSchema(request.form);
  const body = {
    model: request.model,
    messages: request.messages,
    ...(schema === null
      ? {}
      : {
          response_format: {
            type: "json_schema",
            json_schema: { name: "answer", strict: true, schema },
          },
        }),
    ...request.params,
  };
  return JSON.stringify({ custom_id: customId, method: "POST", url: CHAT_ENDPOINT, body });
}

/** The same line under a new custom_id; nothing else changes. */
export function readdressLine(line: string, customId: string): string {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  return JSON.stringify({ ...parsed, custom_id: customId });
}

/** The failures {@link amendLine} can do something about: a cut-off answer only where the run sets a cap. */
export function amendableFailures(params: Params): ReadonlySet<RowErrorCode> {
  return CAPS.some((cap) => typeof params[cap] === "number")
    ? new Set(["invalid_output", "truncated"])
    : new Set(["invalid_output"]);
}

const CAPS = ["max_completion_tokens", "max_tokens"] as const;

/**
 * The same request asked again: after a cut-off answer with twice the token cap, after an unusable
 * one with a last message that says what was wrong with it.
 */
export function amendLine(line: string, customId: string, failure: RequestFailure): string {
  const parsed = JSON.parse(line) as { body: Record<string, unknown> & { messages: unknown[] } };
  const body = { ...parsed.body };
  if (failure.code === "truncated")
    for (const cap of CAPS) {
      const tokens = body[cap];
      if (typeof tokens === "number") body[cap] = tokens * 2;
    }
  else {
    const content = `Your last answer could not be used. ${failure.message} Answer again, only in the form asked for.`;
    body.messages = [...body.messages, { role: "user", content }];
  }
  return JSON.stringify({ ...parsed, custom_id: customId, body });
}

/**
 * Reads one line of an output or error file; never throws.
 *
 * Which file a line came from says nothing: a status code of 2xx is an answer, another one is a
 * request that failed, and an `error` without a response is a request that never ran.
 */
export function parseChatLine(line: string): Result {
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
  const answer = answerOf(body);
  if ("failure" in answer) return { ...failed(customId, answer.failure), usage };
  return {
    status: "succeeded",
    customId,
    text: answer.text,
    model: textOf(body?.["model"]),
    usage,
  };
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
function neverRan(error: Record<string, unknown> | null): RequestFailure {
  const code = textOf(error?.["code"]);
  const message = textOf(error?.["message"]) ?? "The request was not executed.";
  if (code === "batch_expired") return { code: "expired", message, retryable: true };
  if (code === "batch_cancelled") return { code: "cancelled", message, retryable: true };
  return { code: "provider_error", message, retryable: true };
}

/** A request that ran and was answered with an HTTP error, nested in the response's body. */
function refusedCall(status: number, body: Record<string, unknown> | null): RequestFailure {
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

/** The answer, once finish reason and refusal have been looked at, in that order. */
function answerOf(
  body: Record<string, unknown> | null,
): { readonly text: string } | { readonly failure: RequestFailure } {
  const choices = body?.["choices"];
  const choice = asRecord(Array.isArray(choices) ? choices[0] : null);
  const message = asRecord(choice?.["message"]);
  const finish = textOf(choice?.["finish_reason"]);
  if (finish === "length")
    return fail("truncated", "The answer was cut off at the output token limit.");
  if (finish === "content_filter")
    return fail("refused", "The provider's content filter stopped it.");
  const refusal = textOf(message?.["refusal"]);
  if (refusal !== null && refusal !== "") return fail("refused", refusal);
  const content = contentOf(message?.["content"]);
  if (content === null) return fail("invalid_output", "The reply holds no text.");
  return { text: content };
}

/** A message's text: a string, or the text parts of a list, as some hosts write it; null when there is none. */
function contentOf(content: unknown): string | null {
  if (!Array.isArray(content)) return textOf(content);
  const texts = content.flatMap((part) => textOf(asRecord(part)?.["text"]) ?? []);
  return texts.length === 0 ? null : texts.join("");
}

function fail(code: RequestFailure["code"], message: string): { readonly failure: RequestFailure } {
  return { failure: { code, message, retryable: false } };
}

function usageOf(body: Record<string, unknown> | null): Usage | null {
  const usage = asRecord(body?.["usage"]);
  if (usage === null) return null;
  const input = asRecord(usage["prompt_tokens_details"]);
  const output = asRecord(usage["completion_tokens_details"]);
  return {
    inputTokens: numberOf(usage["prompt_tokens"]) ?? 0,
    cachedInputTokens: numberOf(input?.["cached_tokens"]) ?? 0,
    outputTokens: numberOf(usage["completion_tokens"]) ?? 0,
    reasoningTokens: numberOf(output?.["reasoning_tokens"]) ?? 0,
  };
}
