/** A request for a response as chat completions would put it, so that any answerer can read it. */
import { isJsonObject, type JsonObject } from "./json.ts";

/** The body of a chat completions request that asks the same; instructions become a system message. */
export function chatFormOf(body: JsonObject): JsonObject {
  const { instructions, input, max_output_tokens: most, tool_choice: choice, tools } = body;
  const items: readonly unknown[] = Array.isArray(input)
    ? input
    : [{ role: "user", content: input }];
  const system =
    typeof instructions === "string" ? [{ role: "system", content: instructions }] : [];
  const effort = isJsonObject(body["reasoning"]) ? body["reasoning"]["effort"] : undefined;
  return {
    model: body["model"],
    messages: [...system, ...items.map(messageOf)],
    ...picked(body, ["temperature", "top_p", "prompt_cache_key"]),
    ...(most === undefined ? {} : { max_completion_tokens: most }),
    ...(effort === undefined ? {} : { reasoning_effort: effort }),
    ...(Array.isArray(tools) ? { tools: tools.map(toolOf) } : picked(body, ["tools"])),
    ...(choice === undefined ? {} : { tool_choice: choiceOf(choice) }),
    ...formatOf(body["text"]),
  };
}

function picked(body: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(
    names.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]),
  );
}

/** A message of the input; what else an input may hold is a turn of a tool. */
function messageOf(item: unknown): unknown {
  if (!isJsonObject(item)) return item;
  const { role, content, type } = item;
  if (type !== undefined && type !== "message") return { role: "tool", content: "" };
  return { role, content: Array.isArray(content) ? content.map(partOf) : content };
}

function partOf(part: unknown): unknown {
  if (!isJsonObject(part)) return part;
  const { type, text, image_url: url, file_data, filename, file_id } = part;
  if (type === "input_text" || type === "output_text") return { type: "text", text };
  if (type === "input_image") return { type: "image_url", image_url: { url } };
  if (type !== "input_file") return part;
  // Only here may a file be an address.
  const id = file_id ?? part["file_url"];
  return { type: "file", file: id === undefined ? { file_data, filename } : { file_id: id } };
}

function toolOf(tool: unknown): unknown {
  if (!isJsonObject(tool) || tool["type"] !== "function") return tool;
  const { type, ...called } = tool;
  return { type, function: called };
}

function choiceOf(choice: unknown): unknown {
  if (!isJsonObject(choice) || choice["type"] !== "function") return choice;
  return { type: "function", function: { name: choice["name"] } };
}

function formatOf(text: unknown): JsonObject {
  const format = isJsonObject(text) ? text["format"] : undefined;
  if (!isJsonObject(format)) return {};
  const { type, ...json_schema } = format;
  return { response_format: type === "json_schema" ? { type, json_schema } : { type } };
}
