/** Which names and descriptions ask for sentiment, so that the trained head can answer them. */

import type { LabelChoice } from "./field.ts";

/** The three things the sentiment head tells apart; `mixed` counts as neutral. */
export type Polarity = "negative" | "neutral" | "positive";

const NAMES: Readonly<Record<Polarity, readonly string[]>> = {
  positive: [
    ..."positive pos good happy satisfied favourable favorable praise pleased delighted".split(" "),
    ..."love like liked great promoter thumbsup approve approval content optimistic plus".split(
      " ",
    ),
  ],
  negative: [
    ..."negative neg bad unhappy dissatisfied unsatisfied unfavourable unfavorable".split(" "),
    ..."complaint displeased angry hate dislike disliked poor detractor thumbsdown".split(" "),
    ..."disapprove disapproval discontent upset frustrated pessimistic minus".split(" "),
  ],
  neutral: [
    ..."neutral neu mixed neither ok okay none passive indifferent balanced average".split(" "),
    ..."factual objective meh unclear other".split(" "),
  ],
};

/** Words that make a description one of sentiment; narrower than names, as prose holds many words. */
const DESCRIPTION_WORDS: Readonly<Record<Polarity, RegExp>> = {
  positive: /\b(positive|praise[sd]?|satisf(?:ied|action)|pleased|favou?rable|happy)\b/u,
  negative:
    /\b(negative|complain(?:s|ts?|ing)?|dissatisf(?:ied|action)|displeased|unfavou?rable|unhappy)\b/u,
  neutral: /\b(neutral|neither|mixed|indifferent|factual)\b/u,
};

const POLARITIES: readonly Polarity[] = ["negative", "neutral", "positive"];

const letters = (text: string): string => text.toLowerCase().replace(/[^\p{L}]+/gu, "");

function polarityOfName(name: string): Polarity | undefined {
  const plain = letters(name);
  return POLARITIES.find((polarity) => NAMES[polarity].includes(plain));
}

function polarityOfDescription(description: string): Polarity | undefined {
  const text = description.toLowerCase();
  const found = POLARITIES.filter((polarity) => DESCRIPTION_WORDS[polarity].test(text));
  // "neither positive nor negative" names all three and means the neutral one.
  if (found.includes("neutral")) return "neutral";
  return found.length === 1 ? found[0] : undefined;
}

/**
 * The polarity of each label, in order, when two or three labels are a sentiment scale: every label
 * has one, by its name or else by its description, no two the same, and one is positive or
 * negative in its own right. Otherwise undefined.
 */
export function polaritiesOf(labels: readonly LabelChoice[]): readonly Polarity[] | undefined {
  if (labels.length < 2 || labels.length > 3) return undefined;
  const found = labels.map(
    ({ name, description }) => polarityOfName(name) ?? polarityOfDescription(description ?? ""),
  );
  const known = found.filter((polarity) => polarity !== undefined);
  return new Set(known).size === labels.length ? known : undefined;
}

const AXIS =
  /\b(sentiments?|satisfaction|polarity|valence|mood|favou?rab(?:le|ility)|positivity|happiness)\b/u;

/**
 * The polarity a boolean asks about: `is_positive`, `negative`, `unhappy_customer`, or a short
 * description such as "the text is negative". Undefined when it asks about anything else.
 */
export function polarityOfBoolean(name: string, description = ""): Polarity | undefined {
  const words = splitName(name).filter((word) => !FILLERS.has(word));
  const named = words.length === 1 ? polarityOfName(words[0] ?? "") : undefined;
  if (named !== undefined) return named;
  const isShort = description.split(/\s+/u).length <= 10;
  return isShort ? polarityOfDescription(description) : undefined;
}

/** True when a score's name or description asks how positive a text is. */
export function asksSentimentScore(name: string, description = ""): boolean {
  const text = `${splitName(name).join(" ")} ${description.toLowerCase()}`;
  return AXIS.test(text) || (/\bpositive\b/u.test(text) && /\bnegative\b/u.test(text));
}

const FILLERS = new Set(
  "is was are has sounds seems very review text customer feedback comment sentiment tone".split(
    " ",
  ),
);

/** The words of a field's name: `isRefundRequest` and `is_refund_request` give the same. */
export function splitName(name: string): string[] {
  return name
    .replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}
