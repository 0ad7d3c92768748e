/** A request: one model call, known by its content. */

import type { AnswerForm } from "./form.ts";
import { canonicalJson, contentHash, type Json } from "./hash.ts";

/** One turn of the conversation a model is given. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** Extra fields for the provider's request body (`temperature`, `max_completion_tokens`, …), passed on as they are. */
export type Params = Readonly<Record<string, Json>>;

/** What a template makes of one row. */
export interface Prompt {
  readonly messages: readonly Message[];
  /** The cell texts inside the prompt, for models that read texts and no instructions. Not part of the identity. */
  readonly cells: readonly string[];
}

/** What all requests of a run share. */
export interface RequestSpec {
  /** The model's name at its provider, without the provider's own name. */
  readonly model: string;
  readonly params: Params;
  readonly form: AnswerForm;
}

/** One model call. */
export interface Request extends RequestSpec, Prompt {}

/**
 * The identity of a request: 32 hexadecimal digits that depend on provider, model, messages,
 * parameters and answer form, and on nothing else (not the lane, the chunk, the row or the time).
 */
export function requestId(provider: string, request: Request): string {
  const { model, messages, params, form } = request;
  return contentHash(canonicalJson({ provider, model, messages, params, form } as unknown as Json));
}
