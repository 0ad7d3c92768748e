/** Gemini's batch file format: reply lines in. */

import type { ToolCall } from "../core/call-settings.ts";
import type { RequestFailure, Result } from "../core/result.ts";
import { NO_USAGE, type Usage } from "../core/usage.ts";
import type { LinePlaces } from "./alike-lines.ts";
import { rowFailure, statusOf } from "./google-status.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line of a responses file; never throws.
 *
 * A line holds a `response`, or an error under the name `error` or `status`.
 */
export function parseGenerateLine(line: string): Result {
  const reply = asRecord(parseJson(line));
  if (reply === null) return failed(null, broken("The reply line is not JSON."));
  const customId = textOf(reply["key"]);
  const response = asRecord(reply["response"]);
  const status = statusOf(reply["error"]) ?? statusOf(reply["status"]);
  if (status !== null) return failed(customId, rowFailure(status), usageOf(response));
  if (response === null) return failed(customId, broken("The reply holds no response."));
  return resultOf(customId, response);
}

/** Where responses in reply lines differ though they say the same. */
export const RESPONSE_PLACES: LinePlaces = {
  "response.responseId": "nothing",
  "response.createTime": "nothing",
  "response.candidates.0.content.parts.0.text": "text",
  "response.candidates.0.content.parts.0.thoughtSignature": "nothing",
  "response.candidates.0.avgLogprobs": "nothing",
  "response.usageMetadata.promptTokenCount": ["inputTokens"],
  "response.usageMetadata.toolUsePromptTokenCount": ["inputTokens"],
  "response.usageMetadata.cachedContentTokenCount": ["cachedInputTokens"],
  "response.usageMetadata.candidatesTokenCount": ["outputTokens"],
  "response.usageMetadata.thoughtsTokenCount": ["outputTokens", "reasoningTokens"],
  "response.usageMetadata.totalTokenCount": "nothing",
  "response.usageMetadata.promptTokensDetails.0.tokenCount": "nothing",
  "response.usageMetadata.candidatesTokensDetails.0.tokenCount": "nothing",
};

/** Where reply lines do. */
export const GENERATE_PLACES: LinePlaces = { key: "customId", ...RESPONSE_PLACES };

/**
 * What a GenerateContentResponse, or the response to an embedding, comes to.
 *
 * Thoughts are billed as output and are never part of the answer; calls of functions are none either.
 */
export function resultOf(customId: string | null, response: Fields): Result {
  const usage = usageOf(response);
  const answer = "embedding" in response ? vectorOf(response) : answerOf(response);
  const finish = finishOf(response);
  if ("failure" in answer) return { ...failed(customId, answer.failure, usage), ...finish };
  const model = textOf(response["modelVersion"]);
  return { status: "succeeded", customId, ...answer, model, ...finish, usage };
}

function finishOf(response: Fields): { readonly finishReason?: string } {
  const finishReason = textOf(firstCandidate(response)?.["finishReason"]);
  return finishReason === null ? {} : { finishReason };
}

function firstCandidate({ candidates }: Fields): Fields | null {
  return asRecord(Array.isArray(candidates) ? candidates[0] : null);
}

function failed(
  customId: string | null,
  failure: RequestFailure,
  usage: Usage | null = null,
): Extract<Result, { readonly status: "failed" }> {
  return { status: "failed", customId, failure, usage };
}

function broken(message: string): RequestFailure {
  return { code: "provider_error", message, retryable: true };
}

type Answer =
  | Pick<Extract<Result, { status: "succeeded" }>, "text" | "toolCalls" | "embedding">
  | { readonly failure: RequestFailure };

/** Gemini sends vectors as numbers, of whatever length was asked for. */
function vectorOf(response: Fields): Answer {
  const values: unknown = asRecord(response["embedding"])?.["values"];
  const isVector =
    Array.isArray(values) && values.length > 0 && values.every((value) => Number.isFinite(value));
  if (!isVector) return fail("invalid_output", "The reply holds no vector.");
  return { text: "", embedding: Float32Array.from(values as readonly number[]) };
}

/** The answer, once the reasons for which there may be none have been looked at. */
function answerOf(response: Fields): Answer {
  const candidate = firstCandidate(response);
  if (candidate === null) return unanswered(asRecord(response["promptFeedback"]));
  const stopped = stopFailure(textOf(candidate["finishReason"]), candidate["finishMessage"]);
  if (stopped !== null) return { failure: stopped };
  const given = asRecord(candidate["content"])?.["parts"];
  const parts = (Array.isArray(given) ? given : []).map(asRecord);
  const text = textOfParts(parts);
  const toolCalls = callsOf(parts);
  if (toolCalls.length > 0) return { text: text ?? "", toolCalls };
  return text === null ? fail("invalid_output", "The reply holds no text.") : { text };
}

function unanswered(feedback: Fields | null): Answer {
  const reason = textOf(feedback?.["blockReason"]);
  return reason === null
    ? fail("invalid_output", "The reply holds no candidate.")
    : fail("refused", `The prompt was blocked: ${reason}.`);
}

const ENDED_WELL = new Set(["STOP", "FINISH_REASON_UNSPECIFIED"]);

const DECLINED = new Set([
  ...["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"],
  ...["IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"],
]);

/** Why an answer with this finish reason is none; null when it ended well. One that is not known is none. */
function stopFailure(reason: string | null, message: unknown): RequestFailure | null {
  if (reason === null || ENDED_WELL.has(reason)) return null;
  if (reason === "MAX_TOKENS") {
    const said = "The answer was cut off at the output token limit.";
    return { code: "truncated", message: said, retryable: false };
  }
  const code = DECLINED.has(reason) ? "refused" : "invalid_output";
  const said = textOf(message);
  const words = `The model stopped with ${reason}${said === null ? "." : `: ${said}`}`;
  return { code, message: words, retryable: false };
}

/** The text of some parts without their thoughts; null when there is none. */
function textOfParts(parts: readonly (Fields | null)[]): string | null {
  const texts = parts
    .filter((part) => part?.["thought"] !== true)
    .flatMap((part) => textOf(part?.["text"]) ?? []);
  return texts.length === 0 ? null : texts.join("");
}

/** A function without parameters is called without arguments, which then stand for an empty object. */
function callsOf(parts: readonly (Fields | null)[]): readonly ToolCall[] {
  return parts.flatMap((part) => {
    const call = asRecord(part?.["functionCall"]);
    const name = textOf(call?.["name"]);
    return name === null ? [] : [{ name, arguments: call?.["args"] ?? {} }];
  });
}

function fail(code: RequestFailure["code"], message: string): Answer {
  return { failure: { code, message, retryable: false } };
}

/**
 * What a response says it used. Thoughts are charged as output, tools' prompts as input; what was
 * cached is part of the prompt. An embedding says its tokens as text.
 */
function usageOf(response: Fields | null): Usage | null {
  const usage = asRecord(response?.["usageMetadata"]);
  const embedded = Number(response?.["tokenCount"] ?? Number.NaN);
  if (usage === null && Number.isFinite(embedded)) return { ...NO_USAGE, inputTokens: embedded };
  if (usage === null) return null;
  const count = (name: string): number => numberOf(usage[name]) ?? 0;
  const reasoningTokens = count("thoughtsTokenCount");
  return {
    ...NO_USAGE,
    inputTokens: count("promptTokenCount") + count("toolUsePromptTokenCount"),
    cachedInputTokens: count("cachedContentTokenCount"),
    outputTokens: count("candidatesTokenCount") + reasoningTokens,
    reasoningTokens,
  };
}
