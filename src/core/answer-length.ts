/** How long answers are expected to be, from what is asked alone: assumptions, for as long as there are no answers. */

import type { CallSettings } from "./call-settings.ts";
import { wholeSchema, answerText, type AnswerForm } from "./form.ts";
import type { Json } from "./hash.ts";
import type { Params } from "./request.ts";
import { isObject, propertiesOf, requiredOf, typesOf, type JsonSchema } from "./schema.ts";
import { addBands, mapBand, NOTHING, type Band } from "./token-estimate.ts";

/** What decides how long an answer will be. */
export interface AskedLength {
  readonly form: AnswerForm;
  readonly settings: CallSettings;
  readonly params: Params;
  /** Whether the model thinks unless it is told not to. */
  readonly thinks: boolean;
  /** The tokens of a text. */
  readonly count: (text: string) => number;
}

/** Output tokens of one answer, its reasoning included; never above the cap that was asked for. */
export function answerTokens(asked: AskedLength): Band {
  const { form, count } = asked;
  const cap = tokenCap(asked);
  const answer = form.kind === "text" ? TEXT : formTokens(form, count);
  const whole = addBands(addBands(answer, callTokens(asked)), reasoningTokens(asked));
  return mapBand(whole, (tokens) => Math.min(Math.ceil(tokens), cap));
}

// A word, a paragraph, a page.
const TEXT: Band = { low: 1, expected: 150, high: 1000 };

const CAPS = ["max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"];

/** The most tokens an answer may have, as asked; Infinity where nothing was said. */
export function tokenCap({ settings, params }: Pick<AskedLength, "settings" | "params">): number {
  const given = CAPS.flatMap((name) => {
    const cap = params[name];
    return typeof cap === "number" ? [cap] : [];
  });
  return Math.min(settings.maxTokens ?? Number.POSITIVE_INFINITY, ...given);
}

function callTokens({ settings }: AskedLength): Band {
  return (settings.tools ?? []).length === 0 ? NOTHING : { low: 0, expected: 60, high: 400 };
}

// What levels of thinking come to by one's experience: no provider promises anything.
const THOUGHTS: Readonly<Record<string, Band>> = {
  none: NOTHING,
  minimal: { low: 0, expected: 50, high: 500 },
  low: { low: 0, expected: 200, high: 1500 },
  medium: { low: 0, expected: 600, high: 6000 },
  high: { low: 0, expected: 2000, high: 20_000 },
};

function reasoningTokens({ settings, thinks }: AskedLength): Band {
  const { reasoning } = settings;
  if (typeof reasoning === "object")
    return { low: 0, expected: reasoning.budgetTokens / 3, high: reasoning.budgetTokens };
  return THOUGHTS[reasoning ?? (thinks ? "low" : "none")] ?? NOTHING;
}

function formTokens(
  form: Exclude<AnswerForm, { kind: "text" }>,
  count: (text: string) => number,
): Band {
  if (form.kind === "embedding") return NOTHING;
  if (form.kind === "object") return nodeTokens(wholeSchema(form) ?? {}, count);
  const each = form.labels.map(({ name }) => count(answerText(form, answerOf(form, [name]))));
  const free = form.allowOther === true ? 20 : 0;
  const all = form.labels.map(({ name }) => name);
  return {
    low: form.multi === true ? count(answerText(form, [])) : Math.min(...each),
    expected: each.reduce((sum, tokens) => sum + tokens, 0) / Math.max(1, each.length),
    // Some models write their JSON with spaces and line breaks.
    high: (form.multi === true ? count(answerText(form, all)) : Math.max(...each)) * 1.5 + free + 4,
  };
}

function answerOf({ multi }: { readonly multi?: true }, names: readonly string[]): Json {
  return multi === true ? names : (names[0] ?? "");
}

const STRING: Band = { low: 2, expected: 15, high: 120 };
const NUMBER: Band = { low: 1, expected: 2, high: 6 };
const WORD: Band = { low: 1, expected: 1, high: 1 };
const CHARACTERS_PER_TOKEN = 4;
const MOST_LEVELS = 8;

/** The tokens of a value of a schema. */
function nodeTokens(node: JsonSchema, count: (text: string) => number, level = 0): Band {
  if (level > MOST_LEVELS) return STRING;
  const branches = node["anyOf"] ?? node["oneOf"];
  if (Array.isArray(branches))
    return widest(branches.filter(isObject).map((one) => nodeTokens(one, count, level + 1)));
  const values = Array.isArray(node["enum"]) ? (node["enum"] as readonly Json[]) : null;
  if (values !== null) return widest(values.map((value) => exactly(count(JSON.stringify(value)))));
  const types = typesOf(node) ?? [];
  const all = types.map((type) => typeTokens(type, node, { count, level }));
  return all.length === 0 ? STRING : widest(all);
}

interface At {
  readonly count: (text: string) => number;
  readonly level: number;
}

function typeTokens(type: string, node: JsonSchema, { count, level }: At): Band {
  if (type === "string") {
    const most = node["maxLength"];
    if (typeof most !== "number") return STRING;
    const high = Math.ceil(most / CHARACTERS_PER_TOKEN) + 2;
    return { low: Math.min(2, high), expected: Math.min(STRING.expected, high), high };
  }
  if (type === "object") return objectTokens(node, { count, level });
  if (type === "array") return arrayTokens(node, { count, level });
  return type === "number" || type === "integer" ? NUMBER : WORD;
}

function objectTokens(node: JsonSchema, { count, level }: At): Band {
  const required = new Set(requiredOf(node));
  let sum: Band = { low: 2, expected: 2, high: 4 };
  for (const [name, property] of Object.entries(propertiesOf(node))) {
    const key = exactly(count(`"${name}":`) + 1);
    const member = addBands(key, nodeTokens(property, count, level + 1));
    sum = addBands(sum, required.has(name) ? member : { ...member, low: 0 });
  }
  return sum;
}

function arrayTokens(node: JsonSchema, { count, level }: At): Band {
  const items = node["items"];
  const item = isObject(items) ? nodeTokens(items, count, level + 1) : STRING;
  const bound = (name: string, otherwise: number): number => {
    const given = node[name];
    return typeof given === "number" ? given : otherwise;
  };
  const least = bound("minItems", 0);
  const most = Math.max(least, bound("maxItems", 20));
  const likely = Math.min(most, Math.max(least, 3));
  return {
    low: 2 + least * item.low,
    expected: 2 + likely * (item.expected + 1),
    high: 4 + most * (item.high + 2),
  };
}

function exactly(tokens: number): Band {
  return { low: tokens, expected: tokens, high: tokens };
}

function widest(bands: readonly Band[]): Band {
  if (bands.length === 0) return STRING;
  return {
    low: Math.min(...bands.map(({ low }) => low)),
    expected: bands.reduce((sum, { expected }) => sum + expected, 0) / bands.length,
    high: Math.max(...bands.map(({ high }) => high)),
  };
}
