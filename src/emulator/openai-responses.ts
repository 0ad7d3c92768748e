/** The Responses API: what is refused, what is counted, what comes back. */
import type { Answer } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import { refusalOfLength } from "./openai-chat.ts";
import { promptTokens } from "./openai-chat-tokens.ts";
import type { Composed, ComposeContext, OpenAiEndpoint, RequestUsage } from "./openai-endpoint.ts";
import { refusalOfResponse } from "./openai-responses-check.ts";
import { chatFormOf } from "./openai-responses-form.ts";
import { sayingOf, type Saying } from "./openai-saying.ts";

/** `/v1/responses`. */
export const responsesEndpoint: OpenAiEndpoint = {
  url: "/v1/responses",
  inputCount: () => 0,
  promptTokens: (body) => promptTokens(chatFormOf(body)),
  chatForm: chatFormOf,
  refuses: (body, settings) =>
    refusalOfResponse(body) ?? refusalOfLength(chatFormOf(body), settings),
  textual: true,
  compose,
};

function compose(answer: Answer, context: ComposeContext): Composed {
  const { body: asked, id, withUsage } = context;
  const saying = sayingOf(answer, { form: context.form, cached: context.cached });
  const reason = INCOMPLETE[saying.ended];
  const body = {
    id: `resp_${id}`,
    object: "response",
    created_at: context.createdS,
    status: reason === null ? "completed" : "incomplete",
    background: false,
    error: null,
    incomplete_details: reason === null ? null : { reason },
    instructions: asked["instructions"] ?? null,
    max_output_tokens: asked["max_output_tokens"] ?? null,
    model: context.model,
    output: outputOf(saying, id),
    parallel_tool_calls: asked["parallel_tool_calls"] ?? true,
    previous_response_id: null,
    prompt_cache_key: asked["prompt_cache_key"] ?? null,
    reasoning: asked["reasoning"] ?? { effort: null, summary: null },
    service_tier: "default",
    store: asked["store"] ?? true,
    temperature: asked["temperature"] ?? 1,
    text: asked["text"] ?? { format: { type: "text" } },
    tool_choice: asked["tool_choice"] ?? "auto",
    tools: asked["tools"] ?? [],
    top_p: asked["top_p"] ?? 1,
    truncation: "disabled",
    ...(withUsage ? { usage: usageOnWire(saying.usage) } : {}),
    metadata: asked["metadata"] ?? {},
  };
  return { body, usage: saying.usage };
}

const INCOMPLETE = {
  stop: null,
  length: "max_output_tokens",
  content_filter: "content_filter",
} as const;

/** The thoughts, when there were any; the message, when there is one; the calls. */
function outputOf(saying: Saying, id: string): readonly JsonObject[] {
  const { content, refusal, calls, ended } = saying;
  const status = ended === "stop" ? "completed" : "incomplete";
  const part =
    refusal === null
      ? { type: "output_text", text: content, annotations: [], logprobs: [] }
      : { type: "refusal", refusal };
  const message = { id: `msg_${id}`, type: "message", status, role: "assistant", content: [part] };
  return [
    ...(saying.usage.reasoning > 0 ? [{ id: `rs_${id}`, type: "reasoning", summary: [] }] : []),
    ...(content === null && refusal === null ? [] : [message]),
    ...calls.map((call, at) => ({
      id: `fc_${id}${String(at)}`,
      type: "function_call",
      status,
      call_id: `call_${id.slice(0, 22)}${String(at).padStart(2, "0")}`,
      ...call,
    })),
  ];
}

function usageOnWire(usage: RequestUsage): JsonObject {
  return {
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cached, cache_write_tokens: 0 },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  };
}
