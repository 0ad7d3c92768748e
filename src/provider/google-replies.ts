/** Gemini's batch file format: reply lines in. */

import type { RequestFailure, Result } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";
import { rowFailure, statusOf } from "./google-status.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads one line of a responses file; never throws.
 *
 * A line holds a `response`, or an error under the name `error` or `status`. Thoughts are billed as
 * output and are never part of the answer.
 */
export function parseGenerateLine(line: string): Result {
  const reply = asRecord(parseJson(line.startsWith("\uFEFF") ? line.slice(1) : line));
  if (reply === null) return failed(null, broken("The reply line is not JSON."));
  const customId = textOf(reply["key"]);
  const response = asRecord(reply["response"]);
  const usage = usageOf(asRecord(response?.["usageMetadata"]));
  const status = statusOf(reply["error"]) ?? statusOf(reply["status"]);
  if (status !== null) return failed(customId, rowFailure(status), usage);
  if (response === null) return failed(customId, broken("The reply holds no response."));
  const answer = answerOf(response);
  if ("failure" in answer) return failed(customId, answer.failure, usage);
  const model = textOf(response["modelVersion"]);
  return { status: "succeeded", customId, text: answer.text, model, usage };
}

function failed(
  customId: string | null,
  failure: RequestFailure,
  usage: Usage | null = null,
): Result {
  return { status: "failed", customId, failure, usage };
}

function broken(message: string): RequestFailure {
  return { code: "provider_error", message, retryable: true };
}

type Answer = { readonly text: string } | { readonly failure: RequestFailure };

/** The answer, once the reasons for which there may be none have been looked at. */
function answerOf(response: Fields): Answer {
  const candidates = response["candidates"];
  const candidate = asRecord(Array.isArray(candidates) ? candidates[0] : null);
  if (candidate === null) return unanswered(asRecord(response["promptFeedback"]));
  const stopped = stopFailure(textOf(candidate["finishReason"]), candidate["finishMessage"]);
  if (stopped !== null) return { failure: stopped };
  const text = textOfParts(asRecord(candidate["content"])?.["parts"]);
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

/** The text of a content's parts without its thoughts; null when there is none. */
function textOfParts(parts: unknown): string | null {
  const texts = (Array.isArray(parts) ? parts : [])
    .map(asRecord)
    .filter((part) => part?.["thought"] !== true)
    .flatMap((part) => textOf(part?.["text"]) ?? []);
  return texts.length === 0 ? null : texts.join("");
}

function fail(code: RequestFailure["code"], message: string): Answer {
  return { failure: { code, message, retryable: false } };
}

/** Thoughts are charged as output, tools' prompts as input; what was cached is part of the prompt. */
function usageOf(usage: Fields | null): Usage | null {
  if (usage === null) return null;
  const count = (name: string): number => numberOf(usage[name]) ?? 0;
  const reasoningTokens = count("thoughtsTokenCount");
  return {
    inputTokens: count("promptTokenCount") + count("toolUsePromptTokenCount"),
    cachedInputTokens: count("cachedContentTokenCount"),
    outputTokens: count("candidatesTokenCount") + reasoningTokens,
    reasoningTokens,
  };
}
