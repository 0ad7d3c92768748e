/** A generateContent request: what is malformed, what is refused, and how long it is. */
import { badRequest, type GoogleFailure } from "./google-errors.ts";
import { listMember, member, objectMember } from "./google-json.ts";
import { malformedMember } from "./google-members.ts";
import { jsonSchemaProblem } from "./google-schema.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { Settings } from "./settings.ts";
import { tokensOf } from "./tokens.ts";

/** Why `request` is no GenerateContentRequest at all, or null. */
export function malformed(request: unknown): string | null {
  return malformedMember(request, "GenerateContentRequest", "request");
}

/** Why the service would not answer a well-formed request, or null. */
export function refuses(request: JsonObject, settings: Settings): GoogleFailure | null {
  const contents = listMember(request, "contents");
  if (contents.length === 0) {
    return badRequest("* GenerateContentRequest.contents: contents is not specified");
  }
  const roles = contents.map((content) => (isJsonObject(content) ? content["role"] : null));
  if (roles.some((role) => role !== undefined && role !== "user" && role !== "model")) {
    return badRequest("Please use a valid role: user, model.");
  }
  return refusesConfig(objectMember(request, "generationConfig")) ?? tooLong(request, settings);
}

function refusesConfig(config: JsonObject): GoogleFailure | null {
  const schema = member(config, "responseSchema");
  const jsonSchema = member(config, "responseJsonSchema");
  if (schema !== undefined && jsonSchema !== undefined) {
    return badRequest("Only one of response_schema and response_json_schema may be set.");
  }
  const problem = jsonSchemaProblem(jsonSchema);
  if (problem !== null)
    return badRequest(`Invalid value at 'generation_config.response_json_schema': ${problem}`);
  const isJson = member(config, "responseMimeType") === "application/json";
  if ((schema ?? jsonSchema) !== undefined && !isJson) {
    return badRequest("A response schema needs response_mime_type 'application/json'.");
  }
  const most = maxTokensOf(config);
  if (most < 1)
    return badRequest(`max_output_tokens must be 1 or more, but it is ${String(most)}.`);
  if (listMember(config, "stopSequences").length > 5)
    return badRequest("The number of stop_sequences must be 5 at most.");
  const candidates = member(config, "candidateCount");
  if (candidates === undefined || candidates === 1) return null;
  return badRequest("Only one candidate can be specified.");
}

function tooLong(request: JsonObject, settings: Settings): GoogleFailure | null {
  const prompt = promptTokens(request);
  if (prompt <= settings.contextTokens) return null;
  const message = `The input token count (${String(prompt)}) exceeds the maximum number of tokens allowed (${String(settings.contextTokens)}).`;
  return badRequest(message);
}

/** The most tokens the answer may have; Infinity when the configuration does not say. */
export function maxTokensOf(config: JsonObject): number {
  const given = member(config, "maxOutputTokens");
  return typeof given === "number" ? given : Infinity;
}

// Every picture counts alike, and so does every document's page. Source: Gemini's guide to tokens.
const MEDIA_TOKENS = 258;

/** The estimated tokens of a request's contents, system instruction and tools, or of what it embeds. */
export function promptTokens(request: JsonObject): number {
  const { content } = request;
  const turns = [...listMember(request, "contents"), member(request, "systemInstruction"), content];
  const tools = member(request, "tools");
  const declared = tools === undefined ? 0 : tokensOf(JSON.stringify(tools));
  return turns.reduce<number>((sum, turn) => sum + contentTokens(turn), 1 + declared);
}

function contentTokens(content: unknown): number {
  const parts = isJsonObject(content) ? listMember(content, "parts") : [];
  const media = parts.filter(
    (part) =>
      isJsonObject(part) &&
      (member(part, "inlineData") !== undefined || member(part, "fileData") !== undefined),
  );
  return tokensOf(textOfContent(content)) + media.length * MEDIA_TOKENS;
}

/** The texts of a content's parts, one after the other. */
export function textOfContent(content: unknown): string {
  const parts = isJsonObject(content) ? listMember(content, "parts") : [];
  const texts = parts.map((part) => (isJsonObject(part) ? part["text"] : undefined));
  return texts.filter((text) => typeof text === "string").join("");
}
