/** JSON as a model wrote it, read strictly. */

import type { Json } from "../core/hash.ts";

/** The value of a text, or why it is none. */
export type ParsedText = { readonly json: Json } | { readonly problem: string };

/**
 * Reads JSON text. Never repaired: a text that names a member of an object twice is refused, since
 * readers differ in which one counts, and so are numbers beyond what a float can hold.
 */
export function parseJsonText(text: string): ParsedText {
  let json: Json;
  try {
    json = JSON.parse(text) as Json;
  } catch {
    return { problem: "is not JSON" };
  }
  const problem = problemOf(text) ?? endlessIn(json);
  return problem === null ? { json } : { problem };
}

/** What is wrong with the numbers of a value; null when nothing is. */
function endlessIn(json: Json | undefined): string | null {
  if (typeof json === "number")
    return Number.isFinite(json) ? null : "holds a number that is too large";
  if (typeof json !== "object" || json === null) return null;
  for (const member of Object.values(json) as readonly Json[]) {
    const problem = endlessIn(member);
    if (problem !== null) return problem;
  }
  return null;
}

// Deeper than any schema goes; what walks a value may then call itself for each level.
const MOST_LEVELS = 100;

/** What is wrong with a text that is known to be valid JSON; null when nothing is. */
function problemOf(text: string): string | null {
  const open: (Set<string> | null)[] = [];
  let word = "";
  for (let at = 0; at < text.length; at++) {
    switch (text.charAt(at)) {
      case '"': {
        const end = endOfString(text, at);
        word = text.slice(at, end);
        at = end - 1;
        break;
      }
      case "{":
      case "[":
        open.push(text[at] === "{" ? new Set() : null);
        if (open.length > MOST_LEVELS)
          return `is nested more than ${String(MOST_LEVELS)} levels deep`;
        break;
      case "}":
      case "]":
        open.pop();
        break;
      case ":": {
        const name = word.includes("\\") ? (JSON.parse(word) as string) : word.slice(1, -1);
        const names = open.at(-1);
        if (names?.has(name) === true) return `names ${JSON.stringify(name.slice(0, 80))} twice`;
        names?.add(name);
        break;
      }
    }
  }
  return null;
}

/** Where a string that begins at a quotation mark ends, after its last mark. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = text.indexOf('"', at);
    if (at < 0) return text.length;
    let escapes = at;
    while (text[escapes - 1] === "\\") escapes -= 1;
    if ((at - escapes) % 2 === 0) return at + 1;
  }
}

const FENCE = "```";

/** The text inside one fenced block that is the whole reply; the reply itself where it is no such block. */
export function unfenced(text: string): string {
  const block = text.trim();
  const start = block.indexOf("\n");
  if (start < 0 || !/^```[A-Za-z]*\s*$/.test(block.slice(0, start))) return text;
  const inner = block.slice(start + 1, -FENCE.length);
  return block.endsWith(FENCE) && !inner.includes(FENCE) ? inner : text;
}
