/** Request bodies of OpenAI's protocol in the words of node-llama-cpp, and its answers as reply bodies. Pure. */

import type { LlamaGenerating, LlamaTurn } from "./gguf-package.ts";
import { asRecord, numberOf, textOf } from "./json-values.ts";
import type { Answered } from "./live-replies.ts";

type Body = Readonly<Record<string, unknown>>;

/** Fields of a request body that say how an answer is to be written; there are no others. */
export const GGUF_PARAMS: ReadonlySet<string> = new Set([
  "max_tokens",
  "max_completion_tokens",
  "temperature",
  "top_p",
  "top_k",
  "min_p",
  "seed",
  "stop",
]);

/**
 * The conversation with room for the answer at its end; null unless it holds texts alone and ends with
 * the user's. No system message is made up where there is none.
 */
export function turnsOf(messages: unknown): readonly LlamaTurn[] | null {
  const list: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const turns = list.map(turnOf);
  if (turns.at(-1)?.type !== "user" || turns.includes(null)) return null;
  return [...turns.filter((turn) => turn !== null), { type: "model", response: [] }];
}

function turnOf(message: unknown): LlamaTurn | null {
  const record = asRecord(message);
  const text = contentOf(record?.["content"]);
  const role = textOf(record?.["role"]);
  if (text === null) return null;
  if (role === "assistant") return { type: "model", response: [text] };
  if (role === "user") return { type: "user", text };
  return role === "system" || role === "developer" ? { type: "system", text } : null;
}

function contentOf(content: unknown): string | null {
  if (!Array.isArray(content)) return textOf(content);
  const texts = content.map((part) => textOf(asRecord(part)?.["text"]));
  return texts.includes(null) ? null : texts.join("");
}

/** How the answer to a body is to be written, in no more tokens than there is room for. */
export function generatingOf(body: Body, room: number): Omit<LlamaGenerating, "signal"> {
  const number = (name: string): number | undefined => numberOf(body[name]) ?? undefined;
  const cap = number("max_completion_tokens") ?? number("max_tokens") ?? room;
  const stop = [body["stop"] ?? []].flat().filter((text) => typeof text === "string");
  const given = {
    temperature: number("temperature"),
    topP: number("top_p"),
    topK: number("top_k"),
    minP: number("min_p"),
    seed: number("seed"),
  };
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    maxTokens: Math.min(cap, room),
    ...Object.fromEntries(set),
    ...(stop.length === 0 ? {} : { customStopTriggers: stop }),
  };
}

/** Tokens of one answer. */
export interface Counted {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** What the model wrote, as a chat completion; an answer that ran out of tokens ends with `length`. */
export function chatReply(said: {
  readonly name: string;
  readonly text: string;
  readonly stopReason: string;
  readonly counted: Counted;
}): Answered {
  const { promptTokens, completionTokens } = said.counted;
  const message = { role: "assistant", content: said.text, refusal: null };
  const finish_reason = said.stopReason === "maxTokens" ? "length" : "stop";
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
  const choices = [{ index: 0, message, finish_reason }];
  const body = { object: "chat.completion", model: said.name, choices, usage };
  return { status: 200, requestId: null, body };
}

/** A vector, as the reply to an embeddings request. */
export function embeddingReply(made: {
  readonly name: string;
  readonly vector: readonly number[];
  readonly tokens: number;
}): Answered {
  const data = [{ object: "embedding", index: 0, embedding: made.vector }];
  const usage = { prompt_tokens: made.tokens, total_tokens: made.tokens };
  const body = { object: "list", model: made.name, data, usage };
  return { status: 200, requestId: null, body };
}
