/** Anthropic's batch format: request lines out, result lines in. */

import { InputError } from "../core/errors.ts";
import { answerSchema } from "../core/form.ts";
import type { Params, Request } from "../core/request.ts";
import type { RequestFailure, Result, RowErrorCode } from "../core/result.ts";
import type { Usage } from "../core/usage.ts";
import { asRecord, numberOf, parseJson, textOf } from "./json-values.ts";

/** The protocol version the lines are written for: the later `2026-10-21` refuses every sampling parameter. */
export const ANTHROPIC_VERSION = "2023-06-01";

// The API demands a cap; this is what its own examples use.
const DEFAULT_MAX_TOKENS = 1024;

/**
 * One request of a batch, as it stands in the create call's list: `{custom_id, params}`, the id first.
 *
 * System messages become `system`, joined by a blank line. `max_tokens`, which the API demands, is
 * 1024 unless the params say otherwise. A form with a schema is asked for by `output_config.format`,
 * with no way round it for models that lack structured output. `params` go in last, so they win;
 * their `output_config` is merged with ours.
 *
 * @throws {InputError} `params_unsupported` for params that this model refuses or that a batch cannot
 * have: every request would fail with them. Nothing was sent.
 */
export function encodeMessageLine(request: Request, customId: string): string {
  const { model, messages, params, form } = request;
  checkParams(model, params);
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const schema = answerSchema(form);
  const format = schema === null ? {} : { format: { type: "json_schema", schema } };
  const config = { ...format, ...asRecord(params["output_config"]) };
  const body = {
    model,
    max_tokens: DEFAULT_MAX_TOKENS,
    ...(system.length === 0 ? {} : { system: system.join("\n\n") }),
    messages: messages.filter(({ role }) => role !== "system"),
    ...params,
    ...(Object.keys(config).length === 0 ? {} : { output_config: config }),
  };
  return JSON.stringify({ custom_id: customId, params: body });
}

const SAMPLING = ["temperature", "top_p", "top_k"] as const;
// Source: Message Batches reference. Each would fail every request of the batch.
const LIVE_ONLY = ["stream", "speed"] as const;

function checkParams(model: string, params: Params): void {
  const live = LIVE_ONLY.find((name) => params[name] !== undefined && params[name] !== false);
  if (live !== undefined) throw unsupported(live, "Anthropic's batches do not take it.");
  const sampling = SAMPLING.find((name) => params[name] !== undefined);
  if (sampling !== undefined && !takesSampling(model))
    throw unsupported(sampling, `${model} no longer takes ${SAMPLING.join(", ")}, at any value.`);
}

function unsupported(param: string, why: string): InputError {
  return new InputError(
    "params_unsupported",
    `The parameter ${param} cannot be sent: ${why} Nothing was sent.`,
    { hint: `Leave ${param} out of the params and run the command again.` },
  );
}

/**
 * Whether a model takes sampling parameters: Opus before 4.7, other families before 5, and every name
 * that is not Anthropic's own (a gateway's alias). Source: Anthropic's migration notes, Nov 2026.
 */
function takesSampling(model: string): boolean {
  const [, family, major, minor] = /^claude-([a-z]+)-(\d+)(?:-(\d{1,2}))?(?!\d)/.exec(model) ?? [];
  if (family === undefined) return true;
  if (Number(major) !== 4) return Number(major) < 4;
  return family !== "opus" || Number(minor ?? 0) < 7;
}

/** The failures {@link amendMessageLine} can do something about; there always is a cap that can be raised. */
export function amendableFailures(): ReadonlySet<RowErrorCode> {
  return new Set(["invalid_output", "truncated"]);
}

/**
 * The same request asked again: after a cut-off answer with twice the token cap, after an unusable
 * one with a last message that says what was wrong with it.
 */
export function amendMessageLine(line: string, customId: string, failure: RequestFailure): string {
  const { params } = JSON.parse(line) as {
    params: Record<string, unknown> & { max_tokens: number; messages: readonly unknown[] };
  };
  if (failure.code === "truncated")
    return JSON.stringify({
      custom_id: customId,
      params: { ...params, max_tokens: params.max_tokens * 2 },
    });
  const content = `Your last answer could not be used. ${failure.message} Answer again, only in the form asked for.`;
  const messages = [...params.messages, { role: "user", content }];
  return JSON.stringify({ custom_id: customId, params: { ...params, messages } });
}

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
function readError(error: Readonly<Record<string, unknown>> | null): RequestFailure {
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
function readMessage(
  customId: string | null,
  message: Readonly<Record<string, unknown>> | null,
): Result {
  const usage = usageOf(asRecord(message?.["usage"]));
  const text = answerText(message?.["content"]);
  const failure = failureOfStop(textOf(message?.["stop_reason"]), text);
  if (failure !== null) return { status: "failed", customId, failure, usage };
  if (text === null)
    return { ...failed(customId, forGood("invalid_output", "The reply holds no text.")), usage };
  return { status: "succeeded", customId, text, model: textOf(message?.["model"]), usage };
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

/** The text blocks of a message, joined; thinking and tool calls are no answer. */
function answerText(content: unknown): string | null {
  const blocks = Array.isArray(content) ? content.map(asRecord) : [];
  const texts = blocks.flatMap((block) =>
    block?.["type"] === "text" ? (textOf(block["text"]) ?? []) : [],
  );
  return texts.length === 0 ? null : texts.join("");
}

/** Anthropic counts what went into and came out of its cache apart from the other input. */
function usageOf(usage: Readonly<Record<string, unknown>> | null): Usage | null {
  if (usage === null) return null;
  const tokens = (name: string): number => numberOf(usage[name]) ?? 0;
  const cached = tokens("cache_read_input_tokens");
  const details = asRecord(usage["output_tokens_details"]);
  return {
    inputTokens: tokens("input_tokens") + tokens("cache_creation_input_tokens") + cached,
    cachedInputTokens: cached,
    outputTokens: tokens("output_tokens"),
    reasoningTokens: numberOf(details?.["thinking_tokens"]) ?? 0,
  };
}
