/** The tools a request names, wherever its protocol puts them, and which one must be called. */
import type { Answer, AnswerToolCall } from "./answer.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { drawInteger } from "./random.ts";
import { schemaValue } from "./schema-value.ts";

/** A tool a model may call. */
export interface AskedTool {
  readonly name: string;
  /** The JSON Schema of its arguments; undefined where it has none. */
  readonly schema: unknown;
}

/** The tools of a body, in its order: OpenAI's (chat and responses) or Anthropic's. */
export function toolsAsked(body: JsonObject): readonly AskedTool[] {
  const tools: readonly unknown[] = Array.isArray(body["tools"]) ? body["tools"] : [];
  return tools.filter(isJsonObject).flatMap((tool) => {
    const inner = isJsonObject(tool["function"]) ? tool["function"] : tool;
    const schema = inner["parameters"] ?? inner["input_schema"];
    return typeof inner["name"] === "string" ? [{ name: inner["name"], schema }] : [];
  });
}

/** The tool that must be called: the one that is named, or the first where any will do; null when none must be. */
export function toolDemanded(body: JsonObject): AskedTool | null {
  const tools = toolsAsked(body);
  const choice = body["tool_choice"];
  if (choice === "required") return tools[0] ?? null;
  if (!isJsonObject(choice)) return null;
  if (choice["type"] === "any") return tools[0] ?? null;
  if (choice["type"] !== "tool" && choice["type"] !== "function") return null;
  const inner = isJsonObject(choice["function"]) ? choice["function"] : choice;
  return tools.find(({ name }) => name === inner["name"]) ?? null;
}

/** A call of a tool with arguments that satisfy its schema, which follow from `seed` and `text`. */
export function drawnCall({ name, schema }: AskedTool, seed: number, text: string): AnswerToolCall {
  const drawn = schemaValue(schema, drawInteger(seed, "schema", text));
  return { name, arguments: isJsonObject(drawn) ? drawn : {} };
}

/**
 * The calls an answer makes to a request: its own, or, where a tool must be called and it names none,
 * a call of that tool whose arguments are its text.
 */
export function callsOf(answer: Answer, body: JsonObject): readonly AnswerToolCall[] {
  if (answer.toolCalls !== undefined) return answer.toolCalls;
  const text = answer.content ?? "";
  const demanded = answer.refusal === undefined && text !== "" ? toolDemanded(body) : null;
  if (demanded === null) return [];
  const parsed = parseJson(text);
  return [{ name: demanded.name, arguments: isJsonObject(parsed) ? parsed : text }];
}
