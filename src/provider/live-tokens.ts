/** The tokens of a live request: estimated before it is sent, read from the reply afterwards. Pure. */

import { asRecord, numberOf } from "./json-values.ts";

// English text comes to about four characters a token.
const CHARACTERS_PER_TOKEN = 4;
const TOKENS_OF_AN_ATTACHMENT = 1000;
// Only a guess for the answer of a request that sets no cap; usage corrects it at once.
const TOKENS_OF_AN_ANSWER = 256;

const CAPS = ["max_completion_tokens", "max_tokens", "max_output_tokens"] as const;

// Where the texts of a request are, in the words of OpenAI, Anthropic and Google.
const TEXTS = [
  ...["messages", "input", "instructions", "tools"],
  ...["system", "contents", "content", "systemInstruction"],
] as const;

/**
 * The tokens a request may take, those of its answer included: its texts at four characters each, a
 * thousand for a picture or document, and its cap on the answer. Rough, and good enough to spread
 * requests over a minute.
 */
export function tokensAsked(body: Readonly<Record<string, unknown>>): number {
  const prompt = TEXTS.reduce((sum, name) => sum + tokensIn(body[name]), 0);
  if ("input" in body && !("max_output_tokens" in body) && !("instructions" in body)) return prompt;
  // A vector has no tokens.
  if ("content" in body) return prompt;
  const config = asRecord(body["generationConfig"]);
  const caps = [...CAPS.map((name) => body[name]), config?.["maxOutputTokens"]];
  const cap = caps.map(numberOf).find((tokens) => tokens !== null);
  return prompt + (cap ?? TOKENS_OF_AN_ANSWER);
}

function tokensIn(value: unknown): number {
  if (typeof value === "string")
    return value.startsWith("data:")
      ? TOKENS_OF_AN_ATTACHMENT
      : Math.ceil(value.length / CHARACTERS_PER_TOKEN);
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + tokensIn(item), 0);
  const record = asRecord(value);
  return record === null ? 0 : tokensIn(Object.values(record));
}

/** The tokens a reply says it took, prompt and answer together; null when it does not say. */
export function tokensUsed(body: unknown): number | null {
  const reply = asRecord(body);
  const usage = asRecord(reply?.["usage"]) ?? asRecord(reply?.["usageMetadata"]);
  if (usage === null) return null;
  const total = numberOf(usage["total_tokens"]) ?? numberOf(usage["totalTokenCount"]);
  if (total !== null) return total;
  const input = numberOf(usage["prompt_tokens"]) ?? numberOf(usage["input_tokens"]);
  const output = numberOf(usage["completion_tokens"]) ?? numberOf(usage["output_tokens"]);
  return input === null && output === null ? null : (input ?? 0) + (output ?? 0);
}
