/** A generateContent response and what it cost. */
import type { Answer, AnswerToolCall } from "./answer.ts";
import { member, objectMember } from "./google-json.ts";
import { maxTokensOf, promptTokens } from "./google-request.ts";
import type { JsonObject } from "./json.ts";
import { stopped } from "./stop-sequences.ts";
import { firstTokens, tokensOf } from "./tokens.ts";

/** What a response should carry besides the answer. */
export interface ReplyContext {
  readonly request: JsonObject;
  /** The calls of functions that the answer makes. */
  readonly calls: readonly AnswerToolCall[];
  /** Tokens of the cached content the request names. */
  readonly cachedTokens: number;
  readonly responseId: string;
  readonly modelVersion: string;
  readonly withUsage: boolean;
}

/** A response, and the tokens it is billed for; thoughts are among the output. */
export interface ComposedReply {
  readonly response: JsonObject;
  readonly usage: { readonly input: number; readonly output: number };
}

interface Counts {
  readonly prompt: number;
  readonly cached: number;
  readonly candidates: number;
  readonly thoughts: number;
}

/** The response that says `answer`; a refusal becomes a blocked prompt, which has no candidate. */
export function composed(answer: Answer, context: ReplyContext): ComposedReply {
  const config = objectMember(context.request, "generationConfig");
  const isBlocked = answer.refusal !== undefined;
  const spoken = spokenBy(answer, context);
  const thoughts = answer.usage?.reasoningTokens ?? thoughtTokens(config);
  const completion = answer.usage?.completionTokens ?? spoken.tokens + thoughts;
  const prompt = promptTokens(context.request) + context.cachedTokens;
  const counts: Counts = {
    prompt: answer.usage?.promptTokens ?? prompt,
    cached: answer.usage?.cachedTokens ?? context.cachedTokens,
    candidates: Math.max(0, completion - thoughts),
    thoughts,
  };
  const showsThoughts = member(objectMember(config, "thinkingConfig"), "includeThoughts") === true;
  const parts = [...(showsThoughts ? [{ text: THOUGHT, thought: true }] : []), ...spoken.parts];
  const content = { ...(parts.length === 0 ? {} : { parts }), role: "model" };
  const response = {
    ...(isBlocked
      ? { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }
      : { candidates: [{ content, finishReason: spoken.finishReason, index: 0 }] }),
    ...(context.withUsage ? { usageMetadata: usageOnWire(counts) } : {}),
    modelVersion: context.modelVersion,
    responseId: context.responseId,
  };
  return { response, usage: { input: counts.prompt, output: counts.candidates + thoughts } };
}

const THOUGHT = "Let me think about that.";

/** The tokens of thought of a model that was told to think. */
function thoughtTokens(config: JsonObject): number {
  const thinking = objectMember(config, "thinkingConfig");
  const budget = member(thinking, "thinkingBudget");
  const isTold = member(thinking, "thinkingLevel") !== undefined || (budget ?? 0) !== 0;
  return isTold ? tokensOf(THOUGHT) : 0;
}

interface Spoken {
  readonly parts: readonly JsonObject[];
  readonly tokens: number;
  readonly finishReason: string;
}

function spokenBy(answer: Answer, { request, calls }: ReplyContext): Spoken {
  const config = objectMember(request, "generationConfig");
  const limit = answer.usage === undefined ? maxTokensOf(config) : Infinity;
  const said = answer.refusal === undefined ? (answer.content ?? "") : "";
  // What was taken for a call's arguments is not said once more.
  const isCall = calls.length > 0 && answer.toolCalls === undefined;
  const { text } = stopped(isCall ? "" : said, member(config, "stopSequences"));
  // A call whose arguments are no JSON never comes out of the service.
  const isMalformed = calls.some((call) => typeof call.arguments === "string");
  const made = isMalformed ? [] : calls;
  const tokens = tokensOf(text) + calls.reduce((sum, call) => sum + callTokens(call), 0);
  if (tokens > limit) {
    const cut = firstTokens(text, limit);
    return { parts: textParts(cut), tokens: limit, finishReason: "MAX_TOKENS" };
  }
  const finishReason = isMalformed
    ? "MALFORMED_FUNCTION_CALL"
    : FINISH_REASONS[answer.finishReason ?? "stop"];
  const functionCalls = made.map(({ name, arguments: args }) => ({ functionCall: { name, args } }));
  return { parts: [...textParts(text), ...functionCalls], tokens, finishReason };
}

function textParts(text: string): readonly JsonObject[] {
  return text === "" ? [] : [{ text }];
}

function callTokens(call: AnswerToolCall): number {
  return tokensOf(JSON.stringify(call));
}

const FINISH_REASONS = { stop: "STOP", length: "MAX_TOKENS", content_filter: "SAFETY" } as const;

/** Counts that are zero are left out, as protobuf JSON does. */
function usageOnWire({ prompt, cached, candidates, thoughts }: Counts): JsonObject {
  const counts = {
    promptTokenCount: prompt,
    candidatesTokenCount: candidates,
    thoughtsTokenCount: thoughts,
    cachedContentTokenCount: cached,
    totalTokenCount: prompt + candidates + thoughts,
  };
  return {
    ...Object.fromEntries(Object.entries(counts).filter(([, tokens]) => tokens > 0)),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: prompt }],
  };
}
