/** The mark of a reading: two readings with the same mark make the same of every reply. */

import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import type { AnswerReading } from "./answer.ts";
import type { Validator } from "./validator.ts";

// To be counted up when the code that reads replies, or a provider's lines, makes something else of any of them.
const VERSION = 1;

/**
 * The mark of a reading of one provider's replies, 32 hexadecimal digits; null where answers are checked
 * by somebody's own code, of which nobody can tell whether it is the same.
 */
export function readingMark(reading: AnswerReading, provider: string): string | null {
  return reading.validate === null ? markOf(reading, { provider, check: null }) : null;
}

/**
 * The mark of what replies are read as within this process, the same as {@link readingMark} where there is one. Of
 * somebody's own code it names this process's own function, which no other process, and no other run of the code
 * that makes one, has.
 */
export function sheetMark(reading: AnswerReading, provider: string): string {
  const { validate } = reading;
  return markOf(reading, { provider, check: validate === null ? null : checkMark(validate) });
}

function markOf(
  { form, isStrict }: AnswerReading,
  { provider, check }: { readonly provider: string; readonly check: string | null },
): string {
  const asked = form as unknown as Json;
  const own = check === null ? {} : { check };
  return contentHash(canonicalJson({ version: VERSION, provider, form: asked, isStrict, ...own }));
}

const checks = new WeakMap<Validator, string>();

function checkMark(validate: Validator): string {
  const known = checks.get(validate) ?? crypto.randomUUID();
  checks.set(validate, known);
  return known;
}
