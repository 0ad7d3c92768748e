/** What the Messages API refuses to execute, by protocol version and model. */
import { cachePoints } from "./anthropic-cache.ts";
import { refusalOfContent } from "./anthropic-content.ts";
import { badRequest, failureOfStatus, type AnthropicFailure } from "./anthropic-errors.ts";
import { refusalOfFormat, refusalOfStrictTools } from "./anthropic-schema.ts";
import { claudeModel, refusalOfTools } from "./anthropic-tools.ts";
import { promptTokens } from "./anthropic-usage.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import type { World } from "./world.ts";

/** The versions that `anthropic-version` may name. */
export const VERSIONS: readonly string[] = ["2023-06-01", "2026-10-21"];

/** Where a request stands that is looked at. */
export interface ParamsContext {
  readonly world: World;
  /** One of {@link VERSIONS}. */
  readonly version: string;
  readonly inBatch: boolean;
}

const FIELDS = new Set(
  (
    "model max_tokens messages system metadata stop_sequences stream temperature top_k top_p " +
    "tools tool_choice thinking service_tier container cache_control output_config speed " +
    "inference_geo context_management mcp_servers diagnostics"
  ).split(" "),
);
const SAMPLING = ["temperature", "top_p", "top_k"];

/** Why these params are not executed, or null. */
export function refusalOfParams(
  params: JsonObject,
  context: ParamsContext,
): AnthropicFailure | null {
  const known = context.world.settings.models;
  const { model } = params;
  for (const field of ["model", "max_tokens", "messages"])
    if (params[field] === undefined) return badRequest(`${field}: Field required`);
  if (typeof model !== "string") return badRequest("model: Input should be a valid string");
  if (!(known?.includes(model) ?? true)) return failureOfStatus(404, `model: ${model}`);
  const maxTokens = params["max_tokens"];
  if (!Number.isInteger(maxTokens))
    return badRequest("max_tokens: Input should be a valid integer");
  if (Number(maxTokens) < 1)
    return badRequest("max_tokens: Input should be greater than or equal to 1");
  return (
    refusalOfFields(params, context) ??
    refusalOfTools(params) ??
    refusalOfMessages(params, context) ??
    refusalOfSystem(params, context)
  );
}

function refusalOfFields(params: JsonObject, context: ParamsContext): AnthropicFailure | null {
  const { version, inBatch } = context;
  const strict = version !== "2023-06-01";
  for (const field of Object.keys(params)) {
    const isUnknown = !FIELDS.has(field) || (strict && SAMPLING.includes(field));
    if (isUnknown) return badRequest(`${field}: Extra inputs are not permitted`);
  }
  const sampled = SAMPLING.find((field) => params[field] !== undefined);
  if (sampled !== undefined && !takesSampling(String(params["model"])))
    return badRequest(`${sampled}: This parameter is not supported by ${String(params["model"])}.`);
  if (inBatch && params["stream"] === true)
    return badRequest("stream: Streaming is not supported in batches.");
  if (inBatch && params["speed"] !== undefined)
    return badRequest("speed: This parameter is not supported in batches.");
  const config = params["output_config"];
  const format = isJsonObject(config) ? config["format"] : undefined;
  return isJsonObject(format) ? refusalOfFormat(format) : refusalOfStrictTools(params["tools"]);
}

/** False for Opus from 4.7 on, and for every family from 5 on. */
function takesSampling(model: string): boolean {
  const claude = claudeModel(model);
  return claude === null || claude.version < (claude.family === "opus" ? 407 : 500);
}

function refusalOfMessages(params: JsonObject, context: ParamsContext): AnthropicFailure | null {
  const messages = params["messages"];
  if (!Array.isArray(messages)) return badRequest("messages: Input should be a valid list");
  if (messages.length === 0) return badRequest("messages: at least one message is required");
  for (const [index, message] of messages.entries()) {
    const where = `messages.${String(index)}`;
    if (!isJsonObject(message)) return badRequest(`${where}: Input should be a valid dictionary`);
    if (message["role"] === undefined) return badRequest(`${where}.role: Field required`);
    if (message["role"] === "system")
      return badRequest(
        `${where}: Unexpected role "system". The Messages API accepts a top-level \`system\` parameter, not "system" as an input message role.`,
      );
    if (message["role"] !== "user" && message["role"] !== "assistant")
      return badRequest(`${where}.role: Input should be 'user' or 'assistant'`);
    if (message["content"] === undefined) return badRequest(`${where}.content: Field required`);
    if (message["content"] === "") return badRequest(`${where}: content must be non-empty`);
    const { content } = message;
    const role = message["role"] === "assistant" ? "assistant" : "user";
    const place = { where: `${where}.content`, role, version: context.version } as const;
    const refused = refusalOfContent(content, place);
    if (refused !== null) return refused;
  }
  const prompt = promptTokens(params);
  const limit = context.world.settings.contextTokens;
  if (prompt <= limit) return null;
  return badRequest(`prompt is too long: ${String(prompt)} tokens > ${String(limit)} maximum`);
}

function refusalOfSystem(params: JsonObject, { version }: ParamsContext): AnthropicFailure | null {
  const { system } = params;
  const place = { where: "system", role: "system", version } as const;
  const refused = system === undefined ? null : refusalOfContent(system, place);
  if (refused !== null) return refused;
  const marks = cachePoints(params).length;
  if (marks <= 4) return null;
  return badRequest(
    `A maximum of 4 blocks with cache_control may be provided. Found ${String(marks)}.`,
  );
}
