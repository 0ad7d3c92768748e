/** Messages as Anthropic's system blocks and turns. */

import type { Attachment } from "../core/attachment.ts";
import type { PromptCache } from "../core/call-settings.ts";
import type { Message, Part } from "../core/request.ts";
import { cacheMark, markedLast, type Block } from "./anthropic-cache.ts";
import { firstAttachment, unsupportedPart } from "./refusals.ts";

/** One turn of the conversation; two in a row never have the same role. */
export interface Turn {
  readonly role: string;
  readonly content: string | readonly Block[];
}

/**
 * The `system` blocks, one per system message, and the turns of a conversation. Messages in a row by
 * the same side become one turn, as the API itself would make of them. Marks for the prompt cache go
 * onto the last system block and the last block of each of the last user messages.
 *
 * @throws {InputError} `part_unsupported` for what the API cannot be given.
 */
export function conversationOf(
  messages: readonly Message[],
  cache: PromptCache | null,
): { readonly system: readonly Block[]; readonly turns: readonly Turn[] } {
  const mark = cacheMark(cache);
  const system = messages.filter(({ role }) => role === "system").flatMap(blocksOf);
  const rest = messages.filter(({ role }) => role !== "system");
  let unmarkedUsers =
    rest.filter(({ role }) => role === "user").length - (cache?.lastUserMessages ?? 0);
  let turns: readonly Turn[] = [];
  for (const message of rest) {
    if (message.role === "user") unmarkedUsers -= 1;
    const isMarked = message.role === "user" && unmarkedUsers < 0 && mark !== null;
    const isPlain = typeof message.content === "string" && !isMarked;
    const blocks = blocksOf(message);
    const content = isPlain ? message.content : isMarked ? markedLast(blocks, mark) : blocks;
    turns = withTurn(turns, { role: message.role, content });
  }
  return { system: cache?.system === true ? markedLast(system, mark) : system, turns };
}

/** The turns with one more; one of the same role as the last becomes part of it. */
export function withTurn(turns: readonly Turn[], turn: Turn): readonly Turn[] {
  const last = turns.at(-1);
  if (last?.role !== turn.role) return [...turns, turn];
  const content = [...asBlocks(last.content), ...asBlocks(turn.content)];
  return [...turns.slice(0, -1), { role: turn.role, content }];
}

function asBlocks(content: Turn["content"]): readonly Block[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

function blocksOf(message: Message): readonly Block[] {
  if (message.role !== "user") {
    const part = firstAttachment([message]);
    if (part !== undefined)
      throw refused(part, `messages of the role ${message.role} hold text only`);
  }
  const { content } = message;
  return typeof content === "string" ? asBlocks(content) : content.map(blockOf);
}

function blockOf(part: Part): Block {
  if (part.type === "text") return { type: "text", text: part.text };
  if (!("url" in part))
    return part.type === "image" ? imageOf(part, part.data) : documentOf(part, part.data);
  if (!/^https?:/i.test(part.url)) throw refused(part, "it fetches http and https addresses only");
  return {
    type: part.type === "image" ? "image" : "document",
    source: { type: "url", url: part.url },
  };
}

type Bytes = Extract<Attachment, { readonly data: string }>;

// Source: the SDK's types.
const IMAGES = new Set(["image/jpeg", "image/png", "image/gif", "image/webp"]);

function imageOf(part: Bytes, data: string): Block {
  if (!IMAGES.has(part.mediaType)) throw refused(part, "it reads JPEG, PNG, GIF and WebP");
  return { type: "image", source: { type: "base64", media_type: part.mediaType, data } };
}

/** A PDF as bytes; text of any kind as plain text, the only kind the API has. */
function documentOf(part: Bytes, data: string): Block {
  if (part.mediaType === "application/pdf")
    return { type: "document", source: { type: "base64", media_type: part.mediaType, data } };
  if (!part.mediaType.startsWith("text/")) throw refused(part, "it reads PDF and text");
  const text = Buffer.from(data, "base64").toString("utf8");
  return { type: "document", source: { type: "text", media_type: "text/plain", data: text } };
}

function refused(part: Attachment, why: string): Error {
  return unsupportedPart(part, "anthropic", why);
}
