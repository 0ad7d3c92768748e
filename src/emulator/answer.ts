/** What the emulator says in place of a model: the shape of an answer, and three sources of answers. */
import type { JsonObject } from "./json.ts";

/** One model call to be answered. */
export interface AnswerRequest {
  /** The protocol path, such as `/v1/chat/completions` or `/v1/embeddings`. */
  readonly endpoint: string;
  /**
   * The request body as the client sent it. In Gemini's protocol and for `/v1/responses`, the body of
   * a chat completions request that asks the same: model, messages, tools, and what it says of length,
   * heat and schema.
   */
  readonly body: JsonObject;
  /** The id it travels under in a batch; null for a live call. */
  readonly customId: string | null;
  /** Fires when the emulator closes; an answer that comes later is thrown away. */
  readonly signal: AbortSignal;
}

/** Tokens an answer claims to have used. What is left out is estimated from the text. */
export interface AnswerUsage {
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
  readonly completionTokens?: number;
  readonly reasoningTokens?: number;
}

/** A call of a tool. */
export interface AnswerToolCall {
  readonly name: string;
  /** The arguments: an object, or a text that is sent as it stands where the protocol sends text. */
  readonly arguments: JsonObject | string;
}

/** An answer; every member is optional, and `{}` is an empty text that ended normally. */
export interface Answer {
  /** The assistant's text; null when there is none. */
  readonly content?: string | null;
  /** Why the text ended; `stop` when left out. */
  readonly finishReason?: "stop" | "length" | "content_filter";
  /** The calls the model wishes to make, in order; the text may stand beside them. */
  readonly toolCalls?: readonly AnswerToolCall[];
  /** The reason the model gives for refusing. The content is then sent as null. */
  readonly refusal?: string;
  readonly usage?: AnswerUsage;
  /** An HTTP failure in place of an answer; nothing is billed. */
  readonly error?: { readonly status: number; readonly body: unknown };
  /** One vector per input of an embeddings request, in order. Left out: vectors made from the text. */
  readonly embeddings?: readonly (readonly number[])[];
}

/**
 * Gives the answer to one request. What it throws becomes an HTTP 500 for that request.
 *
 * May be called for many requests at a time, and more than once for the same one.
 */
export type Answerer = (request: AnswerRequest) => Promise<Answer> | Answer;
