/** Replies become values: the answer's text is read in the form that was asked for, and never repaired. */

import {
  CONFIDENCE,
  isEnclosed,
  MOST_CONFIDENT,
  quotedFields,
  QUOTES,
  WRAPPED,
  type AnswerForm,
} from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import type { Result } from "../core/result.ts";
import { isObject } from "../core/schema.ts";
import { cellOf, ShapeError } from "./cells.ts";
import { formShape } from "./columns.ts";
import { parseJsonText, unfenced } from "./json-text.ts";
import { schemaValidator } from "./json-schema.ts";
import { asMeant, matchingWord } from "./reading.ts";
import { excerpt, issuesText, type Validator } from "./validator.ts";

/** A value, or why the reply is not one: a sentence that the model may be told as it is. */
export type Answer =
  | {
      readonly value: unknown;
      /** The quote the model gave for each field, null where it gave none; left out where none were asked for. */
      readonly quotes?: Quotes;
      /** How sure the model says it is, from 0 to 1; left out where it was not asked or does not say. */
      readonly confidence?: number;
    }
  | { readonly invalid: string };

/** A quote for each field, null where there is none. */
export type Quotes = Readonly<Record<string, string | null>>;

/** How replies are read. */
export interface AnswerReading {
  readonly form: AnswerForm;
  /** Checks what was parsed and gives the value; null checks it against the form's own schema. */
  readonly validate: Validator | null;
  /** Whether the provider was asked to hold the model to the form; where not, one fenced block is unwrapped. */
  readonly isStrict: boolean;
}

/** A reply whose finish reason and refusal have been looked at. */
export type SucceededReply = Pick<
  Extract<Result, { status: "succeeded" }>,
  "text" | "toolCalls" | "embedding"
>;

/**
 * The value an answer stands for.
 *
 * Free text is taken as it is; an empty one is invalid. A vector must have the length asked for. An
 * answer that only calls tools has the value null. Labels and objects must be JSON in the form asked
 * for, and pass the schema's own check; the value is what that check gives, so transformations count.
 * Where quotes are asked for that check sees the answer alone.
 * Messages name the place and quote at most 80 characters of the reply. Repeatable; never throws for
 * any text. A promise only where a schema is checked: among millions of labels each would be waited for.
 */
export function readAnswer(
  reading: AnswerReading,
  reply: SucceededReply,
): Answer | Promise<Answer> {
  const { form } = reading;
  const { text, toolCalls = [], embedding } = reply;
  if (form.kind === "embedding") return readVector(embedding, form.dimensions);
  if (text === "" && toolCalls.length > 0) return { value: null };
  if (form.kind === "text")
    return text === "" ? { invalid: "The reply is empty." } : { value: text };
  if (form.kind === "labels") return knownLabels(reading, form, text);
  return readObject({ ...reading, form }, text);
}

const SHORT = 100;
const MOST_KNOWN = 1000;

const known = new WeakMap<AnswerReading, Map<string, Answer>>();

/** What a reply says as a label, worked out once for each short text: a million rows choose from a few. */
function knownLabels(reading: AnswerReading, form: LabelsForm, text: string): Answer {
  // A set of labels is a list, which whoever is given it may change.
  if (form.multi === true || text.length > SHORT) return labelsIn(reading, form, text);
  let answers = known.get(reading);
  if (answers === undefined) known.set(reading, (answers = new Map<string, Answer>()));
  const before = answers.get(text);
  if (before !== undefined) return before;
  const answer = labelsIn(reading, form, text);
  if (answers.size < MOST_KNOWN) answers.set(text, answer);
  return answer;
}

function labelsIn({ isStrict }: AnswerReading, form: LabelsForm, text: string): Answer {
  const parsed = parseJsonText(isStrict ? text : unfenced(text));
  if ("problem" in parsed) return notJson(parsed.problem, text);
  return withConfidence(form, parsed.json, readLabels(form, parsed.json, text));
}

async function readObject(
  reading: AnswerReading & { readonly form: ObjectForm },
  text: string,
): Promise<Answer> {
  const { form, isStrict } = reading;
  const parsed = parseJsonText(isStrict ? text : unfenced(text));
  if ("problem" in parsed) return notJson(parsed.problem, text);
  return withConfidence(form, parsed.json, await readFields(reading, parsed.json, text));
}

function notJson(problem: string, text: string): Answer {
  return { invalid: `The reply ${problem}: ${excerpt(text)}` };
}

function withConfidence(form: LabelsForm | ObjectForm, json: Json, answer: Answer): Answer {
  const confidence = form.confidence === true ? confidenceIn(json) : null;
  return "value" in answer && confidence !== null ? { ...answer, confidence } : answer;
}

/** How sure a reply says the model is; null where it says nothing that can be meant. An answer is none the less one. */
function confidenceIn(json: Json): number | null {
  const said = isObject(json) && Object.hasOwn(json, CONFIDENCE) ? json[CONFIDENCE] : null;
  return typeof said === "number" && said >= 0 && said <= MOST_CONFIDENT
    ? said / MOST_CONFIDENT
    : null;
}

function readVector(vector: Float32Array | undefined, dimensions: number | null): Answer {
  if (vector === undefined || vector.length === 0) return { invalid: "The reply holds no vector." };
  if (dimensions === null || vector.length === dimensions) return { value: vector };
  const lengths = `${String(vector.length)} numbers where ${String(dimensions)} were asked for`;
  return { invalid: `The reply is a vector of ${lengths}.` };
}

type LabelsForm = Extract<AnswerForm, { kind: "labels" }>;
type ObjectForm = Extract<AnswerForm, { kind: "object" }>;

function readLabels(form: LabelsForm, json: Json, text: string): Answer {
  const name = form.multi === true ? "labels" : "label";
  const given = isObject(json) && Object.hasOwn(json, name) ? json[name] : undefined;
  const words = form.multi === true ? given : [given];
  if (!Array.isArray(words) || !words.every((word) => typeof word === "string"))
    return { invalid: `The reply has no ${name} in the form asked for: ${excerpt(text)}` };
  const found: string[] = [];
  for (const word of words) {
    const label = labelOf(form, word);
    if (label === null) return { invalid: `The reply is none of the labels: ${excerpt(word)}` };
    found.push(label);
  }
  if (form.multi !== true) return { value: found[0] };
  // A set of labels: in the order they were given in, each once, others after them.
  const known = form.labels.map(({ name: label }) => label).filter((it) => found.includes(it));
  return { value: [...new Set([...known, ...found])] };
}

const LONGEST_OTHER = 80;

function labelOf({ labels, allowOther }: LabelsForm, word: string): string | null {
  const names = labels.map(({ name }) => name);
  const match = matchingWord(word, names);
  if (match !== null || allowOther !== true) return match;
  const other = word.trim();
  const isLabel = other !== "" && other.length <= LONGEST_OTHER && !/[\r\n]/.test(other);
  return isLabel ? (matchingWord(other, names) ?? other) : null;
}

async function readFields(
  { form, validate }: AnswerReading & { readonly form: ObjectForm },
  json: Json,
  text: string,
): Promise<Answer> {
  const { schema } = form;
  let given = json;
  if (isEnclosed(form)) {
    if (!isObject(json) || !Object.hasOwn(json, WRAPPED))
      return { invalid: `The reply has no "${WRAPPED}" in the form asked for: ${excerpt(text)}` };
    given = json[WRAPPED] ?? null;
  }
  const check = validate ?? (await schemaValidator(schema));
  const verdict = await check(asMeant(schema, given));
  if ("issues" in verdict)
    return { invalid: `The reply does not fit the schema: ${issuesText(verdict.issues)}.` };
  const problem = shapeProblem(form, verdict.value);
  if (problem !== null) return { invalid: `The reply does not fit: ${problem}.` };
  return form.quotes === true ? { ...verdict, quotes: quotesOf(form, json) } : verdict;
}

/** The quotes in a reply; one that is no text, and one of white space alone, is none. */
function quotesOf(form: ObjectForm, json: Json): Quotes {
  const given = isObject(json) ? json[QUOTES] : undefined;
  const entries = quotedFields(form).map((field) => {
    const quote = isObject(given) && Object.hasOwn(given, field) ? given[field] : null;
    return [field, typeof quote === "string" && quote.trim() !== "" ? quote : null] as const;
  });
  return Object.fromEntries(entries);
}

/** Why a value does not fit the columns its schema declares; null when it does. */
function shapeProblem(form: ObjectForm, value: unknown): string | null {
  try {
    cellOf(formShape(form), value);
    return null;
  } catch (error) {
    if (error instanceof ShapeError) return error.message;
    throw error;
  }
}
