/** Gemini's embedding requests: one text, one vector. Replies are read in google-replies.ts. */

import type { JsonObject } from "../core/hash.ts";
import { textOfMessage, type Request, type RequestSpec } from "../core/request.ts";
import { firstAttachment, unsupportedPart, unsupportedSetting } from "./refusals.ts";

/**
 * An EmbedContentRequest: `{content, outputDimensionality}` and the params (`taskType`, `title`, …),
 * which go in last, so they win. The texts of all messages are one content with a part each. A vector
 * shortened by `outputDimensionality` is not of length 1.
 *
 * @throws {InputError} `part_unsupported` for pictures and documents: the batches embed text only.
 */
export function embedRequest({ messages, form, params }: Request, provider: string): JsonObject {
  const attached = firstAttachment(messages);
  if (attached !== undefined)
    throw unsupportedPart(attached, provider, "its batches embed text only");
  const dimensions = form.kind === "embedding" ? form.dimensions : null;
  return {
    content: { parts: messages.map((message) => ({ text: textOfMessage(message) })) },
    ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
    ...params,
  };
}

/**
 * Refuses settings that have no meaning for a vector.
 *
 * @throws {InputError} `setting_unsupported`; nothing was sent.
 */
export function checkEmbedding(
  { settings, promptCache, model }: RequestSpec,
  provider: string,
): void {
  const cache = Object.keys(promptCache ?? {}).map((name) => `promptCache.${name}`);
  const [name] = [...Object.keys(settings), ...cache];
  if (name !== undefined) throw unsupportedSetting(name, provider, `${model} makes vectors`);
}
