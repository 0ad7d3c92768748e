/** The execution of one message request, in a batch or live: answered, spoiled, counted, billed. */
import type { Answer } from "./answer.ts";
import { answerTo } from "./answering.ts";
import { failureOfStatus, type AnthropicFailure } from "./anthropic-errors.ts";
import { refusalOfParams } from "./anthropic-params.ts";
import { usageOf, usageOnWire, type MessageUsage } from "./anthropic-usage.ts";
import { spoiled } from "./content-faults.ts";
import type { Target } from "./fault-state.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { reportedModel } from "./openai-execute.ts";
import { hexId } from "./random.ts";
import { firstTokens, tokensOf } from "./tokens.ts";
import type { World } from "./world.ts";

/** A request to execute. */
export interface MessageRequest {
  readonly params: JsonObject;
  readonly version: string;
  /** Null for a live call. */
  readonly customId: string | null;
  readonly target: Target;
}

/** A message, or why there is none; nothing is billed for a failure. */
export type Executed = { readonly message: JsonObject } | { readonly failure: AnthropicFailure };

/**
 * Gets the answer to one request and gives what is left to do: to spoil, count and bill it. Neither
 * part throws.
 */
export async function executeMessage(
  world: World,
  request: MessageRequest,
): Promise<() => Executed> {
  const { params, version, customId, target } = request;
  const failing = world.faults.strike("failRows", target);
  if (failing !== null) return () => ({ failure: failureOfStatus(failing.status ?? 500) });
  const refused = refusalOfParams(params, { world, version, inBatch: customId !== null });
  if (refused !== null) return () => ({ failure: refused });
  const asked = { endpoint: "/v1/messages", body: params, customId };
  const answer = await answerTo(world, asked, (message) => ({ error: { message } }));
  const { error } = answer;
  if (error !== undefined) return () => ({ failure: failureOfAnswer(error) });
  return () => ({ message: finish(world, request, answer) });
}

function failureOfAnswer(error: NonNullable<Answer["error"]>): AnthropicFailure {
  const inner = isJsonObject(error.body) ? error.body["error"] : undefined;
  const message = isJsonObject(inner) ? inner["message"] : undefined;
  return failureOfStatus(error.status, typeof message === "string" ? message : undefined);
}

function finish(world: World, request: MessageRequest, answer: Answer): JsonObject {
  const { params, customId, target } = request;
  const said = spoiled(answer, world.faults, target);
  const limit = Number(params["max_tokens"]);
  const whole = said.refusal ?? said.content ?? "";
  const isCut = said.usage === undefined && tokensOf(whole) > limit;
  const text = isCut ? firstTokens(whole, limit) : whole;
  const stop = isCut ? "max_tokens" : stopReason(said, params);
  const usage = usageOf(world, params, { answer: said, text });
  bill(world, request, usage);
  const withUsage = world.faults.strike("noUsage", target) === null;
  const id = hexId(world.settings.seed, 24, "message", ...target.key);
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: reportedModel(world, params["model"]),
    content: contentOf(text, { stop, params, id }),
    stop_reason: stop,
    stop_sequence: null,
    stop_details: null,
    ...(withUsage ? { usage: usageOnWire(usage, customId !== null) } : {}),
  };
}

function bill(world: World, request: MessageRequest, usage: MessageUsage): void {
  const { params, customId } = request;
  const prompt = usage.input + usage.cacheRead + usage.cacheWritten5m + usage.cacheWritten1h;
  const tokens = { promptTokens: prompt, completionTokens: usage.output };
  world.ledger.bill({ customId, body: params, ...tokens });
}

function stopReason(answer: Answer, params: JsonObject): string {
  if (answer.refusal !== undefined || answer.finishReason === "content_filter") return "refusal";
  if (answer.finishReason === "length") return "max_tokens";
  return forcedTool(params) === null ? "end_turn" : "tool_use";
}

function forcedTool(params: JsonObject): string | null {
  const choice = params["tool_choice"];
  if (!isJsonObject(choice) || choice["type"] !== "tool") return null;
  return typeof choice["name"] === "string" ? choice["name"] : null;
}

interface Said {
  readonly stop: string;
  readonly params: JsonObject;
  readonly id: string;
}

function contentOf(text: string, { stop, params, id }: Said): readonly JsonObject[] {
  const name = stop === "tool_use" ? forcedTool(params) : null;
  if (name !== null) {
    const input = parseJson(text);
    return [{ type: "tool_use", id: `toolu_${id}`, name, input: input ?? { text } }];
  }
  return text === "" ? [] : [{ type: "text", text, citations: null }];
}
