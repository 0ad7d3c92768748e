/** Chat completions: the body of a request, and what a reply's body says. */

import type { ToolCall, ToolChoice } from "../core/call-settings.ts";
import { answerSchema } from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import { textOfMessage, type Message, type Part, type Request } from "../core/request.ts";
import { asRecord, recordsOf, textOf } from "./json-values.ts";
import type { ChatDialect } from "./openai-dialect.ts";
import { addressOf, fileNameOf, refuseAttachments } from "./openai-parts.ts";
import { spoken, toolCall, unusable, type Reading, type Unread } from "./openai-reading.ts";
import { unsupportedPart } from "./refusals.ts";

/** The endpoint every chat request of a batch goes to. */
export const CHAT_ENDPOINT = "/v1/chat/completions";

/** The members of a chat body that cap the answer's tokens. */
export const CHAT_CAPS: readonly string[] = ["max_completion_tokens", "max_tokens"];

/**
 * The body of a chat request. `params` go in last, so they win.
 *
 * A form with a schema is asked for in the host's strictest way. Source: the SDK's types.
 *
 * @throws {InputError} `part_unsupported` for what the host cannot be given.
 */
export function chatBody(request: Request, dialect: ChatDialect): Unread {
  const schema = answerSchema(request.form, dialect.schemas);
  const messages = request.messages.map((message) => chatMessage(message, dialect));
  const { key } = request.promptCache ?? {};
  return {
    model: request.model,
    messages:
      schema === null || dialect.structured === "json_schema"
        ? messages
        : withSchema(messages, schema),
    ...responseFormat(schema, dialect.structured),
    ...settingsFields(request, dialect),
    ...(key === undefined ? {} : { prompt_cache_key: key }),
    ...request.params,
  };
}

function responseFormat(schema: Json | null, structured: ChatDialect["structured"]): Unread {
  if (schema === null || structured === "prompt") return {};
  if (structured === "json_object") return { response_format: { type: "json_object" } };
  const strict = { name: "answer", strict: true, schema };
  return { response_format: { type: "json_schema", json_schema: strict } };
}

interface ChatMessage {
  readonly role: Message["role"];
  readonly content: string | readonly Unread[];
}

/** The messages with the schema told in the system message, which is made when there is none. */
function withSchema(messages: readonly ChatMessage[], schema: Json): readonly ChatMessage[] {
  const rule = `Answer with nothing but JSON that fits this JSON Schema: ${JSON.stringify(schema)}`;
  const [first, ...others] = messages;
  if (first?.role !== "system" || typeof first.content !== "string")
    return [{ role: "system", content: rule }, ...messages];
  return [{ role: "system", content: `${first.content}\n\n${rule}` }, ...others];
}

function settingsFields({ settings }: Request, dialect: ChatDialect): Unread {
  const { maxTokens, temperature, topP, seed, stop, reasoning, tools = [], toolChoice } = settings;
  return {
    ...(maxTokens === undefined ? {} : { [dialect.maxTokens]: maxTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
    ...(stop === undefined ? {} : { stop }),
    ...(reasoning === undefined ? {} : { reasoning_effort: reasoning }),
    ...(tools.length === 0
      ? {}
      : { tools: tools.map((tool) => ({ type: "function", function: tool })) }),
    ...(toolChoice === undefined ? {} : { tool_choice: choiceOf(toolChoice) }),
  };
}

function choiceOf(choice: ToolChoice): unknown {
  return typeof choice === "string"
    ? choice
    : { type: "function", function: { name: choice.tool } };
}

function chatMessage(message: Message, dialect: ChatDialect): ChatMessage {
  const { role, content } = message;
  if (typeof content === "string") return { role, content };
  if (role === "user") return { role, content: content.map((part) => chatPart(part, dialect)) };
  refuseAttachments(message, dialect.provider);
  return { role, content: textOfMessage(message) };
}

function chatPart(part: Part, { provider, images, files }: ChatDialect): Unread {
  if (part.type === "text") return { type: "text", text: part.text };
  if (part.type === "image") {
    if (!images) throw unsupportedPart(part, provider, "it reads no pictures in batches");
    return { type: "image_url", image_url: { url: addressOf(part, provider) } };
  }
  if (!files) throw unsupportedPart(part, provider, "it reads no files in batches");
  if ("url" in part)
    throw unsupportedPart(part, provider, "chat completions take a file only as its bytes");
  const file = { filename: fileNameOf(part.mediaType), file_data: addressOf(part, provider) };
  return { type: "file", file };
}

/** A chat body with one more message of the user's. */
export function withMessage(body: Unread, content: string): Unread {
  const messages: readonly unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
  return { ...body, messages: [...messages, { role: "user", content }] };
}

/** The answer in a chat completion, once finish reason and refusal have been looked at, in that order. */
export function readChat(body: Unread | null): Reading {
  const choices = body?.["choices"];
  const choice = asRecord(Array.isArray(choices) ? choices[0] : null);
  const message = asRecord(choice?.["message"]);
  const finish = textOf(choice?.["finish_reason"]);
  if (finish === "length")
    return unusable("truncated", "The answer was cut off at the output token limit.");
  if (finish === "content_filter")
    return unusable("refused", "The provider's content filter stopped it.");
  const refusal = textOf(message?.["refusal"]);
  if (refusal !== null && refusal !== "") return unusable("refused", refusal);
  return spoken(contentOf(message?.["content"]), callsOf(message?.["tool_calls"]));
}

/** A message's text: a string, or the text parts of a list, as some hosts write it; null when there is none. */
function contentOf(content: unknown): string | null {
  if (!Array.isArray(content)) return textOf(content);
  const texts = recordsOf(content).flatMap((part) => textOf(part["text"]) ?? []);
  return texts.length === 0 ? null : texts.join("");
}

function callsOf(calls: unknown): readonly ToolCall[] {
  return recordsOf(calls).flatMap((call) => {
    // A custom tool's input is free text, under names of its own.
    const wish = asRecord(call["function"]) ?? asRecord(call["custom"]);
    const name = textOf(wish?.["name"]);
    const written = textOf(wish?.["arguments"] ?? wish?.["input"]);
    return name === null ? [] : [toolCall(name, written ?? "")];
  });
}
