/** JSON Lines and JSON arrays cut into the objects they hold and what stands between them. */

import { StringDecoder } from "node:string_decoder";
import { isJsonSpace } from "./json-scan.ts";

/** How objects are written one after another: a line each, or as the elements of one array. */
export type JsonLayout = "jsonl" | "json";

/** Objects in order. `gaps[i]` is the text between the one before and `texts[i]`; together they are the file. */
export interface JsonBatch {
  readonly gaps: readonly string[];
  readonly texts: readonly string[];
  /** What follows the last object; "" but in the last batch, which has no objects. */
  readonly tail: string;
  /** The line, counted from 1, on which the first gap begins. */
  readonly line: number;
}

/** What a file is instead of a sequence of objects. */
export class JsonFault extends Error {
  override readonly name = "JsonFault";
  readonly kind: "not_object" | "not_array" | "separator" | "cut_short" | "trailing" | "size";
  readonly line: number;

  constructor(kind: JsonFault["kind"], line: number) {
    super(`${kind} on line ${line}`);
    this.kind = kind;
    this.line = line;
  }
}

/** The longest object taken, in UTF-16 units: an array without its end would else be held whole. */
const maxObjectUnits = 128 * 1024 * 1024;

/** How many lines a text ends. */
export function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** The line, counted from 1, on which object `index` of a batch begins. */
export function lineOf({ gaps, texts, line }: JsonBatch, index: number): number {
  const before = [...gaps.slice(0, index + 1), ...texts.slice(0, index)];
  return before.reduce((sum, text) => sum + lineFeeds(text), line);
}

/**
 * The objects of a file, one batch for each chunk that ends one, and a last batch with the tail.
 *
 * Objects are told by their braces; that what stands between is JSON must be known already. The chunks
 * must be UTF-8. A byte order mark is part of the first gap, blank lines and line endings are of all.
 *
 * @throws {JsonFault} at the first thing that is no object; batches before it have been given.
 */
export async function* jsonBatches(
  chunks: AsyncIterable<Buffer>,
  layout: JsonLayout,
): AsyncGenerator<JsonBatch> {
  const decoder = new StringDecoder("utf8");
  const cutter = layout === "jsonl" ? lineCutter() : arrayCutter();
  const collector = batchCollector();
  for await (const chunk of chunks) {
    cutter.take(decoder.write(chunk), collector);
    if (collector.count() > 0) yield collector.batch();
  }
  yield collector.lastBatch(cutter.end(collector));
}

interface Collector {
  add(gap: string, text: string): void;
  count(): number;
  batch(): JsonBatch;
  lastBatch(tail: string): JsonBatch;
  /** The line on which text that follows `before`, which follows what was added, stands. */
  lineAfter(before: string): number;
}

function batchCollector(): Collector {
  let gaps: string[] = [];
  let texts: string[] = [];
  let line = 1;
  const batch = (tail: string): JsonBatch => {
    const made = { gaps, texts, tail, line };
    line = lineOf(made, texts.length);
    gaps = [];
    texts = [];
    return made;
  };
  return {
    add: (gap, text) => {
      gaps.push(gap);
      texts.push(text);
    },
    count: () => texts.length,
    batch: () => batch(""),
    lastBatch: batch,
    lineAfter: (before) =>
      lineOf({ gaps, texts, tail: "", line }, texts.length) + lineFeeds(before),
  };
}

interface Cutter {
  take(text: string, into: Collector): void;
  /** Ends the file; gives what follows the last object. */
  end(into: Collector): string;
}

const byteOrderMark = 0xfeff;

function lineCutter(): Cutter {
  // A line that has not ended, in the pieces it came in: joined once, however long it gets.
  let held: string[] = [];
  let heldUnits = 0;
  let gap = "";
  let isStart = true;
  const cut = (text: string, into: Collector): void => {
    let from = isStart && text.charCodeAt(0) === byteOrderMark ? 1 : 0;
    isStart = false;
    let gapStart = 0;
    while (from < text.length) {
      const feed = text.indexOf("\n", from);
      const lineEnd = feed < 0 ? text.length : feed;
      let start = from;
      let end = lineEnd;
      while (start < end && isJsonSpace(text.charCodeAt(start))) start += 1;
      while (end > start && isJsonSpace(text.charCodeAt(end - 1))) end -= 1;
      if (start < end) {
        const before = gap + text.slice(gapStart, start);
        if (text.charCodeAt(start) !== openBrace || text.charCodeAt(end - 1) !== closeBrace) {
          throw new JsonFault("not_object", into.lineAfter(before));
        }
        into.add(before, text.slice(start, end));
        gap = "";
        gapStart = end;
      }
      from = lineEnd + 1;
    }
    gap += text.slice(gapStart);
  };
  return {
    take: (text, into) => {
      const last = text.lastIndexOf("\n");
      if (last >= 0) {
        held.push(text.slice(0, last + 1));
        cut(held.join(""), into);
        held = [];
        heldUnits = 0;
      }
      held.push(text.slice(last + 1));
      heldUnits += text.length - last - 1;
      if (heldUnits > maxObjectUnits) throw new JsonFault("size", into.lineAfter(gap));
    },
    end: (into) => {
      cut(held.join(""), into);
      return gap;
    },
  };
}

const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const quote = 0x22;
const backslash = 0x5c;

/** What comes next in an array. */
type Due = "array" | "first" | "object" | "separator" | "nothing";

function arrayCutter(): Cutter {
  let due: Due = "array";
  let held: string[] = [];
  let heldUnits = 0;
  let gap = "";
  let isStart = true;
  const within = objectWalker();
  const next = (code: number, place: () => number): Due => {
    switch (due) {
      case "array":
        if (code === openBracket) return "first";
        throw new JsonFault("not_array", place());
      case "first":
        if (code === closeBracket) return "nothing";
        throw new JsonFault("not_object", place());
      case "object":
        throw new JsonFault("not_object", place());
      case "separator":
        if (code === comma) return "object";
        if (code === closeBracket) return "nothing";
        throw new JsonFault("separator", place());
      case "nothing":
        throw new JsonFault("trailing", place());
    }
  };
  return {
    take: (text, into) => {
      let at = isStart && text.charCodeAt(0) === byteOrderMark ? 1 : 0;
      if (text.length > 0) isStart = false;
      let start = 0;
      while (at < text.length) {
        if (within.isOpen()) {
          const end = within.walk(text, at);
          if (end === null) break;
          into.add(gap, held.join("") + text.slice(start, end));
          held = [];
          heldUnits = 0;
          gap = "";
          due = "separator";
          at = end;
          start = end;
          continue;
        }
        const code = text.charCodeAt(at);
        if (code === openBrace && (due === "first" || due === "object")) {
          gap += text.slice(start, at);
          start = at;
          within.open();
          continue;
        }
        const here = at;
        if (!isJsonSpace(code))
          due = next(code, () => into.lineAfter(gap + text.slice(start, here)));
        at += 1;
      }
      if (!within.isOpen()) {
        gap += text.slice(start);
        return;
      }
      held.push(text.slice(start));
      heldUnits += text.length - start;
      if (heldUnits > maxObjectUnits) throw new JsonFault("size", into.lineAfter(gap));
    },
    end: (into) => {
      // White space alone is an empty file, which is for the reader to judge.
      if (due === "nothing" || due === "array") return gap;
      throw new JsonFault("cut_short", into.lineAfter(gap));
    },
  };
}

/** Walks from an object's opening brace to just past its closing one, over as many texts as it takes. */
function objectWalker(): {
  isOpen(): boolean;
  open(): void;
  /** Where the object ends; null where it does not in this text. */
  walk(text: string, from: number): number | null;
} {
  let isOpen = false;
  let depth = 0;
  let inString = false;
  // The text before ended within a string, on a backslash that escapes the first unit of the next.
  let isEscaped = false;
  const stringEnd = (text: string, from: number): number => {
    let first = isEscaped ? from + 1 : from;
    isEscaped = false;
    for (;;) {
      const at = text.indexOf('"', first);
      const end = at < 0 ? text.length : at;
      let before = end;
      while (before > first && text.charCodeAt(before - 1) === backslash) before -= 1;
      const isOdd = (end - before) % 2 === 1;
      if (at < 0) {
        isEscaped = isOdd;
        return -1;
      }
      if (!isOdd) return at + 1;
      first = at + 1;
    }
  };
  return {
    isOpen: () => isOpen,
    open: () => {
      isOpen = true;
      depth = 0;
    },
    walk: (text, from) => {
      let at = from;
      while (at < text.length) {
        if (inString) {
          at = stringEnd(text, at);
          if (at < 0) return null;
          inString = false;
          continue;
        }
        const code = text.charCodeAt(at);
        at += 1;
        if (code === quote) inString = true;
        else if (code === openBrace || code === openBracket) depth += 1;
        else if (code === closeBrace || code === closeBracket) depth -= 1;
        if (depth > 0) continue;
        isOpen = false;
        return at;
      }
      return null;
    },
  };
}
