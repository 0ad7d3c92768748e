/** The answerers that come with the emulator: echo, table and forward. */
import type { Answer, Answerer, AnswerRequest, AnswerToolCall } from "./answer.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { drawInteger } from "./random.ts";
import { schemaValue } from "./schema-value.ts";
import { drawnCall, toolDemanded } from "./tools-asked.ts";

/**
 * Answers with the last user message; when JSON is asked for by a schema, wherever the protocol puts
 * it or in the words of a system message, with values that satisfy it; when a tool must be called, with
 * a call whose arguments satisfy its schema.
 *
 * The values follow from `seed` and the message, so the same request always has the same answer.
 */
export function echo(options: { readonly seed?: number } = {}): Answerer {
  const seed = options.seed ?? 0;
  return (request) => {
    const text = lastUserText(request);
    const tool = toolDemanded(request.body);
    if (tool !== null) return { content: null, toolCalls: [drawnCall(tool, seed, text)] };
    const asked = schemaAsked(request.body) ?? schemaTold(request.body);
    if (asked === null) return { content: text };
    if (asked === "any") return { content: JSON.stringify({ echo: text }) };
    const value = schemaValue(asked.schema, drawInteger(seed, "schema", text));
    return { content: JSON.stringify(value) };
  };
}

/** The JSON Schema an answer must satisfy, wherever a protocol puts it; "any" for any object, null for text. */
function schemaAsked(body: JsonObject): { readonly schema: unknown } | "any" | null {
  const format = memberOf(body["response_format"]);
  if (format("type") === "json_object") return schemaTold(body) ?? "any";
  const wrapped = format("json_schema");
  if (format("type") === "json_schema" && isJsonObject(wrapped))
    return { schema: wrapped["schema"] };
  const config = memberOf(memberOf(body["output_config"])("format"));
  return config("type") === "json_schema" ? { schema: config("schema") } : null;
}

/** The JSON Schema that a system message holds in plain text, as clients tell it where nothing enforces one; null for none. */
function schemaTold(body: JsonObject): { readonly schema: unknown } | null {
  const messages: readonly unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
  for (const message of messages) {
    if (memberOf(message)("role") !== "system") continue;
    const text = textOfContent(memberOf(message)("content"));
    const named = text.search(/json schema/i);
    const start = text.indexOf("{", named);
    const schema =
      named < 0 || start < 0 ? null : parseJson(text.slice(start, text.lastIndexOf("}") + 1));
    if (isJsonObject(schema)) return { schema };
  }
  return null;
}

/** Reads members of what may not be an object. */
function memberOf(value: unknown): (name: string) => unknown {
  return (name) => (isJsonObject(value) ? value[name] : undefined);
}

/** What a table holds for a message: the text of the answer, or a whole answer. */
export type TableEntry = string | Answer;

/**
 * Answers from a table keyed by the text of the last user message, or from a function of that text.
 *
 * A message the table does not hold is answered by `otherwise`, which is `echo()` when left out.
 */
export function table(
  entries:
    | ReadonlyMap<string, TableEntry>
    | Readonly<Record<string, TableEntry>>
    | ((text: string) => TableEntry | undefined),
  otherwise: Answerer = echo(),
): Answerer {
  const find = finder(entries);
  return (request) => {
    const entry = find(lastUserText(request));
    if (entry === undefined) return otherwise(request);
    return typeof entry === "string" ? { content: entry } : entry;
  };
}

function finder(entries: Parameters<typeof table>[0]): (text: string) => TableEntry | undefined {
  if (typeof entries === "function") return entries;
  const map = entries instanceof Map ? entries : new Map(Object.entries(entries));
  return (text) => map.get(text) as TableEntry | undefined;
}

/** How `forward` reaches the service behind it. */
export interface ForwardOptions {
  /** Sent as a bearer token; nothing is sent when left out. */
  readonly apiKey?: string;
}

/**
 * Answers by asking a chat completions service, such as a model server on the same machine.
 *
 * `chatCompletionsUrl` is its full URL. Embeddings go to the sibling `/embeddings` of that URL. An
 * HTTP error of the service becomes the row's error. The service may charge for every call.
 */
export function forward(chatCompletionsUrl: string, options: ForwardOptions = {}): Answerer {
  const embeddingsUrl = chatCompletionsUrl.replace(/\/chat\/completions\/?$/, "/embeddings");
  return async ({ endpoint, body, signal }) => {
    const embedding = /(?:\/embeddings|:embedContent)$/.test(endpoint);
    const response = await fetch(embedding ? embeddingsUrl : chatCompletionsUrl, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
      },
      body: JSON.stringify(embedding ? { ...body, encoding_format: "float" } : body),
      signal,
    });
    const text = await response.text();
    const parsed = parseJson(text);
    if (!response.ok || !isJsonObject(parsed)) {
      const status = response.ok ? 502 : response.status;
      return { error: { status, body: parsed ?? { error: { message: text.slice(0, 500) } } } };
    }
    return embedding ? embeddingAnswer(parsed) : chatAnswer(parsed);
  };
}

function chatAnswer(reply: Readonly<Record<string, unknown>>): Answer {
  const choice: unknown = Array.isArray(reply["choices"]) ? reply["choices"][0] : undefined;
  const message = isJsonObject(choice) ? choice["message"] : undefined;
  const content = isJsonObject(message) ? message["content"] : null;
  const refusal = isJsonObject(message) ? message["refusal"] : null;
  const reason = isJsonObject(choice) ? choice["finish_reason"] : null;
  const calls = isJsonObject(message) ? callsIn(message["tool_calls"]) : [];
  return {
    content: typeof content === "string" ? content : null,
    ...(calls.length === 0 ? {} : { toolCalls: calls }),
    finishReason: reason === "length" || reason === "content_filter" ? reason : "stop",
    ...(typeof refusal === "string" ? { refusal } : {}),
    ...usageOf(reply["usage"]),
  };
}

function callsIn(calls: unknown): readonly AnswerToolCall[] {
  const list: readonly unknown[] = Array.isArray(calls) ? calls : [];
  return list.flatMap((call) => {
    const { name, arguments: written } = Object(memberOf(call)("function")) as JsonObject;
    return typeof name === "string" ? [{ name, arguments: String(written) }] : [];
  });
}

function embeddingAnswer(reply: Readonly<Record<string, unknown>>): Answer {
  const data: readonly unknown[] = Array.isArray(reply["data"]) ? reply["data"] : [];
  const embeddings = data.map((item) => {
    const vector: unknown = isJsonObject(item) ? item["embedding"] : undefined;
    return Array.isArray(vector) ? vector.map(Number) : [];
  });
  return { embeddings, ...usageOf(reply["usage"]) };
}

function usageOf(usage: unknown): Pick<Answer, "usage"> {
  if (!isJsonObject(usage)) return {};
  const { prompt_tokens: prompt, completion_tokens: completion } = usage;
  return {
    usage: {
      ...(typeof prompt === "number" ? { promptTokens: prompt } : {}),
      ...(typeof completion === "number" ? { completionTokens: completion } : {}),
    },
  };
}

/** The text of the last user message, or of an embeddings input; empty when there is none. */
export function lastUserText(request: Pick<AnswerRequest, "body">): string {
  const messages = request.body["messages"];
  if (!Array.isArray(messages)) {
    const input = request.body["input"];
    return typeof input === "string" ? input : JSON.stringify(input ?? "");
  }
  const last: unknown = messages.findLast(
    (message: unknown) => isJsonObject(message) && message["role"] === "user",
  );
  return isJsonObject(last) ? textOfContent(last["content"]) : "";
}

/** The text of a message's content, whether it is a string or a list of parts. */
export function textOfContent(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) =>
      isJsonObject(part) && typeof part["text"] === "string" ? part["text"] : "",
    )
    .join("");
}
