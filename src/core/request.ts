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
 * What tells requests of one spec apart: gives the identity of one with these messages, 32 hexadecimal
 * digits that depend on provider, model, messages, settings, parameters, answer form and vote, and on
 * nothing else (not the lane, the chunk, the row or the time).
 */
export function requestIdentity(
  provider: string,
  { model, params, form, settings, vote }: RequestSpec,
): (messages: readonly Message[]) => string {
  const asked = { provider, model, params, form, settings, vote };
  const spec = contentHash(canonicalJson(asked as unknown as Json));
  const canonical = canonicalMessages();
  return (messages) => contentHash(spec + canonical(messages));
}

/** Canonical JSON of messages; those before the last are written once as long as they stay the same. */
function canonicalMessages(): (messages: readonly Message[]) => string {
  let before: readonly Message[] = [];
  let written = "[";
  return (messages) => {
    const last = messages.at(-1);
    if (last === undefined) return "[]";
    if (!beginsAlike(messages, before)) {
      before = messages.slice(0, -1);
      written = `[${before.map((message) => `${canonicalMessage(message)},`).join("")}`;
    }
    return `${written}${canonicalMessage(last)}]`;
  };
}

function canonicalMessage({ role, content }: Message): string {
  const text = typeof content === "string" ? JSON.stringify(content) : canonicalJson(content);
  return `{"content":${text},"role":"${role}"}`;
}

/** Whether all messages but the last are these, word for word; never for pictures and documents. */
export function beginsAlike(messages: readonly Message[], before: readonly Message[]): boolean {
  if (messages.length !== before.length + 1) return false;
  return before.every((message, at) => {
    const other = messages[at];
    if (other === message) return true;
    const isText = typeof message.content === "string";
    return isText && other?.content === message.content && other.role === message.role;
  });
}

/** The text of a message: its own, or that of its text parts, one after another. */
export function textOfMessage({ content }: Message): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
