/** What is wrong with a request for a response. */
import { isJsonObject, type JsonObject } from "./json.ts";
import { refusalOfChat } from "./openai-chat.ts";
import { missing } from "./openai-chat-messages.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { chatFormOf } from "./openai-responses-form.ts";

// Source: the members of ResponseCreateParams in the official client.
const KNOWN = new Set(
  (
    "background context_management conversation include input instructions max_output_tokens " +
    "max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt " +
    "prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier " +
    "service_tier store stream stream_options temperature text tool_choice tools top_logprobs top_p " +
    "truncation user"
  ).split(" "),
);

const MOVED: ReadonlyMap<string, string> = new Map([
  ["messages", "input"],
  ["max_tokens", "max_output_tokens"],
  ["max_completion_tokens", "max_output_tokens"],
  ["response_format", "text.format"],
  ["reasoning_effort", "reasoning.effort"],
]);

const LEAST_OUTPUT_TOKENS = 16;

/** Why a request for a response is refused, however long it is, or null. */
export function refusalOfResponse(body: JsonObject): OpenAiFailure | null {
  return (
    refusalOfNames(body) ??
    (body["input"] === undefined ? missing("input") : null) ??
    refusalOfCap(body["max_output_tokens"]) ??
    refusalOfParts(body["input"]) ??
    inItsWords(refusalOfChat(chatFormOf({ ...body, instructions: undefined })))
  );
}

function refusalOfNames(body: JsonObject): OpenAiFailure | null {
  const odd = Object.keys(body).find((name) => !KNOWN.has(name));
  if (odd === undefined) return null;
  const moved = MOVED.get(odd);
  if (moved === undefined)
    return badRequest(`Unknown parameter: '${odd}'.`, odd, "unknown_parameter");
  const message = `Unsupported parameter: '${odd}'. In the Responses API, this parameter has moved to '${moved}'.`;
  return badRequest(message, odd, "unsupported_parameter");
}

function refusalOfCap(most: unknown): OpenAiFailure | null {
  if (typeof most !== "number" || most >= LEAST_OUTPUT_TOKENS) return null;
  const message = `Invalid 'max_output_tokens': integer below minimum value. Expected a value >= ${String(LEAST_OUTPUT_TOKENS)}, but got ${String(most)} instead.`;
  return badRequest(message, "max_output_tokens", "integer_below_min_value");
}

/** Parts of chat messages are not known here by their names. */
function refusalOfParts(input: unknown): OpenAiFailure | null {
  const items: readonly unknown[] = Array.isArray(input) ? input : [];
  for (const [at, item] of items.entries()) {
    const content = isJsonObject(item) ? item["content"] : undefined;
    const parts: readonly unknown[] = Array.isArray(content) ? content : [];
    const odd = parts.findIndex((part) => !isJsonObject(part) || !PARTS.has(String(part["type"])));
    if (odd < 0) continue;
    const where = `input[${String(at)}].content[${String(odd)}]`;
    const part = parts[odd];
    const type = isJsonObject(part) ? String(part["type"]) : "";
    const known = [...PARTS].map((one) => `'${one}'`).join(", ");
    const message = `Invalid value: '${type}'. Supported values are: ${known}.`;
    return badRequest(message, where, "invalid_value");
  }
  return null;
}

const PARTS = new Set(["input_text", "input_image", "input_file", "output_text", "refusal"]);

const NAMES: readonly (readonly [chat: string, here: string])[] = [
  ["messages", "input"],
  ["max_completion_tokens", "max_output_tokens"],
  ["response_format.json_schema", "text.format"],
  ["response_format", "text.format"],
  ["reasoning_effort", "reasoning.effort"],
  [".function.", "."],
];

function inItsWords(failure: OpenAiFailure | null): OpenAiFailure | null {
  if (failure === null) return null;
  const said = (text: string): string =>
    NAMES.reduce((words, [chat, here]) => words.replaceAll(chat, here), text);
  const { message, param, ...rest } = failure.error;
  const error = { ...rest, message: said(message), param: param === null ? null : said(param) };
  return { ...failure, error };
}
