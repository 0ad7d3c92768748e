/** Chat completions: what is refused, what is counted, what comes back. */
import type { Answer } from "./answer.ts";
import { textOfContent } from "./answerers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { Composed, ComposeContext, OpenAiEndpoint, RequestUsage } from "./openai-endpoint.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { firstTokens, tokensOf } from "./tokens.ts";
import type { Settings } from "./settings.ts";

/** `/v1/chat/completions`. */
export const chatEndpoint: OpenAiEndpoint = {
  url: "/v1/chat/completions",
  inputCount: () => 0,
  promptTokens,
  refuses,
  textual: true,
  compose,
};

function messagesOf(body: JsonObject): readonly unknown[] {
  return Array.isArray(body["messages"]) ? body["messages"] : [];
}

function promptTokens(body: JsonObject): number {
  const text = messagesOf(body).map((message) =>
    isJsonObject(message) ? 4 + tokensOf(textOfContent(message["content"])) : 4,
  );
  return 3 + text.reduce((sum, tokens) => sum + tokens, 0);
}

function maxTokensOf(body: JsonObject): number {
  const given = body["max_completion_tokens"] ?? body["max_tokens"];
  return typeof given === "number" ? given : Infinity;
}

function refuses(body: JsonObject, settings: Settings): OpenAiFailure | null {
  const messages = body["messages"];
  if (messages === undefined) {
    const message = "Missing required parameter: 'messages'.";
    return badRequest(message, "messages", "missing_required_parameter");
  }
  if (!Array.isArray(messages) || messages.length === 0) {
    const message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
    return badRequest(message, "messages", "empty_array");
  }
  const odd = messages.findIndex((item) => !isJsonObject(item) || typeof item["role"] !== "string");
  if (odd >= 0) {
    const param = `messages[${String(odd)}].role`;
    return badRequest(
      `Missing required parameter: '${param}'.`,
      param,
      "missing_required_parameter",
    );
  }
  return refusesParameters(body, settings);
}

function refusesParameters(body: JsonObject, settings: Settings): OpenAiFailure | null {
  const most = maxTokensOf(body);
  if (most < 1) {
    const message = `Invalid 'max_completion_tokens': expected 1 or more, got ${String(most)}.`;
    return badRequest(message, "max_completion_tokens", "integer_below_min_value");
  }
  if (body["n"] !== undefined && body["n"] !== null && body["n"] !== 1) {
    return badRequest("Only 'n' of 1 is supported here.", "n", "unsupported_value");
  }
  const prompt = promptTokens(body);
  if (prompt > settings.contextTokens) {
    const message = `This model's maximum context length is ${String(settings.contextTokens)} tokens. However, your messages resulted in ${String(prompt)} tokens. Please reduce the length of the messages.`;
    return badRequest(message, "messages", "context_length_exceeded");
  }
  return null;
}

function compose(answer: Answer, context: ComposeContext): Composed {
  const limit = maxTokensOf(context.body);
  const whole = answer.refusal === undefined ? (answer.content ?? null) : null;
  const tooLong = whole !== null && answer.usage === undefined && tokensOf(whole) > limit;
  const content = tooLong ? firstTokens(whole, limit) : whole;
  const finishReason = tooLong ? "length" : (answer.finishReason ?? "stop");
  const spoken = content ?? answer.refusal ?? "";
  const usage: RequestUsage = {
    input: answer.usage?.promptTokens ?? promptTokens(context.body),
    cached: answer.usage?.cachedTokens ?? 0,
    output: answer.usage?.completionTokens ?? tokensOf(spoken),
    reasoning: answer.usage?.reasoningTokens ?? 0,
  };
  const message = { role: "assistant", content, refusal: answer.refusal ?? null, annotations: [] };
  const choice = { index: 0, message, logprobs: null, finish_reason: finishReason };
  const body = {
    id: `chatcmpl-${context.id.slice(0, 29)}`,
    object: "chat.completion",
    created: context.createdS,
    model: context.model,
    choices: [choice],
    ...(context.withUsage ? { usage: usageOnWire(usage) } : {}),
    service_tier: "default",
    system_fingerprint: null,
  };
  return { body, usage };
}

function usageOnWire(usage: RequestUsage): JsonObject {
  return {
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
