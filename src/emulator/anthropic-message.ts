/** The execution of one message request, in a batch or live: answered, spoiled, counted, billed. */
import type { Answer, AnswerToolCall } from "./answer.ts";
import { answerTo } from "./answering.ts";
import { failureOfStatus, type AnthropicFailure } from "./anthropic-errors.ts";
import { refusalOfParams } from "./anthropic-params.ts";
import { isThinking } from "./anthropic-tools.ts";
import { usageOf, usageOnWire, type MessageUsage } from "./anthropic-usage.ts";
import { spoiled } from "./content-faults.ts";
import type { Target } from "./fault-state.ts";
import { isJsonObject, type JsonObject } from "./json.ts";
import { reportedModel } from "./openai-execute.ts";
import { hexId } from "./fingerprint.ts";
import { after, type Soon } from "./soon.ts";
import { stopped } from "./stop-sequences.ts";
import { firstTokens, tokensOf } from "./tokens.ts";
import { callsOf } from "./tools-asked.ts";
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
export function executeMessage(world: World, request: MessageRequest): Soon<() => Executed> {
  const { params, version, customId, target } = request;
  const failing = world.faults.strike("failRows", target);
  if (failing !== null) return () => ({ failure: failureOfStatus(failing.status ?? 500) });
  const refused = refusalOfParams(params, { world, version, inBatch: customId !== null });
  if (refused !== null) return () => ({ failure: refused });
  const asked = { endpoint: "/v1/messages", body: params, customId };
  const answering = answerTo(world, asked, (message) => ({ error: { message } }));
  return after(answering, (answer) => {
    const { error } = answer;
    if (error !== undefined) return () => ({ failure: failureOfAnswer(error) });
    return () => ({ message: finish(world, request, answer) });
  });
}

function failureOfAnswer(error: NonNullable<Answer["error"]>): AnthropicFailure {
  const inner = isJsonObject(error.body) ? error.body["error"] : undefined;
  const message = isJsonObject(inner) ? inner["message"] : undefined;
  return failureOfStatus(error.status, typeof message === "string" ? message : undefined);
}

function finish(world: World, request: MessageRequest, answer: Answer): JsonObject {
  const { params, customId, target } = request;
  const said = spoiled(answer, world.faults, target);
  const spoken = spokenBy(said, params);
  const { tokens, thinking } = spoken;
  const usage = usageOf(world, params, { answer: said, tokens, thinking });
  bill(world, request, usage);
  const withUsage = world.faults.strike("noUsage", target) === null;
  const id = hexId(world.settings.seed, 24, "message", ...target.key);
  return {
    id: `msg_${id}`,
    type: "message",
    role: "assistant",
    model: reportedModel(world, params["model"]),
    content: contentOf(spoken, id),
    stop_reason: spoken.stop,
    stop_sequence: spoken.stopSequence,
    stop_details: null,
    ...(withUsage ? { usage: usageOnWire(usage, customId !== null) } : {}),
  };
}

function bill(world: World, request: MessageRequest, usage: MessageUsage): void {
  const { params, customId } = request;
  const { cacheRead: read, cacheWritten1h: writtenHour } = usage;
  const written = usage.cacheWritten5m + writtenHour;
  const cache = { read, written, writtenHour };
  const promptTokens = usage.input + read + written;
  const tokens = { promptTokens, cache, completionTokens: usage.output };
  world.ledger.bill({ customId, body: params, ...tokens });
}

/** What a message says, and how it came to its end. */
interface Spoken {
  readonly text: string;
  readonly calls: readonly AnswerToolCall[];
  /** Tokens of text and calls. */
  readonly tokens: number;
  /** Tokens of thought; 0 when the model was not told to think. */
  readonly thinking: number;
  readonly stop: string;
  readonly stopSequence: string | null;
}

const THOUGHT = "Let me think about that.";

function spokenBy(answer: Answer, params: JsonObject): Spoken {
  const calls = callsOf(answer, params);
  const fromText = calls.length > 0 && answer.toolCalls === undefined;
  const whole = answer.refusal ?? (fromText ? "" : (answer.content ?? ""));
  const ended = stopped(whole, params["stop_sequences"]);
  const thinking = isThinking(params) ? tokensOf(THOUGHT) : 0;
  const callTokens = calls.reduce((sum, call) => sum + tokensOf(JSON.stringify(call)), 0);
  const limit = Number(params["max_tokens"]) - (answer.usage === undefined ? thinking : 0);
  const tokens = tokensOf(ended.text) + callTokens;
  if (answer.usage === undefined && tokens > limit) {
    const text = firstTokens(ended.text, limit);
    const stop = "max_tokens";
    return { text, calls: [], tokens: Math.max(0, limit), thinking, stop, stopSequence: null };
  }
  const stop = stopReason(answer, ended.sequence, calls);
  return { text: ended.text, calls, tokens, thinking, stop, stopSequence: ended.sequence };
}

function stopReason(
  answer: Answer,
  sequence: string | null,
  calls: readonly AnswerToolCall[],
): string {
  if (answer.refusal !== undefined || answer.finishReason === "content_filter") return "refusal";
  if (answer.finishReason === "length") return "max_tokens";
  if (calls.length > 0) return "tool_use";
  return sequence === null ? "end_turn" : "stop_sequence";
}

function contentOf({ text, calls, thinking }: Spoken, id: string): readonly JsonObject[] {
  const thought = { type: "thinking", thinking: THOUGHT, signature: `sig_${id}` };
  return [
    ...(thinking === 0 ? [] : [thought]),
    ...(text === "" ? [] : [{ type: "text", text, citations: null }]),
    ...calls.map(({ name, arguments: given }, index) => ({
      type: "tool_use",
      id: `toolu_${id}${index === 0 ? "" : String(index)}`,
      name,
      // An input is always JSON here; a text that is none stands in a member of its own.
      input: typeof given === "string" ? { text: given } : given,
    })),
  ];
}
