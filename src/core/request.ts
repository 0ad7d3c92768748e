/** A request: one model call, known by its content. */

import type { CallSettings, PromptCache } from "./call-settings.ts";
import type { AnswerForm } from "./form.ts";
import { canonicalJson, contentHash, type Json } from "./hash.ts";

/** A piece of a message: text, or a picture or document by address or as bytes in base64. */
export type Part =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image" | "file"; readonly url: string }
  | {
      readonly type: "image" | "file";
      /** The bytes in base64, without a `data:` prefix. */
      readonly data: string;
      /** Such as `image/png` or `application/pdf`. */
      readonly mediaType: string;
    };

/** One turn of the conversation a model is given. */
export interface Message {
  readonly role: "system" | "user" | "assistant";
  readonly content: string | readonly Part[];
}

/** Extra fields for the provider's request body (`temperature`, `max_completion_tokens`, …), passed on as they are. */
export type Params = Readonly<Record<string, Json>>;

/** What a template makes of one row. */
export interface Prompt {
  readonly messages: readonly Message[];
  /** The cell texts inside the prompt, for models that read texts and no instructions. Not part of the identity. */
  readonly cells: readonly string[];
  /** Whether one of those texts is only the beginning of its cell; left out where none is. Not part of the identity. */
  readonly isCut?: boolean;
}

/** What all requests of a run share. */
export interface RequestSpec {
  /** The model's name at its provider, without the provider's own name. */
  readonly model: string;
  readonly params: Params;
  readonly form: AnswerForm;
  readonly settings: CallSettings;
  /** Not part of the identity: the answer does not depend on it. */
  readonly promptCache: PromptCache | null;
  /** Which of several votes on the same question this is: part of the identity alone, never sent. */
  readonly vote?: number;
}

/** One model call. */
export interface Request extends RequestSpec, Prompt {}

/**
 * The identity of a request: 32 hexadecimal digits that depend on provider, model, messages, settings,
 * parameters, answer form and vote, and on nothing else (not the lane, the chunk, the row or the time).
 */
export function requestId(provider: string, request: Request): string {
  const { model, messages, params, form, settings, vote } = request;
  return contentHash(
    canonicalJson({ provider, model, messages, params, form, settings, vote } as unknown as Json),
  );
}

/** The text of a message: its own, or that of its text parts, one after another. */
export function textOfMessage({ content }: Message): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
