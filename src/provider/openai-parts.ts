/** Pictures and documents in the words of OpenAI's protocol. */

import type { Attachment } from "../core/attachment.ts";
import type { Message } from "../core/request.ts";
import { firstAttachment, unsupportedPart } from "./refusals.ts";

/**
 * The address of an attachment: its own, or a `data:` address that holds its bytes.
 *
 * @throws {InputError} `part_unsupported` for a bucket's address, which these hosts cannot fetch.
 */
export function addressOf(part: Attachment, provider: string): string {
  if (!("url" in part)) return `data:${part.mediaType};base64,${part.data}`;
  if (/^https?:/i.test(part.url)) return part.url;
  throw unsupportedPart(part, provider, "it fetches http and https addresses only");
}

const EXTENSIONS: Readonly<Record<string, string>> = { "text/plain": "txt", "text/markdown": "md" };

/** A file name for bytes that have none: hosts want one, and tell the type by its ending. */
export function fileNameOf(mediaType: string): string {
  const [, subtype = "bin"] = mediaType.split("/");
  return `file.${EXTENSIONS[mediaType] ?? subtype}`;
}

/**
 * Refuses attachments in turns that take none: only what the user says may hold them.
 *
 * @throws {InputError} `part_unsupported`; nothing was sent.
 */
export function refuseAttachments(message: Message, provider: string): void {
  const part = firstAttachment([message]);
  if (part !== undefined)
    throw unsupportedPart(part, provider, `messages of the role ${message.role} hold text only`);
}
