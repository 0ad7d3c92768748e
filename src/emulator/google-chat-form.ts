/** A generateContent request as chat completions would put it, so that any answerer can read it. */
import { listMember, member, objectMember } from "./google-json.ts";
import { maxTokensOf, textOfContent } from "./google-request.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

/**
 * The body of a chat completions request that asks the same: model, messages (text only),
 * `temperature`, `max_completion_tokens` and `response_format` where they are given.
 */
export function chatForm(model: string, request: JsonObject): JsonObject {
  const system = member(request, "systemInstruction");
  const turns = listMember(request, "contents").map((content) => ({
    role: isJsonObject(content) && content["role"] === "model" ? "assistant" : "user",
    content: textOfContent(content),
  }));
  const config = objectMember(request, "generationConfig");
  const temperature = member(config, "temperature");
  const most = maxTokensOf(config);
  return {
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system", content: textOfContent(system) }]),
      ...turns,
    ],
    ...(temperature === undefined ? {} : { temperature }),
    ...(Number.isFinite(most) ? { max_completion_tokens: most } : {}),
    ...responseFormat(config),
  };
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
