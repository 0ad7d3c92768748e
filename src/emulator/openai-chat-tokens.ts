/** The estimated tokens of a chat request. */
import { textOfContent } from "./answerers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { tokensOf } from "./tokens.ts";

const IMAGE_TOKENS = 85;

/** The estimated tokens of the messages: a few for each, a picture's fixed price, and those of the texts. */
export function promptTokens(body: JsonObject): number {
  const messages: readonly unknown[] = Array.isArray(body["messages"]) ? body["messages"] : [];
  const tokens = messages.map((message) =>
    isJsonObject(message) ? 4 + contentTokens(message["content"]) : 4,
  );
  return 3 + tokens.reduce((sum, one) => sum + one, 0);
}

function contentTokens(content: unknown): number {
  const parts: readonly unknown[] = Array.isArray(content) ? content : [];
  const images = parts.filter((part) => isJsonObject(part) && part["type"] === "image_url");
  return tokensOf(textOfContent(content)) + IMAGE_TOKENS * images.length;
}

/** The most tokens the answer may have; Infinity when the body does not say. */
export function maxTokensOf(body: JsonObject): number {
  const given = body["max_completion_tokens"] ?? body["max_tokens"];
  return typeof given === "number" ? given : Infinity;
}
