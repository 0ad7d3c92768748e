/** Messages as Gemini's contents: what stands in a part. */

import type { Json, JsonObject } from "../core/hash.ts";
import type { Message, Part } from "../core/request.ts";
import { firstAttachment, unsupportedPart } from "./refusals.ts";

/**
 * A message's content as the parts of a Gemini content: `text`, `inlineData` for bytes, `fileData`
 * for `https:` and `gs:` addresses. The type of a file behind an address is told by its ending and
 * left out where that says nothing.
 *
 * @throws {InputError} `part_unsupported` for other addresses, in the words of `provider`.
 */
export function partsOf({ content }: Message, provider: string): readonly JsonObject[] {
  if (typeof content === "string") return [{ text: content }];
  return content.map((part) => partOf(part, provider));
}

function partOf(part: Part, provider: string): JsonObject {
  if (part.type === "text") return { text: part.text };
  if ("data" in part) return { inlineData: { mimeType: part.mediaType, data: part.data } };
  if (!/^(?:https|gs):/i.test(part.url))
    throw unsupportedPart(part, provider, "it reads https and gs addresses only");
  const mimeType = mediaTypeOf(part.url);
  return { fileData: { ...(mimeType === null ? {} : { mimeType }), fileUri: part.url } };
}

// What Gemini reads. Source: its guides to images, documents, audio and video.
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  heic: "image/heic",
  heif: "image/heif",
  gif: "image/gif",
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  html: "text/html",
  csv: "text/csv",
  json: "application/json",
  mp3: "audio/mp3",
  wav: "audio/wav",
  mp4: "video/mp4",
};

function mediaTypeOf(url: string): string | null {
  const path = url.replace(/[?#].*$/s, "");
  const ending = /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return MEDIA_TYPES[ending] ?? null;
}

/**
 * The members that system messages and turns make, in their order.
 *
 * @throws {InputError} `part_unsupported`; the system's instruction is text only.
 */
export function conversation(
  messages: readonly Message[],
  provider: string,
): { readonly contents: readonly Json[]; readonly systemInstruction?: Json } {
  const system = messages.filter(({ role }) => role === "system");
  const attached = firstAttachment(system);
  if (attached !== undefined)
    throw unsupportedPart(attached, provider, "system messages hold text only");
  const turns = messages.filter(({ role }) => role !== "system");
  const contents = turns.map((message) => ({
    role: message.role === "assistant" ? "model" : "user",
    parts: partsOf(message, provider),
  }));
  if (system.length === 0) return { contents };
  const parts = system.flatMap((message) => partsOf(message, provider));
  return { contents, systemInstruction: { parts } };
}
