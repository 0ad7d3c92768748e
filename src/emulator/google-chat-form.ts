/** A generateContent request as chat completions would put it, so that any answerer can read it. */
import { listMember, member, objectMember } from "./google-json.ts";
import { declarationsOf } from "./google-model-rules.ts";
import { maxTokensOf, textOfContent } from "./google-request.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

/**
 * The body of a chat completions request that asks the same: model, messages, and what is given of
 * `temperature`, `top_p`, `seed`, `stop`, `max_completion_tokens`, `response_format`, `tools` and
 * `tool_choice`. A content that holds more than text is a list of parts.
 */
export function chatForm(model: string, request: JsonObject): JsonObject {
  const system = member(request, "systemInstruction");
  const turns = listMember(request, "contents").map((content) => ({
    role: isJsonObject(content) && content["role"] === "model" ? "assistant" : "user",
    content: contentForm(content),
  }));
  const config = objectMember(request, "generationConfig");
  const most = maxTokensOf(config);
  const given = (name: string, from: string): JsonObject => {
    const value = member(config, from);
    return value === undefined ? {} : { [name]: value };
  };
  return {
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: textOfContent(system) }]),
      ...turns,
    ],
    ...given("temperature", "temperature"),
    ...given("top_p", "topP"),
    ...given("seed", "seed"),
    ...given("stop", "stopSequences"),
    ...(Number.isFinite(most) ? { max_completion_tokens: most } : {}),
    ...responseFormat(config),
    ...toolsForm(request),
  };
}

function contentForm(content: unknown): unknown {
  const parts = isJsonObject(content) ? listMember(content, "parts").filter(isJsonObject) : [];
  const hasMedia = parts.some((part) => addressOf(part) !== null);
  if (!hasMedia) return textOfContent(content);
  return parts.map((part) => {
    const url = addressOf(part);
    return url === null
      ? { type: "text", text: part["text"] ?? "" }
      : { type: "image_url", image_url: { url } };
  });
}

/** Where a picture or document lies, its bytes as a `data:` address; null for any other part. */
function addressOf(part: JsonObject): string | null {
  const inline = objectMember(part, "inlineData");
  const uri = member(objectMember(part, "fileData"), "fileUri");
  if (typeof uri === "string") return uri;
  if (member(part, "inlineData") === undefined) return null;
  return `data:${String(member(inline, "mimeType"))};base64,${String(inline["data"])}`;
}

function toolsForm(request: JsonObject): JsonObject {
  const declared = declarationsOf(request);
  if (declared.length === 0) return {};
  const calling = objectMember(objectMember(request, "toolConfig"), "functionCallingConfig");
  const allowed = listMember(calling, "allowedFunctionNames");
  const tools = declared
    .filter(({ name }) => allowed.length === 0 || allowed.includes(name))
    .map((one) => {
      const openApi = lowerCaseTypes(member(one, "parameters"));
      const parameters = member(one, "parametersJsonSchema") ?? openApi;
      const { name, description } = one;
      return { type: "function", function: { name, description, parameters } };
    });
  const mode = member(calling, "mode");
  const choice = mode === "ANY" ? "required" : mode === "NONE" ? "none" : "auto";
  return { tools, tool_choice: choice };
}

function responseFormat(config: JsonObject): JsonObject {
  if (member(config, "responseMimeType") !== "application/json") return {};
  const openApi = member(config, "responseSchema");
  const schema = member(config, "responseJsonSchema") ?? lowerCaseTypes(openApi);
  if (schema === undefined) return { response_format: { type: "json_object" } };
  const json_schema = { name: "answer", strict: true, schema };
  return { response_format: { type: "json_schema", json_schema } };
}

/** A `responseSchema`, whose types are written in capitals, as JSON Schema. */
function lowerCaseTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowerCaseTypes);
  if (!isJsonObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [
      name,
      name === "type" && typeof value === "string" ? value.toLowerCase() : lowerCaseTypes(value),
    ]),
  );
}
