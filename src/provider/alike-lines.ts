/**
 * Reply lines that are alike but for a few places, read several times faster than as JSON.
 *
 * Of the million reply lines of a run nearly all say the same but for ids, counts of tokens and the answer. A
 * line that was read as JSON gives a pattern: every character of it but those places. A line that fits is known
 * to read as that one did, with its own values in them; any other is read as JSON.
 */

import { isDeepStrictEqual } from "node:util";
import type { Result } from "../core/result.ts";
import { NO_USAGE, type Usage } from "../core/usage.ts";

/** What stands in a place where lines may differ: nothing that counts, or what of the result. */
export type LinePlace = "nothing" | "customId" | "text" | keyof Usage;

/** The places, by their path within a line: `response.body.choices.0.message.content`. */
export type LinePlaces = Readonly<Record<string, LinePlace>>;

type Succeeded = Extract<Result, { readonly status: "succeeded" }>;

const MOST_PATTERNS = 4;
const MOST_PATTERN_CHARACTERS = 8192;
const MOST_LINE_CHARACTERS = 65_536;
const FIRST_TRIES = 8;
const LINES_FOR_A_TRY = 200;

/**
 * The same reading, faster where lines are alike. `read` must be pure, and must make of the places named
 * nothing but what they are named for: each pattern is tried with other values in them before it is used.
 */
export function alikeLines(
  read: (line: string) => Result,
  places: LinePlaces,
): (line: string) => Result {
  const patterns: Pattern[] = [];
  let tries = FIRST_TRIES;
  return (line) => {
    for (const [at, pattern] of patterns.entries()) {
      const result = pattern(line);
      if (result === null) continue;
      tries += 1 / LINES_FOR_A_TRY;
      // The one that fits most lines comes first.
      if (at > 0) patterns.unshift(...patterns.splice(at, 1));
      return result;
    }
    const result = read(line);
    if (tries >= 1 && result.status === "succeeded") {
      tries -= 1;
      const pattern = patternOf(line, { result, read, places });
      if (pattern !== null) patterns.splice(MOST_PATTERNS - 1, MOST_PATTERNS, pattern);
    }
    return result;
  };
}

/** Reads a line that fits; null for any other. */
type Pattern = (line: string) => Succeeded | null;

interface Known {
  readonly result: Succeeded;
  readonly read: (line: string) => Result;
  readonly places: LinePlaces;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly place: LinePlace;
}

function patternOf(line: string, { result, read, places }: Known): Pattern | null {
  if (line.length > MOST_LINE_CHARACTERS) return null;
  const spans = spansIn(line, places);
  const answer = spans?.find(({ place }) => place === "text");
  if (spans === null || answer === undefined) return null;
  if (line.length - (answer.end - answer.start) > MOST_PATTERN_CHARACTERS) return null;
  const at = spans.indexOf(answer);
  const before = expressionOf(line, { from: 0, to: answer.start, spans: spans.slice(0, at) });
  const after = expressionOf(line, {
    from: answer.end,
    to: line.length,
    spans: spans.slice(at + 1),
  });
  const pattern = reading(result, before, after);
  const isSound = [line, ...PROBES.map((seed) => probe(line, spans, seed))].every((one) =>
    isDeepStrictEqual(pattern(one), read(one)),
  );
  return isSound ? pattern : null;
}

const PROBES: readonly number[] = [1, 2];

/** The line with other values in its places. */
function probe(line: string, spans: readonly Span[], seed: number): string {
  let other = "";
  let end = 0;
  for (const [at, { start, end: next, place }] of spans.entries()) {
    const value = seed * 1000 + at;
    // Only an answer may hold what is written with a backslash.
    const text = place === "text" ? `other "${String(value)}"` : `other ${String(value)}`;
    other += line.slice(end, start) + JSON.stringify(line[start] === '"' ? text : value);
    end = next;
  }
  return other + line.slice(end);
}

interface Expression {
  readonly source: RegExp;
  /** What its groups hold, in order. */
  readonly groups: readonly Counted[];
}

type Counted = Exclude<LinePlace, "nothing" | "text">;

const PLAIN_TEXT = '"([^"\\\\\\x00-\\x1f]*)"';
const WHOLE_NUMBER = "(0|[1-9]\\d{0,14})";

function expressionOf(
  line: string,
  {
    from,
    to,
    spans,
  }: { readonly from: number; readonly to: number; readonly spans: readonly Span[] },
): Expression {
  let source = "";
  let end = from;
  const groups: Counted[] = [];
  for (const { start, end: next, place } of spans) {
    const value = line[start] === '"' ? PLAIN_TEXT : WHOLE_NUMBER;
    const counts = place !== "nothing" && place !== "text";
    source += escaped(line.slice(end, start)) + (counts ? value : value.replace("(", "(?:"));
    if (counts) groups.push(place);
    end = next;
  }
  source += escaped(line.slice(end, to));
  return { source: new RegExp(to === line.length ? `${source}$` : source, "y"), groups };
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

function reading(known: Succeeded, before: Expression, after: Expression): Pattern {
  const groups = [...before.groups, ...after.groups];
  const inFirst = before.groups.length;
  return (line) => {
    before.source.lastIndex = 0;
    const first = before.source.exec(line);
    if (first === null) return null;
    const start = before.source.lastIndex;
    if (line.charCodeAt(start) !== QUOTATION_MARK) return null;
    const end = endOfText(line, start);
    after.source.lastIndex = end;
    const second = after.source.exec(line);
    if (second === null) return null;
    const text = textIn(line, start, end);
    if (text === null) return null;
    let { customId } = known;
    const usage: { -readonly [Name in keyof Usage]: number } = { ...(known.usage ?? NO_USAGE) };
    for (let at = 0; at < groups.length; at += 1) {
      const place = groups[at];
      const value = first[at + 1] ?? second[at + 1 - inFirst] ?? "";
      if (place === "customId") customId = value;
      else if (place !== undefined) usage[place] = Number(value);
    }
    return { ...known, customId, text, usage: known.usage === null ? null : usage };
  };
}

/** Where a text that begins at its quotation mark ends, after its last mark; the line's end where it does not. */
function endOfText(line: string, start: number): number {
  for (let at = line.indexOf('"', start + 1); at >= 0; at = line.indexOf('"', at + 1)) {
    let escapes = at;
    while (line.charCodeAt(escapes - 1) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
  return line.length;
}

const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;
const NOT_PLAIN = /[\\\x00-\x1f]/;

/** The text that stands with its marks between two places; null where it is none, or empty. */
function textIn(line: string, start: number, end: number): string | null {
  const raw = line.slice(start + 1, end - 1);
  if (raw === "") return null;
  if (!NOT_PLAIN.test(raw)) return raw;
  try {
    return JSON.parse(line.slice(start, end)) as string;
  } catch {
    return null;
  }
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[^\s",:[\]{}]+|[[\]{},:]/gy;

/** Where the places stand in a line of JSON, in order; null where one that counts is there twice. */
function spansIn(line: string, places: LinePlaces): readonly Span[] | null {
  const spans: Span[] = [];
  const open: { readonly isObject: boolean; name: string; count: number }[] = [];
  let isName = false;
  for (const { 0: token, index } of tokensOf(line)) {
    const inside = open.at(-1);
    if (token === "{" || token === "[") open.push({ isObject: token === "{", name: "", count: 0 });
    else if (token === "}" || token === "]") open.pop();
    else if (token === "," && inside !== undefined) inside.count += 1;
    else if (isName && inside !== undefined) inside.name = JSON.parse(token) as string;
    else if (token !== ":") {
      const path = open.map(({ isObject, name, count }) => (isObject ? name : String(count)));
      const place = places[path.join(".")];
      const isValue = token.startsWith('"') || /^(?:0|[1-9]\d{0,14})$/.test(token);
      if (place !== undefined && isValue)
        spans.push({ start: index, end: index + token.length, place });
    }
    isName = token === "{" || (token === "," && open.at(-1)?.isObject === true);
  }
  const counted = spans.filter(({ place }) => place !== "nothing").map(({ place }) => place);
  return new Set(counted).size === counted.length ? spans : null;
}

function* tokensOf(line: string): Generator<{ readonly 0: string; readonly index: number }> {
  let end = 0;
  while (end < line.length) {
    TOKEN.lastIndex = end;
    const found = TOKEN.exec(line);
    if (found === null) end += 1;
    else {
      yield { 0: found[0], index: found.index };
      end = TOKEN.lastIndex;
    }
  }
}
