/**
 * Reply lines that are alike but for a few places, read several times faster than as JSON.
 *
 * Of the million reply lines of a run nearly all say the same but for ids, counts of tokens and the answer. A
 * line that was read as JSON gives a pattern: every character of it but those places. A line that fits is known
 * to read as that one did, with its own values in them; any other is read as JSON.
 */

import { isDeepStrictEqual } from "node:util";
import type { Piece } from "../core/lines.ts";
import type { Result } from "../core/result.ts";
import { NO_USAGE, type Usage, type UsageSum } from "../core/usage.ts";

/**
 * What stands in a place where lines may differ: nothing that counts, text of the request that nothing is made of
 * either, what of the result, or tokens and which of its counts they are part of.
 */
export type LinePlace = "nothing" | "echo" | "customId" | "text" | readonly (keyof Usage)[];

/**
 * The places, by their path within a line: `response.body.choices.0.message.content`. One that ends in `.*` names all
 * below it: `request.*`.
 */
export type LinePlaces = Readonly<Record<string, LinePlace>>;

/** The reading of lines, as texts and where they lie in bytes. */
export interface LineReading {
  readonly parse: (line: string) => Result;
  readonly parseIn: (piece: Piece, start: number, end: number) => Result;
}

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
export function alikeLines(read: (line: string) => Result, places: LinePlaces): LineReading {
  const patterns: Pattern[] = [];
  let tries = FIRST_TRIES;
  const fitting = (source: Source, start: number, end: number): Result | null => {
    for (const [at, pattern] of patterns.entries()) {
      const result = pattern(source, start, end);
      if (result === null) continue;
      tries += 1 / LINES_FOR_A_TRY;
      // The one that fits most lines comes first.
      if (at > 0) patterns.unshift(...patterns.splice(at, 1));
      return result;
    }
    return null;
  };
  const readAnew = (line: string): Result => {
    const result = read(line);
    if (tries >= 1 && result.status === "succeeded") {
      tries -= 1;
      const pattern = patternOf(line, { result, read, places });
      if (pattern !== null) patterns.splice(MOST_PATTERNS - 1, MOST_PATTERNS, pattern);
    }
    return result;
  };
  return {
    parse: (line) => fitting({ chars: line, bytes: null }, 0, line.length) ?? readAnew(line),
    parseIn: (piece, start, end) =>
      fitting({ chars: piece.chars(), bytes: piece.bytes }, start, end) ??
      readAnew(piece.bytes.toString("utf8", start, end)),
  };
}

/** Characters to look at; those of bytes are the bytes themselves, from which text is decoded that is not ASCII. */
interface Source {
  readonly chars: string;
  readonly bytes: Buffer | null;
}

/** Reads a line that fits; null for any other. */
type Pattern = (source: Source, start: number, end: number) => Succeeded | null;

interface Known {
  readonly result: Succeeded;
  readonly read: (line: string) => Result;
  readonly places: LinePlaces;
}

interface Span {
  readonly start: number;
  readonly end: number;
  readonly path: string;
  readonly place: LinePlace;
}

function patternOf(line: string, { result, read, places }: Known): Pattern | null {
  if (line.length > MOST_LINE_CHARACTERS) return null;
  const spans = spansIn(line, places);
  const answer = spans?.find(({ place }) => place === "text");
  if (spans === null || answer === undefined) return null;
  const free = spans.reduce((sum, { start, end }) => sum + end - start, 0);
  if (line.length - free > MOST_PATTERN_CHARACTERS) return null;
  const at = spans.indexOf(answer);
  const before = expressionOf(line, { from: 0, to: answer.start, spans: spans.slice(0, at) });
  const after = expressionOf(line, {
    from: answer.end,
    to: line.length,
    spans: spans.slice(at + 1),
  });
  // In bytes what is not ASCII is other characters.
  if (before === null || after === null) return null;
  const pattern = reading({ ...result, usage: constantUsage(line, result, spans) }, before, after);
  const isSound = [line, ...PROBES.map((seed) => probe(line, spans, seed))].every((one) =>
    isDeepStrictEqual(pattern({ chars: one, bytes: null }, 0, one.length), read(one)),
  );
  return isSound ? pattern : null;
}

/** What of the tokens does not stand in one of the places. */
function constantUsage(
  line: string,
  { usage }: Succeeded,
  spans: readonly Span[],
): UsageSum | null {
  if (usage === null) return null;
  const rest = { ...usage };
  for (const { start, end, place } of spans)
    if (typeof place !== "string")
      for (const kind of place) rest[kind] -= Number(line.slice(start, end));
  return rest;
}

const PROBES: readonly number[] = [1, 2];

/** The line with other values in its places. */
function probe(line: string, spans: readonly Span[], seed: number): string {
  let other = "";
  let end = 0;
  for (const [at, { start, end: next, place }] of spans.entries()) {
    const value = seed * 1000 + at * at;
    // Only what a person or a model wrote may hold what is written with a backslash.
    const isWritten = place === "text" || place === "echo";
    const text = isWritten ? `other "${String(value)}"` : `other ${String(value)}`;
    other += line.slice(end, start) + JSON.stringify(line[start] === '"' ? text : value);
    end = next;
  }
  return other + line.slice(end);
}

interface Expression {
  /** What stands before, between and after texts of the request. */
  readonly parts: readonly RegExp[];
  /** What their groups hold, in order. */
  readonly groups: readonly Counted[];
}

type Counted = Exclude<LinePlace, "nothing" | "echo" | "text">;

const PLAIN_TEXT = '"[^"\\\\\\x00-\\x1f]*"';
const PLAIN_ASCII = '"([^"\\\\\\x00-\\x1f\\x80-\\uffff]*)"';
const ANY_NUMBER = "-?(?:0|[1-9]\\d*)(?:\\.\\d+)?(?:[eE][-+]?\\d+)?";
const WHOLE_NUMBER = "(0|[1-9]\\d{0,14})";
const ASCII = /^[\x00-\x7f]*$/;

function expressionOf(
  line: string,
  {
    from,
    to,
    spans,
  }: { readonly from: number; readonly to: number; readonly spans: readonly Span[] },
): Expression | null {
  const parts: RegExp[] = [];
  let source = "";
  let fixed = "";
  let end = from;
  const groups: Counted[] = [];
  for (const { start, end: next, place } of spans) {
    const isText = line[start] === '"';
    fixed += line.slice(end, start);
    source += escaped(line.slice(end, start));
    if (place === "echo") {
      parts.push(new RegExp(source, "y"));
      source = "";
    } else if (place === "nothing" || place === "text") source += isText ? PLAIN_TEXT : ANY_NUMBER;
    else {
      source += isText ? PLAIN_ASCII : WHOLE_NUMBER;
      groups.push(place);
    }
    end = next;
  }
  fixed += line.slice(end, to);
  source += escaped(line.slice(end, to));
  parts.push(new RegExp(source, "y"));
  return ASCII.test(fixed) ? { parts, groups } : null;
}

/** Where what fits an expression from here on ends, its groups' values put after those there are; -1 where it does not fit. */
function endOfFit(
  { parts }: Expression,
  { chars, start, values }: { chars: string; start: number; values: string[] },
): number {
  let at = start;
  for (let index = 0; index < parts.length; index += 1) {
    const part = parts[index];
    if (index > 0) at = endOfSoundText(chars, at);
    if (at < 0 || part === undefined) return -1;
    part.lastIndex = at;
    const found = part.exec(chars);
    if (found === null) return -1;
    for (let group = 1; group < found.length; group += 1) values.push(found[group] ?? "");
    at = part.lastIndex;
  }
  return at;
}

/**
 * Where a text of JSON that begins here ends, after its last mark; -1 where none does. Every character is looked at, so
 * that no line is taken for JSON that is none.
 */
function endOfSoundText(chars: string, start: number): number {
  if (chars.charCodeAt(start) !== QUOTATION_MARK) return -1;
  let at = start + 1;
  for (;;) {
    SOUND_TEXT.lastIndex = at;
    SOUND_TEXT.test(chars);
    const end = SOUND_TEXT.lastIndex;
    if (chars.charCodeAt(end) === QUOTATION_MARK) return end + 1;
    if (end === at) return -1;
    at = end;
  }
}

// Some escapes at a time: each takes memory until the match is over.
const SOUND_TEXT = /[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[\da-fA-F]{4})[^"\\\x00-\x1f]*){0,500}/y;

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The reading of lines like one that is known; its usage is what does not stand in the places. */
function reading(known: Succeeded, before: Expression, after: Expression): Pattern {
  const groups = [...before.groups, ...after.groups];
  const textAt = textReader();
  return (source, start, end) => {
    const { chars } = source;
    const values: string[] = [];
    const from = endOfFit(before, { chars, start, values });
    if (chars.charCodeAt(from) !== QUOTATION_MARK) return null;
    const to = endOfText(chars, from);
    // The next line's first characters may be those that would have to follow.
    if (to > end) return null;
    if (endOfFit(after, { chars, start: to, values }) !== end) return null;
    const text = textAt(source, from, to);
    if (text === null) return null;
    let { customId } = known;
    const usage: UsageSum = { ...(known.usage ?? NO_USAGE) };
    for (let at = 0; at < groups.length; at += 1) {
      const place = groups[at];
      const value = values[at] ?? "";
      if (place === "customId") customId = value;
      else if (place !== undefined) for (const kind of place) usage[kind] += Number(value);
    }
    return { ...known, customId, text, usage: known.usage === null ? null : usage };
  };
}

/** Where a text that begins at its quotation mark ends, after its last mark; the end of all where it does not. */
function endOfText(chars: string, start: number): number {
  for (let at = chars.indexOf('"', start + 1); at >= 0; at = chars.indexOf('"', at + 1)) {
    let escapes = at;
    while (chars.charCodeAt(escapes - 1) === BACKSLASH) escapes -= 1;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
  return chars.length + 1;
}

const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;
const NOT_PLAIN = /[\\\x00-\x1f]/;

/** The text that stands with its marks between two places; null where it is none, or empty. */
function textIn({ chars, bytes }: Source, start: number, end: number): string | null {
  // A part of `chars` would keep all of them in memory for as long as the text is.
  const quoted = bytes?.toString("utf8", start, end) ?? chars.slice(start, end);
  if (quoted === '""') return null;
  if (!NOT_PLAIN.test(quoted)) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return null;
  }
}

const SHORT = 100;
const MOST_KNOWN = 1000;

/** The same, short texts in bytes worked out once: a million answers choose from a few. */
function textReader(): typeof textIn {
  const known = new Map<string, string>();
  return (source, start, end) => {
    const { chars, bytes } = source;
    if (bytes === null || end - start > SHORT) return textIn(source, start, end);
    const before = known.get(chars.slice(start, end));
    if (before !== undefined) return before;
    const text = textIn(source, start, end);
    if (text !== null && known.size < MOST_KNOWN)
      known.set(bytes.toString("latin1", start, end), text);
    return text;
  };
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
      const path = open
        .map(({ isObject, name, count }) => (isObject ? name : String(count)))
        .join(".");
      const place = places[path] ?? below(path, places);
      if (place !== undefined && isValueFor(place, token))
        spans.push({ start: index, end: index + token.length, path, place });
    }
    isName = token === "{" || (token === "," && open.at(-1)?.isObject === true);
  }
  const counted = spans
    .filter(({ place }) => place !== "nothing" && place !== "echo")
    .map(({ path, place }) => (typeof place === "string" ? place : path));
  return new Set(counted).size === counted.length ? spans : null;
}

/** The place that all below a path's beginning are. */
function below(path: string, places: LinePlaces): LinePlace | undefined {
  const [above = ""] = path.split(".", 1);
  return places[`${above}.*`];
}

function isValueFor(place: LinePlace, token: string): boolean {
  if (place === "nothing") return token.startsWith('"') || /^-?\d/.test(token);
  if (typeof place === "string") return token.startsWith('"');
  return /^(?:0|[1-9]\d{0,14})$/.test(token);
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
