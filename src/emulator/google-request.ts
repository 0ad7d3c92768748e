/** A generateContent request: what is malformed, what is refused, and how long it is. */
import { badRequest, type GoogleFailure } from "./google-errors.ts";
import { listMember, member, objectMember, unknownMember } from "./google-json.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { Settings } from "./settings.ts";
import { tokensOf } from "./tokens.ts";

const REQUEST_MEMBERS = new Set([
  ...["model", "contents", "systemInstruction", "tools", "toolConfig", "safetySettings"],
  ...["generationConfig", "cachedContent", "serviceTier", "labels", "store"],
]);

const CONFIG_MEMBERS = new Set([
  ...["candidateCount", "stopSequences", "maxOutputTokens", "temperature", "topP", "topK", "seed"],
  ...["responseMimeType", "responseSchema", "responseJsonSchema", "_responseJsonSchema"],
  ...["presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs", "responseModalities"],
  ...["speechConfig", "thinkingConfig", "mediaResolution", "enableEnhancedCivicAnswers"],
  ...["imageConfig", "responseFormat"],
]);

/**
 * Why `request` is no GenerateContentRequest at all, or null.
 *
 * The service reads requests as protobuf JSON, which knows its members and refuses any other.
 */
export function malformed(request: unknown): string | null {
  if (!isJsonObject(request)) return "Invalid value for 'request': expected an object.";
  const config = member(request, "generationConfig");
  if (config !== undefined && !isJsonObject(config)) {
    return "Invalid value at 'generation_config': expected an object.";
  }
  const unknown = unknownMember(request, REQUEST_MEMBERS);
  if (unknown !== null) return unknownName(unknown, "request");
  const odd = unknownMember(config ?? {}, CONFIG_MEMBERS);
  return odd === null ? null : unknownName(odd, "request.generation_config");
}

function unknownName(name: string, where: string): string {
  return `Invalid JSON payload received. Unknown name "${name}" at '${where}': Cannot find field.`;
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
  const isJson = member(config, "responseMimeType") === "application/json";
  if ((schema ?? jsonSchema) !== undefined && !isJson) {
    return badRequest("A response schema needs response_mime_type 'application/json'.");
  }
  const most = maxTokensOf(config);
  if (most < 1)
    return badRequest(`max_output_tokens must be 1 or more, but it is ${String(most)}.`);
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

/** The estimated tokens of a request's contents and system instruction. */
export function promptTokens(request: JsonObject): number {
  const turns = [...listMember(request, "contents"), member(request, "systemInstruction")];
  return turns.reduce<number>((sum, turn) => sum + tokensOf(textOfContent(turn)), 0) + 1;
}

/** The texts of a content's parts, one after the other. */
export function textOfContent(content: unknown): string {
  const parts = isJsonObject(content) ? listMember(content, "parts") : [];
  const texts = parts.map((part) => (isJsonObject(part) ? part["text"] : undefined));
  return texts.filter((text) => typeof text === "string").join("");
}
