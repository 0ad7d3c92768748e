/** Content blocks of the Messages API: which are permitted where, and how many tokens they come to. */
import { badRequest, type AnthropicFailure } from "./anthropic-errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { tokensOf } from "./tokens.ts";

// A picture of about a megapixel, and a page of a document. Source: Anthropic's guides to vision and PDFs.
const IMAGE_TOKENS = 1300;
const PAGE_TOKENS = 2000;

/** The blocks of a content, whether it is a text or a list. */
export function blocksOf(content: unknown): readonly JsonObject[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return Array.isArray(content) ? content.filter(isJsonObject) : [];
}

/** The estimated tokens of a content. Pictures and documents count alike, whatever is in them. */
export function contentTokens(content: unknown): number {
  return blocksOf(content).reduce((sum, block) => sum + blockTokens(block), 0);
}

/** The estimated tokens of one block. */
export function blockTokens(block: JsonObject): number {
  const { type, text, source } = block;
  if (type === "text") return tokensOf(typeof text === "string" ? text : "");
  if (type === "image") return IMAGE_TOKENS;
  if (type !== "document") return tokensOf(JSON.stringify({ ...block, cache_control: undefined }));
  const data = isJsonObject(source) && source["type"] === "text" ? source["data"] : null;
  return typeof data === "string" ? tokensOf(data) : PAGE_TOKENS;
}

const TAGS = [
  ...["text", "image", "document", "tool_use", "tool_result", "thinking", "redacted_thinking"],
  ...["search_result", "server_tool_use", "web_search_tool_result"],
];

/** What a block stands in. */
export interface BlockPlace {
  /** Such as `messages.0.content`. */
  readonly where: string;
  readonly role: "user" | "assistant" | "system";
  /** What `anthropic-version` names. */
  readonly version: string;
}

/** Why a content is refused, or null. */
export function refusalOfContent(content: unknown, place: BlockPlace): AnthropicFailure | null {
  if (typeof content === "string") return null;
  if (!Array.isArray(content)) return badRequest(`${place.where}: Input should be a valid list`);
  for (const [index, block] of content.entries()) {
    const where = `${place.where}.${String(index)}`;
    const refused = isJsonObject(block)
      ? refusalOfBlock(block, { ...place, where })
      : badRequest(`${where}: Input should be a valid dictionary`);
    if (refused !== null) return refused;
  }
  return null;
}

function refusalOfBlock(block: JsonObject, place: BlockPlace): AnthropicFailure | null {
  const { where, role, version } = place;
  const type = String(block["type"]);
  const tags = role === "system" ? ["text"] : TAGS;
  if (!tags.includes(type)) {
    const expected = tags.map((tag) => `'${tag}'`).join(", ");
    return badRequest(
      `${where}: Input tag '${type}' found using 'type' does not match any of the expected tags: ${expected}`,
    );
  }
  if (type === "text")
    return typeof block["text"] === "string" && block["text"] !== ""
      ? null
      : badRequest(`${where}: text content blocks must be non-empty`);
  const isMisplaced =
    role === "assistant" && (type === "image" || (type === "document" && version !== "2023-06-01"));
  if (isMisplaced) return badRequest(`${where}: '${type}' blocks are not permitted in this role`);
  return type === "image" || type === "document" ? refusalOfSource(block, type, where) : null;
}

const SOURCES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  image: {
    base64: ["image/jpeg", "image/png", "image/gif", "image/webp"],
    url: [],
    file: [],
  },
  document: { base64: ["application/pdf"], text: ["text/plain"], url: [], content: [], file: [] },
};

function refusalOfSource(block: JsonObject, type: string, where: string): AnthropicFailure | null {
  const { source } = block;
  if (!isJsonObject(source)) return badRequest(`${where}.${type}.source: Field required`);
  const kind = String(source["type"]);
  const media = SOURCES[type]?.[kind];
  const at = `${where}.${type}.source.${kind}`;
  if (media === undefined)
    return badRequest(
      `${where}.${type}.source: Input tag '${kind}' found using 'type' does not match any of the expected tags`,
    );
  if (kind === "url")
    return /^https?:\/\//.test(String(source["url"]))
      ? null
      : badRequest(`${at}.url: Only HTTP and HTTPS URLs are supported.`);
  if (media.length === 0) return null;
  if (!media.includes(String(source["media_type"])))
    return badRequest(
      `${at}.media_type: Input should be ${media.map((name) => `'${name}'`).join(", ")}`,
    );
  const { data } = source;
  if (typeof data !== "string" || data === "") return badRequest(`${at}.data: Field required`);
  const isBytes = kind === "text" || /^[A-Za-z0-9+/]+={0,2}$/.test(data);
  return isBytes ? null : badRequest(`${at}: Invalid base64 data`);
}
