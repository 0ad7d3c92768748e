/** Where the members of a JSON object stand in its text; found without building the values. */

/** The members of one object, in the order of the text. */
export interface Members {
  /** Decoded names; one that stands twice is given twice. */
  readonly names: string[];
  /** `text.slice(starts[i], ends[i])` is the value of member i. */
  readonly starts: number[];
  readonly ends: number[];
}

/** The text is no JSON object; `at` is where that shows, in UTF-16 units. */
export class ScanFault extends Error {
  override readonly name = "ScanFault";
  readonly at: number;

  constructor(at: number) {
    super(`not a JSON object at ${at}`);
    this.at = at;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/** True for what JSON calls white space. */
export function isJsonSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/**
 * A function that finds the members of objects, faster for those with the names of the one before.
 *
 * With `wanted` it stops once it has found all of these names, so what stands behind them is not looked
 * at. It tells structure only: that values are valid JSON must be known already. What it gives is used
 * again at the next call.
 *
 * @throws {ScanFault} where the text has not the structure of an object.
 */
export function memberScanner(
  wanted: ReadonlySet<string> | null = null,
): (text: string) => Members {
  const names = nameReader();
  const starts: number[] = [];
  const ends: number[] = [];
  const members: Members = { names: names.found, starts, ends };
  const mostWanted = wanted?.size ?? Infinity;
  return (text) => {
    let position = 0;
    let found = 0;
    let at = spaceEnd(text, expected(text, spaceEnd(text, 0), openBrace));
    while (text.charCodeAt(at) !== closeBrace) {
      at = spaceEnd(text, names.read(text, at, position));
      const start = spaceEnd(text, expected(text, at, colon));
      const end = valueEnd(text, start);
      starts[position] = start;
      ends[position] = end;
      if (wanted?.has(names.found[position] ?? "") === true) found += 1;
      position += 1;
      if (found === mostWanted) return ended(position);
      at = spaceEnd(text, end);
      if (text.charCodeAt(at) === closeBrace) break;
      at = spaceEnd(text, expected(text, at, comma));
      if (text.charCodeAt(at) === closeBrace) throw new ScanFault(at);
    }
    if (spaceEnd(text, at + 1) !== text.length) throw new ScanFault(at + 1);
    return ended(position);
  };

  function ended(count: number): Members {
    names.found.length = count;
    return members;
  }
}

/** Reads names, those at the positions where they stood in the object before without decoding them. */
function nameReader(): {
  readonly found: string[];
  /** Gives where the name at `start` ends. */
  read(text: string, start: number, position: number): number;
} {
  const found: string[] = [];
  // As they stand in the text, quotes included, and decoded: by position in the last object.
  const written: string[] = [];
  const decoded: string[] = [];
  return {
    found,
    read: (text, start, position) => {
      const known = written[position];
      if (known !== undefined && text.startsWith(known, start)) {
        found[position] = decoded[position] ?? "";
        return start + known.length;
      }
      if (text.charCodeAt(start) !== quote) throw new ScanFault(start);
      const end = stringEnd(text, start);
      const raw = text.slice(start, end);
      const name = raw.includes("\\") ? (JSON.parse(raw) as string) : raw.slice(1, -1);
      written[position] = raw;
      decoded[position] = name;
      found[position] = name;
      return end;
    },
  };
}

function expected(text: string, at: number, code: number): number {
  if (text.charCodeAt(at) !== code) throw new ScanFault(at);
  return at + 1;
}

function spaceEnd(text: string, start: number): number {
  let at = start;
  while (isJsonSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** Just past the string that begins at `start`. */
function stringEnd(text: string, start: number): number {
  let at = start;
  for (;;) {
    at = text.indexOf('"', at + 1);
    if (at < 0) throw new ScanFault(text.length);
    let before = at - 1;
    while (text.charCodeAt(before) === backslash) before -= 1;
    if ((at - before) % 2 === 1) return at + 1;
  }
}

function valueEnd(text: string, start: number): number {
  const first = text.charCodeAt(start);
  if (first === quote) return stringEnd(text, start);
  if (first === openBrace || first === openBracket) return nestedEnd(text, start);
  let at = start;
  for (; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === comma || code === closeBrace || code === closeBracket || isJsonSpace(code)) break;
  }
  if (at === start) throw new ScanFault(at);
  return at;
}

function nestedEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) at = stringEnd(text, at) - 1;
    else if (code === openBrace || code === openBracket) depth += 1;
    else if (code === closeBrace || code === closeBracket) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  throw new ScanFault(text.length);
}
