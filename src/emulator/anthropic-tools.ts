/** Tools, thinking and output formats: what the Messages API refuses of them. */
import { badRequest, type AnthropicFailure } from "./anthropic-errors.ts";
import { isJsonObject, type JsonObject } from "./json.ts";

/** The family and the version (405 for 4.5) in the name of one of Anthropic's models; null for any other. */
export function claudeModel(
  model: unknown,
): { readonly family: string; readonly version: number } | null {
  const name = typeof model === "string" ? model : "";
  const found =
    /^claude-(?<family>[a-z]+)-(?<major>\d+)(?:-(?<minor>\d{1,2}))?(?:-\d{8})?$/.exec(name) ??
    /^claude-(?<major>\d+)(?:-(?<minor>\d{1,2}))?-(?<family>[a-z]+)(?:-\d{8})?$/.exec(name);
  const { family = "", major, minor = "0" } = found?.groups ?? {};
  return major === undefined ? null : { family, version: Number(major) * 100 + Number(minor) };
}

/** Whether params tell the model to think. */
export function isThinking(params: JsonObject): boolean {
  const { thinking } = params;
  return isJsonObject(thinking) && ["enabled", "adaptive"].includes(String(thinking["type"]));
}

/** Why these tools, this choice among them or this thinking is refused, or null. */
export function refusalOfTools(params: JsonObject): AnthropicFailure | null {
  return (
    refusalOfThinking(params) ??
    refusalOfDeclarations(params["tools"]) ??
    refusalOfChoice(params) ??
    refusalOfConfig(params)
  );
}

function refusalOfThinking(params: JsonObject): AnthropicFailure | null {
  const { thinking, model } = params;
  if (thinking === undefined || thinking === null) return null;
  if (!isJsonObject(thinking)) return badRequest("thinking: Input should be a valid dictionary");
  const { type, budget_tokens: budget } = thinking;
  const claude = claudeModel(model);
  const version = claude?.version ?? 406;
  const isUnsupported =
    (type === "enabled" && (version >= 407 || version < 307)) ||
    (type === "adaptive" && version < 406) ||
    (type === "disabled" && /^(?:fable|mythos)$/.test(claude?.family ?? ""));
  if (isUnsupported) return badRequest(`"thinking.type.${type}" is not supported for this model.`);
  if (type === "disabled" || type === "adaptive") return refusalBesideThinking(params);
  if (type !== "enabled") return badRequest("thinking: Input tag is not known");
  if (!Number.isInteger(budget))
    return badRequest("thinking.enabled.budget_tokens: Field required");
  if (Number(budget) < 1024)
    return badRequest(
      "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
    );
  if (Number(params["max_tokens"]) <= Number(budget))
    return badRequest("`max_tokens` must be greater than `thinking.budget_tokens`.");
  return refusalBesideThinking(params);
}

function refusalBesideThinking(params: JsonObject): AnthropicFailure | null {
  if (!isThinking(params)) return null;
  const { temperature, top_k: topK, top_p: topP, tool_choice: choice } = params;
  if (temperature !== undefined && temperature !== 1)
    return badRequest("`temperature` may only be set to 1 when thinking is enabled.");
  if (topK !== undefined) return badRequest("`top_k` must be unset when thinking is enabled.");
  if (typeof topP === "number" && topP < 0.95)
    return badRequest("`top_p` must be greater than or equal to 0.95 when thinking is enabled.");
  const isForced = isJsonObject(choice) && ["any", "tool"].includes(String(choice["type"]));
  return isForced
    ? badRequest("Thinking may not be enabled when tool_choice forces tool use.")
    : null;
}

const TOOL_FIELDS = new Set(
  "name description input_schema type cache_control strict input_examples defer_loading".split(" "),
);

function refusalOfDeclarations(tools: unknown): AnthropicFailure | null {
  if (tools === undefined) return null;
  if (!Array.isArray(tools)) return badRequest("tools: Input should be a valid list");
  const names = new Set<unknown>();
  for (const [index, tool] of tools.entries()) {
    const where = `tools.${String(index)}`;
    if (!isJsonObject(tool)) return badRequest(`${where}: Input should be a valid dictionary`);
    const { name, type, input_schema: schema } = tool;
    // Tools that Anthropic itself runs are told by their type and have fields of their own.
    if (type !== undefined && type !== "custom") continue;
    const odd = Object.keys(tool).find((field) => !TOOL_FIELDS.has(field));
    if (odd !== undefined)
      return badRequest(`${where}.custom.${odd}: Extra inputs are not permitted`);
    if (typeof name !== "string" || !/^[a-zA-Z0-9_-]{1,128}$/.test(name))
      return badRequest(
        `${where}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`,
      );
    if (names.has(name)) return badRequest("tools: Tool names must be unique.");
    names.add(name);
    if (!isJsonObject(schema)) return badRequest(`${where}.custom.input_schema: Field required`);
    if (schema["type"] !== "object")
      return badRequest(`${where}.custom.input_schema.type: Input should be 'object'`);
  }
  return null;
}

function refusalOfChoice(params: JsonObject): AnthropicFailure | null {
  const { tool_choice: choice, tools } = params;
  if (choice === undefined) return null;
  const given: readonly unknown[] = Array.isArray(tools) ? tools : [];
  if (!isJsonObject(choice)) return badRequest("tool_choice: Input should be a valid dictionary");
  if (!["auto", "any", "tool", "none"].includes(String(choice["type"])))
    return badRequest("tool_choice: Input tag does not match any of the expected tags");
  if (given.length === 0)
    return badRequest("tool_choice: tool_choice may only be specified while providing tools.");
  const { name } = choice;
  const isThere = given.some((tool) => isJsonObject(tool) && tool["name"] === name);
  if (choice["type"] !== "tool" || isThere) return null;
  return badRequest(`tool_choice.name: Tool '${String(name)}' not found in provided tools`);
}

const EFFORTS = ["low", "medium", "high", "xhigh", "max"];

function refusalOfConfig(params: JsonObject): AnthropicFailure | null {
  const { output_config: config, model } = params;
  if (!isJsonObject(config)) return null;
  const { effort, format } = config;
  const version = claudeModel(model)?.version ?? 500;
  if (effort !== undefined && effort !== null && !EFFORTS.some((known) => known === effort))
    return badRequest(`output_config.effort: Input should be ${EFFORTS.join(", ")}`);
  if (effort !== undefined && effort !== null && version < 405)
    return badRequest(`output_config.effort: This model does not support the effort parameter.`);
  if (isJsonObject(format) && version < 405)
    return badRequest(`output_config.format: '${String(model)}' does not support output format.`);
  return null;
}
