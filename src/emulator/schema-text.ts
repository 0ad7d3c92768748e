/** Texts that satisfy a JSON Schema. */
import type { JsonObject } from "./json.ts";
import { patternText } from "./pattern-text.ts";

/** The words that texts are made of. */
export const WORDS = ["amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "heron"];

/** How often a pattern is tried for a text of the right length. */
const TRIES = 50;

/** A text of the format, the pattern or the length that a schema asks for; `next` is a source of numbers in [0, 1). */
export function stringValue(schema: JsonObject, next: () => number): string {
  const { format, pattern, minLength, maxLength } = schema;
  const formatted = typeof format === "string" ? FORMATS[format] : undefined;
  if (formatted !== undefined) return formatted(next);
  const least = typeof minLength === "number" ? minLength : 0;
  const most = typeof maxLength === "number" ? maxLength : Infinity;
  const fits = (text: string): boolean => {
    const { length } = Array.from(text);
    return length >= least && length <= most;
  };
  if (typeof pattern === "string") {
    const tries = Array.from({ length: TRIES }, () => patternText(pattern, next));
    const found = tries.find((text) => text !== null && fits(text));
    if (found !== undefined && found !== null) return found;
  }
  const text = `${word(next)} ${word(next)}`;
  return text.padEnd(least, "x").slice(0, most);
}

function word(next: () => number): string {
  return WORDS[below(WORDS.length, next)] ?? "";
}

function below(count: number, next: () => number): number {
  return Math.floor(next() * count);
}

const FIRST_DAY_MS = Date.UTC(2000, 0, 1);
const DAYS = 20_000;

/** A day from 2000 on, as milliseconds. */
function dayMs(next: () => number): number {
  return FIRST_DAY_MS + below(DAYS, next) * 86_400_000;
}

function isoTime(next: () => number): string {
  return new Date(dayMs(next) + below(86_400, next) * 1000).toISOString();
}

function digits(count: number, next: () => number): string {
  return Array.from({ length: count }, () => below(16, next).toString(16)).join("");
}

const FORMATS: Readonly<Record<string, (next: () => number) => string>> = {
  date: (next) => new Date(dayMs(next)).toISOString().slice(0, 10),
  "date-time": (next) => isoTime(next).replace(".000", ""),
  time: (next) => isoTime(next).slice(11).replace(".000", ""),
  duration: (next) => `P${String(1 + below(30, next))}DT${String(1 + below(23, next))}H`,
  email: (next) => `${word(next)}@${word(next)}.example.com`,
  hostname: (next) => `${word(next)}.example.com`,
  ipv4: (next) => `192.0.2.${String(below(256, next))}`,
  ipv6: (next) => `2001:db8::${digits(4, next)}`,
  uri: (next) => `https://example.com/${word(next)}`,
  uuid: (next) =>
    [
      digits(8, next),
      digits(4, next),
      `4${digits(3, next)}`,
      `a${digits(3, next)}`,
      digits(12, next),
    ].join("-"),
};
