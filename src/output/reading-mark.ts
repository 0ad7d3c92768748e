/** The mark of a reading: two readings with the same mark make the same of every reply. */

import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import type { AnswerReading } from "./answer.ts";

// To be counted up when the code that reads replies, or a provider's lines, makes something else of any of them.
const VERSION = 1;

/**
 * The mark of a reading of one provider's replies, 32 hexadecimal digits; null where answers are checked
 * by somebody's own code, of which nobody can tell whether it is the same.
 */
export function readingMark(reading: AnswerReading, provider: string): string | null {
  const { form, validate, isStrict } = reading;
  if (validate !== null) return null;
  const asked = form as unknown as Json;
  return contentHash(canonicalJson({ version: VERSION, provider, form: asked, isStrict }));
}
