/** What an answer comes to under a request's limits, before it is put into an endpoint's words. */
import type { Answer } from "./answer.ts";
import type { JsonObject } from "./json.ts";
import { maxTokensOf, promptTokens } from "./openai-chat-tokens.ts";
import type { RequestUsage } from "./openai-endpoint.ts";
import { firstTokens, tokensOf } from "./tokens.ts";
import { callsOf } from "./tools-asked.ts";

/** A call as it is sent: arguments are text. */
export interface WrittenCall {
  readonly name: string;
  readonly arguments: string;
}

/** An answer as it is sent. */
export interface Saying {
  /** Null where nothing is said. */
  readonly content: string | null;
  readonly refusal: string | null;
  readonly calls: readonly WrittenCall[];
  readonly ended: "stop" | "length" | "content_filter";
  readonly usage: RequestUsage;
}

/** The answer to `form`, a chat body, cut where it exceeds the cap, and what it cost. */
export function sayingOf(
  answer: Answer,
  { form, cached }: { readonly form: JsonObject; readonly cached: number },
): Saying {
  const limit = answer.usage === undefined ? maxTokensOf(form) : Infinity;
  const wished = form["tool_choice"] === "none" ? [] : callsOf(answer, form);
  const refusal = answer.refusal ?? null;
  // The answer's text has become the arguments of a call that the request demands.
  const becameCall = wished.length > 0 && answer.toolCalls === undefined;
  const whole = refusal === null && !becameCall ? (answer.content ?? null) : null;
  const content = whole === null ? null : firstTokens(whole, limit);
  const left = limit - tokensOf(content ?? "");
  const calls = refusal === null ? wished.map((call) => written(call, left)) : [];
  const isCut =
    content !== whole || calls.some((call, at) => call.arguments !== argumentsOf(wished[at]));
  return {
    content,
    refusal,
    calls,
    ended: isCut ? "length" : (answer.finishReason ?? "stop"),
    usage: {
      input: answer.usage?.promptTokens ?? promptTokens(form),
      cached: answer.usage?.cachedTokens ?? cached,
      output: answer.usage?.completionTokens ?? tokensSaid(content ?? refusal ?? "", calls),
      reasoning: answer.usage?.reasoningTokens ?? 0,
    },
  };
}

type Wish = ReturnType<typeof callsOf>[number];

function argumentsOf(wish: Wish | undefined): string {
  const given = wish?.arguments ?? "";
  return typeof given === "string" ? given : JSON.stringify(given);
}

function written(wish: Wish, tokensLeft: number): WrittenCall {
  return { name: wish.name, arguments: firstTokens(argumentsOf(wish), tokensLeft) };
}

function tokensSaid(text: string, calls: readonly WrittenCall[]): number {
  return tokensOf(text) + calls.reduce((sum, call) => sum + tokensOf(call.arguments), 0);
}
