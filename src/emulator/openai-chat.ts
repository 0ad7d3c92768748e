/** Chat completions: what is refused, what is counted, what comes back. */
import type { Answer } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import { refusalOfMessages } from "./openai-chat-messages.ts";
import { refusalOfParameters } from "./openai-chat-params.ts";
import { promptTokens } from "./openai-chat-tokens.ts";
import type { Composed, ComposeContext, OpenAiEndpoint, RequestUsage } from "./openai-endpoint.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { sayingOf, type Saying } from "./openai-saying.ts";
import type { Settings } from "./settings.ts";

/** `/v1/chat/completions`. */
export const chatEndpoint: OpenAiEndpoint = {
  url: "/v1/chat/completions",
  inputCount: () => 0,
  promptTokens,
  chatForm: (body) => body,
  refuses: (body, settings) => refusalOfChat(body) ?? refusalOfLength(body, settings),
  textual: true,
  compose,
};

/** Why a chat body is refused, however long it is, or null. */
export function refusalOfChat(body: JsonObject): OpenAiFailure | null {
  return refusalOfMessages(body["messages"]) ?? refusalOfParameters(body);
}

/** A 400 for a chat body that is longer than a request may be, else null. */
export function refusalOfLength(body: JsonObject, settings: Settings): OpenAiFailure | null {
  const prompt = promptTokens(body);
  if (prompt <= settings.contextTokens) return null;
  const message = `This model's maximum context length is ${String(settings.contextTokens)} tokens. However, your messages resulted in ${String(prompt)} tokens. Please reduce the length of the messages.`;
  return badRequest(message, "messages", "context_length_exceeded");
}

function compose(answer: Answer, context: ComposeContext): Composed {
  const { id, form, cached } = context;
  const saying = sayingOf(answer, { form, cached });
  const { content, refusal, calls, usage } = saying;
  const spoken = { role: "assistant", content, refusal, annotations: [] };
  const message = calls.length === 0 ? spoken : { ...spoken, tool_calls: callsOnWire(calls, id) };
  const finish_reason = finishReason(saying, context.body);
  const body = {
    id: `chatcmpl-${id.slice(0, 29)}`,
    object: "chat.completion",
    created: context.createdS,
    model: context.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason }],
    usage: context.withUsage ? usageOnWire(usage) : undefined,
    service_tier: "default",
    system_fingerprint: null,
  };
  return { body, usage };
}

function callsOnWire(calls: Saying["calls"], id: string): readonly JsonObject[] {
  return calls.map((call, at) => ({
    id: `call_${id.slice(0, 22)}${String(at).padStart(2, "0")}`,
    type: "function",
    function: call,
  }));
}

/** Calls end an answer with `tool_calls`, unless the request itself named the tool: then with `stop`. */
function finishReason({ ended, calls }: Saying, body: JsonObject): string {
  const isNamed = typeof body["tool_choice"] === "object" && body["tool_choice"] !== null;
  return ended === "stop" && calls.length > 0 && !isNamed ? "tool_calls" : ended;
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
