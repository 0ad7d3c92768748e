/** Answers as people give them: read and checked as a model's reply would be. */

import { isEnclosed, WRAPPED, type AnswerForm } from "../core/form.ts";
import { canonicalJson, type Json } from "../core/hash.ts";
import { readAnswer, type Answer, type AnswerReading } from "./answer.ts";

/**
 * What somebody typed as an answer of this form: labels as JSON or cut by commas or semicolons, what a
 * schema describes as JSON, anything else as it is. Null for what is no JSON though it must be.
 */
export function givenAnswer(form: AnswerForm, text: string): Json {
  const typed = text.trim();
  if (form.kind === "text") return text;
  if (form.kind === "labels" && form.multi !== true) return typed;
  try {
    if (form.kind !== "labels" || typed.startsWith("[")) return JSON.parse(typed) as Json;
  } catch {
    return null;
  }
  return typed
    .split(/[,;]/)
    .map((label) => label.trim())
    .filter((label) => label !== "");
}

/** The value of a given answer, by the check that every reply must pass; or why it is none. */
export async function readGiven(reading: AnswerReading, given: Json): Promise<Answer> {
  const { form } = reading;
  if (form.kind === "text")
    return await readAnswer(reading, { text: typeof given === "string" ? given : "" });
  const reply =
    form.kind === "labels"
      ? { [form.multi === true ? "labels" : "label"]: given }
      : form.kind === "object" && isEnclosed(form)
        ? { [WRAPPED]: given }
        : given;
  return await readAnswer(reading, { text: canonicalJson(reply) });
}

/** An answer's value as one cell of text, the same for equal values; null for none. */
export function answerText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === "string" ? value : canonicalJson(plain(value));
}

/** As JSON would hold it: a date is its text, and what is undefined is left out. */
function plain(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
