/** The Responses API: the body of a request, and what a reply's body says. */

import type { ToolCall, ToolChoice } from "../core/call-settings.ts";
import { answerSchema } from "../core/form.ts";
import { textOfMessage, type Message, type Part, type Request } from "../core/request.ts";
import { asRecord, recordsOf, textOf } from "./json-values.ts";
import type { ChatDialect } from "./openai-dialect.ts";
import { addressOf, fileNameOf, refuseAttachments } from "./openai-parts.ts";
import { spoken, toolCall, unusable, type Reading, type Unread } from "./openai-reading.ts";

/** The endpoint every request of a batch of responses goes to. */
export const RESPONSES_ENDPOINT = "/v1/responses";

/** The member of the body that caps the answer's tokens, those of its reasoning included. */
export const RESPONSES_CAPS: readonly string[] = ["max_output_tokens"];

/**
 * The body of a request for a response. System messages become the instructions, the others input
 * items. `params` go in last, so they win. Source: the SDK's types.
 *
 * @throws {InputError} `part_unsupported` for what the host cannot be given.
 */
export function responsesBody(request: Request, { provider, schemas }: ChatDialect): Unread {
  const system = request.messages.filter(({ role }) => role === "system");
  for (const message of system) refuseAttachments(message, provider);
  const schema = answerSchema(request.form, schemas);
  const { key } = request.promptCache ?? {};
  return {
    model: request.model,
    ...(system.length === 0 ? {} : { instructions: system.map(textOfMessage).join("\n\n") }),
    input: request.messages
      .filter(({ role }) => role !== "system")
      .map((message) => inputItem(message, provider)),
    ...(schema === null
      ? {}
      : { text: { format: { type: "json_schema", name: "answer", strict: true, schema } } }),
    ...settingsFields(request),
    ...(key === undefined ? {} : { prompt_cache_key: key }),
    ...request.params,
  };
}

function settingsFields({ settings }: Request): Unread {
  const { maxTokens, temperature, topP, reasoning, tools = [], toolChoice } = settings;
  return {
    ...(maxTokens === undefined ? {} : { max_output_tokens: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(reasoning === undefined ? {} : { reasoning: { effort: reasoning } }),
    // A tool is strict here unless told otherwise, and strict mode refuses most schemas people write.
    ...(tools.length === 0
      ? {}
      : { tools: tools.map((tool) => ({ type: "function", ...tool, strict: false })) }),
    ...(toolChoice === undefined ? {} : { tool_choice: choiceOf(toolChoice) }),
  };
}

function choiceOf(choice: ToolChoice): unknown {
  return typeof choice === "string" ? choice : { type: "function", name: choice.tool };
}

function inputItem(message: Message, provider: string): Unread {
  const { role, content } = message;
  if (typeof content === "string") return { role, content };
  if (role === "user") return { role, content: content.map((part) => inputPart(part, provider)) };
  refuseAttachments(message, provider);
  return { role, content: textOfMessage(message) };
}

function inputPart(part: Part, provider: string): Unread {
  if (part.type === "text") return { type: "input_text", text: part.text };
  const address = addressOf(part, provider);
  if (part.type === "image") return { type: "input_image", detail: "auto", image_url: address };
  if ("url" in part) return { type: "input_file", file_url: address };
  return { type: "input_file", filename: fileNameOf(part.mediaType), file_data: address };
}

/** A body with one more message of the user's. */
export function withInput(body: Unread, content: string): Unread {
  const { input } = body;
  // Files made elsewhere may give the whole input as one text.
  const items: readonly unknown[] = Array.isArray(input)
    ? input
    : [{ role: "user", content: textOf(input) ?? "" }];
  return { ...body, input: [...items, { role: "user", content }] };
}

/** The answer in a response: its status first, then refusals, then what was said and wished. */
export function readResponse(body: Unread): Reading {
  const ended = statusReading(body);
  if (ended !== null) return ended;
  const output = recordsOf(body["output"]);
  const parts = output.flatMap(partsOf);
  const refusal = parts.flatMap((part) => textOf(part["refusal"]) ?? [])[0];
  if (refusal !== undefined) return unusable("refused", refusal);
  const texts = parts.flatMap((part) => textOf(part["text"]) ?? []);
  return spoken(texts.length === 0 ? null : texts.join(""), output.flatMap(callOf));
}

function statusReading(body: Unread): Reading | null {
  const status = textOf(body["status"]) ?? "completed";
  if (status === "completed") return null;
  if (status === "failed") return failedReading(asRecord(body["error"]));
  if (status !== "incomplete") {
    const code = status === "cancelled" ? "cancelled" : "provider_error";
    return { failure: { code, message: `The response was left ${status}.`, retryable: true } };
  }
  const reason = textOf(asRecord(body["incomplete_details"])?.["reason"]) ?? "unknown";
  if (reason === "content_filter")
    return unusable("refused", "The provider's content filter stopped it.");
  return reason === "max_output_tokens"
    ? unusable("truncated", "The answer was cut off at the output token limit.")
    : unusable("invalid_output", `The answer is incomplete: ${reason}.`);
}

/** A response that failed on its way; the codes are those of the SDK's type ResponseError. */
function failedReading(error: Unread | null): Reading {
  const code = textOf(error?.["code"]) ?? "server_error";
  const message = `${code}: ${textOf(error?.["message"]) ?? "no message"}`;
  if (code === "rate_limit_exceeded")
    return { failure: { code: "rate_limited", message, retryable: true } };
  if (code === "server_error" || code.endsWith("_timeout"))
    return { failure: { code: "provider_error", message, retryable: true } };
  return unusable(code.includes("policy") ? "refused" : "invalid_input", message);
}

/** The parts of what was said to the user; a commentary on the way is no part of the answer. */
function partsOf(item: Unread): readonly Unread[] {
  const isAnswer = item["type"] === "message" && item["phase"] !== "commentary";
  return isAnswer ? recordsOf(item["content"]) : [];
}

function callOf(item: Unread): readonly ToolCall[] {
  const name = textOf(item["name"]);
  const isCall = item["type"] === "function_call" || item["type"] === "custom_tool_call";
  if (!isCall || name === null) return [];
  return [toolCall(name, textOf(item["arguments"] ?? item["input"]) ?? "")];
}
