/** What is wrong with the parameters of a chat request: caps, sampling, tools, and the form of the answer. */
import { textOfContent } from "./answerers.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { missing, unknownValue } from "./openai-chat-messages.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { first, rootProblem, strictProblem } from "./openai-strict-schema.ts";

/** Why the parameters beside the messages are refused, or null. */
export function refusalOfParameters(body: JsonObject): OpenAiFailure | null {
  return (
    first(["max_completion_tokens", "max_tokens"], (name) => refusalOfCap(body[name], name)) ??
    refusalOfCount(body["n"]) ??
    refusalByReasoningModel(body) ??
    refusalOfTools(body) ??
    refusalOfFormat(body)
  );
}

function refusalOfCap(most: unknown, name: string): OpenAiFailure | null {
  if (typeof most !== "number" || most >= 1) return null;
  const message = `Invalid '${name}': integer below minimum value. Expected a value >= 1, but got ${String(most)} instead.`;
  return badRequest(message, name, "integer_below_min_value");
}

function refusalOfCount(count: unknown): OpenAiFailure | null {
  if (count === undefined || count === null || count === 1) return null;
  return badRequest("Only 'n' of 1 is supported here.", "n", "unsupported_value");
}

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Models that think take another name for the cap and, while they think, no sampling. */
function refusalByReasoningModel(body: JsonObject): OpenAiFailure | null {
  const { reasoning_effort: effort, temperature } = body;
  if (typeof effort === "string" && !EFFORTS.includes(effort))
    return unknownValue(effort, "reasoning_effort", EFFORTS);
  if (!isReasoningModel(body["model"])) return null;
  if (isGiven(body["max_tokens"])) {
    const message =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    return badRequest(message, "max_tokens", "unsupported_parameter");
  }
  if (effort === "none") return null;
  if (isGiven(temperature) && temperature !== 1) {
    const message = `Unsupported value: 'temperature' does not support ${String(temperature)} with this model. Only the default (1) value is supported.`;
    return badRequest(message, "temperature", "unsupported_value");
  }
  return first(["top_p", "stop"], (name) => {
    const message = `Unsupported parameter: '${name}' is not supported with this model.`;
    return isGiven(body[name]) && body[name] !== 1
      ? badRequest(message, name, "unsupported_parameter")
      : null;
  });
}

/** Whether a model's name is that of one of OpenAI's that think: o1, o3-mini, gpt-5 and its like, but not its chat ones. */
function isReasoningModel(model: unknown): boolean {
  return /^(?:o\d|gpt-5)(?!.*chat)/.test(String(model));
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function refusalOfTools(body: JsonObject): OpenAiFailure | null {
  const { tools, tool_choice: choice } = body;
  if (!isGiven(tools)) {
    if (!isGiven(choice) || choice === "none") return null;
    const message =
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.";
    return badRequest(message, "tool_choice");
  }
  if (!Array.isArray(tools) || tools.length === 0) {
    const message = "Invalid 'tools': empty array. Expected an array with minimum length 1.";
    return badRequest(message, "tools", "empty_array");
  }
  const numbered = tools.map((tool: unknown, at) => ({ tool, where: `tools[${String(at)}]` }));
  return first(numbered, ({ tool, where }) => refusalOfTool(tool, where)) ?? refusalOfChoice(body);
}

function refusalOfTool(tool: unknown, where: string): OpenAiFailure | null {
  const { type, function: called } = isJsonObject(tool) ? tool : {};
  if (typeof type !== "string") return missing(`${where}.type`);
  if (type !== "function") return null;
  const { name, parameters, strict } = isJsonObject(called) ? called : {};
  if (typeof name !== "string") return missing(`${where}.function.name`);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    const message = `Invalid '${where}.function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`;
    return badRequest(message, `${where}.function.name`, "invalid_value");
  }
  if (!isGiven(parameters)) return null;
  const problem = (strict === true ? strictProblem : rootProblem)(parameters);
  if (problem === null) return null;
  const message = `Invalid schema for function '${name}': ${problem}.`;
  return badRequest(message, `${where}.function.parameters`, "invalid_function_parameters");
}

function refusalOfChoice(body: JsonObject): OpenAiFailure | null {
  const { tools, tool_choice: choice } = body;
  if (typeof choice === "string" && !CHOICES.includes(choice))
    return unknownValue(choice, "tool_choice", CHOICES.slice(0, 3));
  const named = isJsonObject(choice) ? choice["function"] : undefined;
  if (!isJsonObject(named) || !Array.isArray(tools)) return null;
  const isThere = tools.some(
    (tool: unknown) =>
      isJsonObject(tool) &&
      isJsonObject(tool["function"]) &&
      tool["function"]["name"] === named["name"],
  );
  const message = `Tool choice '${String(named["name"])}' not found in 'tools' parameter.`;
  return isThere ? null : badRequest(message, "tool_choice");
}

// "any" is another host's word for required.
const CHOICES = ["none", "auto", "required", "any"];

function refusalOfFormat(body: JsonObject): OpenAiFailure | null {
  const format = isJsonObject(body["response_format"]) ? body["response_format"] : {};
  if (format["type"] === "json_object") return refusalWithoutTheWord(body["messages"]);
  if (format["type"] !== "json_schema") return null;
  const wrapped = isJsonObject(format["json_schema"]) ? format["json_schema"] : {};
  const { name, schema, strict } = wrapped;
  if (typeof name !== "string") return missing("response_format.json_schema.name");
  const problem = strict === true ? strictProblem(schema) : null;
  if (problem === null) return null;
  return badRequest(`Invalid schema for response_format '${name}': ${problem}.`, "response_format");
}

/** JSON mode wants to be told of in words as well. */
function refusalWithoutTheWord(messages: unknown): OpenAiFailure | null {
  const said: readonly unknown[] = Array.isArray(messages) ? messages : [];
  const isTold = said.some(
    (message) => isJsonObject(message) && /json/i.test(textOfContent(message["content"])),
  );
  const message =
    "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
  return isTold ? null : badRequest(message, "messages");
}
