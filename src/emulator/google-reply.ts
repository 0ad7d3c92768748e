/** A generateContent response and what it cost. */
import type { Answer } from "./answer.ts";
import { objectMember } from "./google-json.ts";
import { maxTokensOf, promptTokens } from "./google-request.ts";
import type { JsonObject } from "./json.ts";
import { firstTokens, tokensOf } from "./tokens.ts";

/** What a response should carry besides the answer. */
export interface ReplyContext {
  readonly request: JsonObject;
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
  const limit = maxTokensOf(config);
  const isBlocked = answer.refusal !== undefined;
  const whole = isBlocked ? "" : (answer.content ?? "");
  const tooLong = answer.usage === undefined && tokensOf(whole) > limit;
  const text = tooLong ? firstTokens(whole, limit) : whole;
  const thoughts = answer.usage?.reasoningTokens ?? 0;
  const completion = answer.usage?.completionTokens ?? tokensOf(text) + thoughts;
  const counts: Counts = {
    prompt: answer.usage?.promptTokens ?? promptTokens(context.request),
    cached: answer.usage?.cachedTokens ?? 0,
    candidates: Math.max(0, completion - thoughts),
    thoughts,
  };
  const showsThoughts = objectMember(config, "thinkingConfig")["includeThoughts"] === true;
  const parts = [
    ...(showsThoughts ? [{ text: "Let me think about that.", thought: true }] : []),
    ...(text === "" ? [] : [{ text }]),
  ];
  const content = { ...(parts.length === 0 ? {} : { parts }), role: "model" };
  const finishReason = tooLong ? "MAX_TOKENS" : FINISH_REASONS[answer.finishReason ?? "stop"];
  const response = {
    ...(isBlocked
      ? { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }
      : { candidates: [{ content, finishReason, index: 0 }] }),
    ...(context.withUsage ? { usageMetadata: usageOnWire(counts) } : {}),
    modelVersion: context.modelVersion,
    responseId: context.responseId,
  };
  return { response, usage: { input: counts.prompt, output: counts.candidates + thoughts } };
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
