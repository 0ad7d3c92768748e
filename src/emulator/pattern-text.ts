/** Texts that match a regular expression, drawn from a seed. */

/** Gives texts of one pattern; `next` is a source of numbers in [0, 1). */
type Writer = (next: () => number) => string;

/** How often `*` and `+` repeat at most. */
const MOST_REPEATS = 3;

/**
 * A text that matches `pattern`, from `next`; null for a pattern with parts beyond literals, classes,
 * groups, alternatives, quantifiers, and anchors at its ends, and for what is no pattern at all.
 */
export function patternText(pattern: string, next: () => number): string | null {
  const reader = { pattern, at: 0 };
  try {
    const expression = new RegExp(pattern, "u");
    const write = alternatives(reader);
    const text = reader.at === pattern.length ? write(next) : null;
    return text !== null && expression.test(text) ? text : null;
  } catch {
    return null;
  }
}

interface Reader {
  readonly pattern: string;
  at: number;
}

class Unwritable extends Error {}

function alternatives(reader: Reader): Writer {
  const choices = [sequence(reader)];
  while (reader.pattern[reader.at] === "|") {
    reader.at += 1;
    choices.push(sequence(reader));
  }
  return (next) => (choices[Math.floor(next() * choices.length)] ?? nothing)(next);
}

const nothing: Writer = () => "";

function sequence(reader: Reader): Writer {
  const parts: Writer[] = [];
  for (let sign = reader.pattern[reader.at]; sign !== undefined; sign = reader.pattern[reader.at]) {
    if (sign === "|" || sign === ")") break;
    parts.push(repeated(atom(reader), reader));
  }
  return (next) => parts.map((part) => part(next)).join("");
}

function atom(reader: Reader): Writer {
  const sign = String.fromCodePoint(reader.pattern.codePointAt(reader.at) ?? 0);
  reader.at += sign.length;
  if (sign === "^" || sign === "$") return nothing;
  if (sign === ".") return oneOf(CLASSES["w"] ?? "");
  if (sign === "[") return oneOf(charactersOf(reader));
  if (sign === "(") return group(reader);
  return sign === "\\" ? oneOf(escaped(reader)) : () => sign;
}

function group(reader: Reader): Writer {
  const opening = /^\?(?::|<[A-Za-z]\w*>)/.exec(reader.pattern.slice(reader.at))?.[0] ?? "";
  reader.at += opening.length;
  if (reader.pattern[reader.at] === "?") throw new Unwritable();
  const inner = alternatives(reader);
  reader.at += 1;
  return inner;
}

const QUANTIFIER = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/;

function repeated(one: Writer, reader: Reader): Writer {
  const found = QUANTIFIER.exec(reader.pattern.slice(reader.at));
  if (found === null) return one;
  const [whole, sign, least = "0", comma, most = ""] = found;
  reader.at += whole.length;
  const from = sign === undefined ? Number(least) : sign === "+" ? 1 : 0;
  const isExact = sign === undefined && comma === undefined;
  const to = isExact ? from : sign === "?" ? 1 : most === "" ? from + MOST_REPEATS : Number(most);
  return (next) => {
    const times = from + Math.floor(next() * (to - from + 1));
    return Array.from({ length: times }, () => one(next)).join("");
  };
}

function oneOf(characters: string): Writer {
  const all = Array.from(characters);
  if (all.length === 0) throw new Unwritable();
  return (next) => all[Math.floor(next() * all.length)] ?? "";
}

const span = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)).join("");

const DIGITS = span(48, 57);
const LETTERS = span(65, 90) + span(97, 122);
const PRINTABLE = span(32, 126);

const CLASSES: Readonly<Record<string, string>> = {
  d: DIGITS,
  w: `${LETTERS}${DIGITS}_`,
  s: " ",
  D: LETTERS,
  W: " -.,",
  S: LETTERS,
  n: "\n",
  t: "\t",
  r: "\r",
};

function escaped(reader: Reader): string {
  const sign = reader.pattern[reader.at] ?? "";
  reader.at += 1;
  const known = CLASSES[sign];
  if (known !== undefined) return known;
  // Word boundaries, back references, code points and properties are beyond this.
  if (/[A-Za-z0-9]/.test(sign)) throw new Unwritable();
  return sign;
}

const MOST_IN_SPAN = 1000;

/** The characters of a class that begins after its bracket; those printable in ASCII that are left where it begins with `^`. */
function charactersOf(reader: Reader): string {
  const isNegated = reader.pattern[reader.at] === "^";
  if (isNegated) reader.at += 1;
  let characters = "";
  while (reader.pattern[reader.at] !== "]") {
    const from = classCharacter(reader);
    const isSpan = reader.pattern[reader.at] === "-" && reader.pattern[reader.at + 1] !== "]";
    if (!isSpan) {
      characters += from;
      continue;
    }
    reader.at += 1;
    const [first, last] = [from.codePointAt(0) ?? 0, classCharacter(reader).codePointAt(0) ?? 0];
    characters += span(first, Math.min(last, first + MOST_IN_SPAN));
  }
  reader.at += 1;
  return isNegated
    ? Array.from(PRINTABLE)
        .filter((sign) => !characters.includes(sign))
        .join("")
    : characters;
}

function classCharacter(reader: Reader): string {
  const sign = String.fromCodePoint(reader.pattern.codePointAt(reader.at) ?? 0);
  reader.at += sign.length;
  return sign === "\\" ? escaped(reader) : sign;
}
