/** Anthropic's batch format: result lines in. */

import type { ToolCall } from "../core/call-settings.ts";
import type { RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";
import type { LinePlaces } from "./alike-lines.ts";
import { ANSWER_TOOL } from "./anthropic-settings.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";

type Fields = Readonly<Record<string, unknown>>;

/** The custom_id of a result line, null when it has none that can be read. */
export function idOfLine(line: string): string | null {
  return textOf(asRecord(parseJson(line))?.["custom_id"]);
}

/** Reads one result line; never throws. */
export function parseMessageLine(line: string): Result {
  const reply = asRecord(parseJson(line));
  if (reply === null) return failed(null, again("provider_error", "The reply line is not JSON."));
  const customId = textOf(reply["custom_id"]);
  const result = asRecord(reply["result"]);
  switch (textOf(result?.["type"])) {
    case "succeeded":
      return readMessage(customId, asRecord(result?.["message"]));
    case "errored":
      return failed(customId, readError(asRecord(result?.["error"])));
    case "canceled":
      return failed(customId, again("cancelled", "The batch was cancelled first."));
    case "expired":
      return failed(customId, again("expired", "The batch expired first."));
    default:
      return failed(customId, again("provider_error", "The reply line holds no known result."));
  }
}

/** Where result lines of messages that are text differ though they say the same. */
export const MESSAGE_PLACES: LinePlaces = {
  custom_id: "customId",
  "result.message.id": "nothing",
  "result.message.content.0.text": "text",
  "result.message.usage.input_tokens": ["inputTokens"],
  "result.message.usage.cache_creation_input_tokens": ["inputTokens", "cacheWriteTokens"],
  "result.message.usage.cache_read_input_tokens": ["inputTokens", "cachedInputTokens"],
  "result.message.usage.cache_creation.ephemeral_5m_input_tokens": "nothing",
  "result.message.usage.cache_creation.ephemeral_1h_input_tokens": ["cacheWriteHourTokens"],
  "result.message.usage.output_tokens": ["outputTokens"],
  "result.message.usage.output_tokens_details.thinking_tokens": ["reasoningTokens"],
};

function failed(customId: string | null, failure: RequestFailure): Result {
  return { status: "failed", customId, failure, usage: null };
}

function again(code: RowErrorCode, message: string): RequestFailure {
  return { code, message, retryable: true };
}

function forGood(code: RowErrorCode, message: string): RequestFailure {
  return { code, message, retryable: false };
}

/** The request was not executed, and not billed. */
function readError(error: Fields | null): RequestFailure {
  const inner = asRecord(error?.["error"]);
  const type = textOf(inner?.["type"]) ?? "unknown";
  const message = `${type}: ${textOf(inner?.["message"]) ?? "no message"}`;
  switch (type) {
    case "invalid_request_error":
      return forGood(/prompt is too long/iu.test(message) ? "too_long" : "invalid_input", message);
    case "request_too_large":
      return forGood("too_long", message);
    case "authentication_error":
    case "billing_error":
    case "permission_error":
    case "not_found_error":
      return forGood("provider_error", message);
    case "rate_limit_error":
      return again("rate_limited", message);
    default:
      return again("provider_error", message);
  }
}

/** A message, once its stop reason has been looked at: that it succeeded says only that it was billed. */
function readMessage(customId: string | null, message: Fields | null): Result {
  const usage = usageOf(asRecord(message?.["usage"]));
  const blocks = blocksOf(message?.["content"]);
  const text = answerText(blocks);
  const stop = textOf(message?.["stop_reason"]);
  const finish = stop === null ? {} : { finishReason: stop };
  const failure = failureOfStop(stop, text);
  if (failure !== null) return { status: "failed", customId, failure, ...finish, usage };
  const toolCalls = callsOf(blocks);
  const model = textOf(message?.["model"]);
  if (toolCalls.length > 0)
    return { status: "succeeded", customId, text: text ?? "", toolCalls, model, ...finish, usage };
  if (text === null) {
    const none = forGood("invalid_output", "The reply holds no text.");
    return { ...failed(customId, none), ...finish, usage };
  }
  return { status: "succeeded", customId, text, model, ...finish, usage };
}

function failureOfStop(stop: string | null, text: string | null): RequestFailure | null {
  switch (stop) {
    case "max_tokens":
      return forGood("truncated", "The answer was cut off at the output token limit.");
    case "model_context_window_exceeded":
      return forGood("too_long", "Prompt and answer together are longer than the model can hold.");
    case "refusal":
      return forGood("refused", text ?? "The model refused to answer.");
    case "pause_turn":
      return forGood("invalid_output", "The model stopped in the middle of its turn.");
    default:
      return null;
  }
}

function blocksOf(content: unknown): readonly Fields[] {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [];
  return blocks.map(asRecord).filter((block) => block !== null);
}

/**
 * The answer in a message: what the answer tool was called with, as JSON, else the text blocks,
 * joined; null when there is neither. Thinking and calls of other tools are no answer.
 */
function answerText(blocks: readonly Fields[]): string | null {
  const answer = blocks.find((block) => isCall(block) && block["name"] === ANSWER_TOOL);
  if (answer !== undefined) return JSON.stringify(answer["input"] ?? null);
  const texts = blocks.flatMap((block) =>
    block["type"] === "text" ? (textOf(block["text"]) ?? []) : [],
  );
  return texts.length === 0 ? null : texts.join("");
}

function callsOf(blocks: readonly Fields[]): readonly ToolCall[] {
  return blocks.filter(isCall).flatMap((block) => {
    const name = textOf(block["name"]);
    return name === null || name === ANSWER_TOOL ? [] : [{ name, arguments: block["input"] ?? {} }];
  });
}

function isCall(block: Fields): boolean {
  return block["type"] === "tool_use";
}

/** Anthropic counts what went into and came out of its cache apart from the other input. */
function usageOf(usage: Fields | null): Usage | null {
  if (usage === null) return null;
  const tokens = (name: string): number => numberOf(usage[name]) ?? 0;
  const cached = tokens("cache_read_input_tokens");
  const written = tokens("cache_creation_input_tokens");
  const lifetimes = asRecord(usage["cache_creation"]);
  const details = asRecord(usage["output_tokens_details"]);
  return {
    inputTokens: tokens("input_tokens") + written + cached,
    cachedInputTokens: cached,
    cacheWriteTokens: written,
    cacheWriteHourTokens: numberOf(lifetimes?.["ephemeral_1h_input_tokens"]) ?? 0,
    outputTokens: tokens("output_tokens"),
    reasoningTokens: numberOf(details?.["thinking_tokens"]) ?? 0,
  };
}
