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

/** What tells requests of one spec apart. */
export interface RequestIdentity {
  /**
   * The identity of a request with these messages, 32 hexadecimal digits that depend on provider, model,
   * messages, settings, parameters, answer form and vote, and on nothing else (not the lane, the chunk, the
   * row or the time).
   */
  of(messages: readonly Message[]): string;
  /** What stands before the last message's content in the text whose hash is the identity, where that content is well-formed text. */
  start(before: readonly Message[], role: Message["role"]): string;
}

/** The identities of requests of one spec to one provider. */
export function requestIdentity(
  provider: string,
  { model, params, form, settings, vote }: RequestSpec,
): RequestIdentity {
  const asked = { provider, model, params, form, settings, vote };
  const spec = contentHash(canonicalJson(asked as unknown as Json));
  let before: readonly Message[] | null = null;
  let written = "";
  return {
    of: (messages) => {
      const last = messages.at(-1);
      if (last === undefined) return contentHash(`${spec}[]`);
      // Those before the last are written once as long as they stay the same.
      if (before === null || !beginsAlike(messages, before)) {
        before = messages.slice(0, -1);
        written = spec + canonicalJson(before as unknown as Json);
      }
      // What stands before the content ends where its first line does, so nothing in a text can forge it.
      return contentHash(`${written}${last.role} ${contentText(last)}`);
    },
    start: (first, role) => `${spec}${canonicalJson(first as unknown as Json)}${role} text\n`,
  };
}

/** A content that no other has: a text as it is, and whatever bytes would not keep apart as JSON. */
function contentText({ content }: Message): string {
  if (typeof content !== "string") return `parts\n${canonicalJson(content)}`;
  return content.isWellFormed() ? `text\n${content}` : `json\n${JSON.stringify(content)}`;
}

/** Whether all messages but the last are these, word for word; never for pictures and documents. */
export function beginsAlike(messages: readonly Message[], before: readonly Message[]): boolean {
  if (messages.length !== before.length + 1) return false;
  for (let at = 0; at < before.length; at += 1) {
    const [message, other] = [before[at], messages[at]];
    if (other === message) continue;
    if (typeof message?.content !== "string") return false;
    if (other?.content !== message.content || other.role !== message.role) return false;
  }
  return true;
}

/** The text of a message: its own, or that of its text parts, one after another. */
export function textOfMessage({ content }: Message): string {
  if (typeof content === "string") return content;
  return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
