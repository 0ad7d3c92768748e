/** Replies become values: the answer's text is read in the form that was asked for, and never repaired. */

import type { NewCell } from "../core/column.ts";
import type { AnswerForm } from "../core/form.ts";

/** A value, or why the text is not one. */
export type Answer = { readonly value: NewCell } | { readonly invalid: string };

/**
 * The value an answer's text stands for.
 *
 * Free text is taken as it is; an empty one is invalid. Labels must be the JSON object that was asked
 * for, holding one of the labels; letter case is forgiven because some providers' strict modes change
 * it. Messages quote at most 80 characters of the reply.
 */
export function readAnswer(form: AnswerForm, text: string): Answer {
  if (form.kind === "text")
    return text === "" ? { invalid: "The reply is empty." } : { value: text };
  const parsed = parseJson(text);
  if (parsed === undefined) return { invalid: `The reply is not JSON: ${excerpt(text)}` };
  const label =
    typeof parsed === "object" && parsed !== null && "label" in parsed ? parsed.label : undefined;
  if (typeof label !== "string")
    return { invalid: `The reply has no label in the form asked for: ${excerpt(text)}` };
  const exact = form.labels.find(({ name }) => name === label);
  const close = form.labels.filter(({ name }) => name.toLowerCase() === label.toLowerCase());
  const match = exact ?? (close.length === 1 ? close[0] : undefined);
  return match === undefined
    ? { invalid: `The reply is none of the labels: ${excerpt(label)}` }
    : { value: match.name };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
