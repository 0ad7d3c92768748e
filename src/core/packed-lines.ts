/** Lines that ask packed requests, written as bytes where they are to stand. */

import type { LineForm } from "./line-form.ts";
import { NO_FORM, packedText, type PackedPlace } from "./packed.ts";

/** Writes the lines of packed requests whose custom_ids differ in their last number. */
export interface PackedLines {
  /** The most bytes a request's line may take; null where the line is to be had from its prompt alone. */
  mostBytes(place: PackedPlace): number | null;
  /** Writes a line without its line feed, with a number that ends its id; gives where it ends. */
  write(place: PackedPlace, number: number, to: LineTarget): number;
}

/** Where a line is written. */
export interface LineTarget {
  readonly target: Uint8Array;
  readonly at: number;
}

/** What the lines of one form have in common: up to the number, between it and the text, and after that. */
interface SharedBytes {
  readonly head: Uint8Array;
  readonly middle: Uint8Array;
  readonly last: Uint8Array;
  readonly length: number;
}

const MOST_DIGITS = 10;
// What JSON.stringify does is quicker for longer ones, byte for byte.
const LONG_TEXT_BYTES = 4096;
const QUOTE = 34;
const BACKSLASH = 92;
const FIRST_PRINTABLE = 32;
// As in \u0001.
const MOST_ESCAPED_BYTES = 6;
const DIGIT_ZERO = 48;

/** A writer of lines whose custom_ids begin so. */
export function packedLines(idStart: string): PackedLines {
  const byForm = new Map<LineForm, SharedBytes>();
  const sharedBy = (form: LineForm): SharedBytes => {
    const known = byForm.get(form);
    if (known !== undefined) return known;
    const [head, middle, last] = [form.start + idStart, form.middle, form.end].map((text) =>
      new TextEncoder().encode(text),
    ) as [Uint8Array, Uint8Array, Uint8Array];
    const made = { head, middle, last, length: head.length + middle.length + last.length };
    byForm.set(form, made);
    return made;
  };
  const formOf = ({ block, at }: PackedPlace): LineForm | undefined =>
    block.forms[block.form[at] ?? NO_FORM];
  return {
    mostBytes: (place) => {
      const form = formOf(place);
      const { length } = packedText(place);
      if (form === undefined || length > LONG_TEXT_BYTES) return null;
      return sharedBy(form).length + MOST_DIGITS + MOST_ESCAPED_BYTES * length + 2;
    },
    write: (place, number, { target, at }) => {
      const form = formOf(place);
      if (form === undefined)
        throw new RangeError(`there is no packed request ${String(place.at)}`);
      const { head, middle, last } = sharedBy(form);
      target.set(head, at);
      let end = writeDecimal(number, target, at + head.length);
      target.set(middle, end);
      end = writeJsonText(packedText(place), target, end + middle.length);
      target.set(last, end);
      return end + last.length;
    },
  };
}

/** Writes a whole number in decimal and gives where it ends. */
function writeDecimal(number: number, target: Uint8Array, at: number): number {
  let digits = 1;
  for (let rest = number; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
  let rest = number;
  for (let place = at + digits - 1; place >= at; place--) {
    target[place] = DIGIT_ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + digits;
}

/** Writes well-formed text as JSON.stringify does; gives where it ends. */
function writeJsonText(text: Uint8Array, target: Uint8Array, at: number): number {
  let end = at;
  target[end++] = QUOTE;
  // By place: going through the bytes themselves takes twice as long.
  let from = 0;
  while (from < text.length) {
    const byte = text[from++] ?? 0;
    if (STANDS_FOR_ITSELF[byte] === 1) target[end++] = byte;
    else for (const escaped of ESCAPES[byte] ?? []) target[end++] = escaped;
  }
  target[end++] = QUOTE;
  return end;
}

/** What JSON.stringify writes for the characters that cannot stand for themselves, by their code. */
const ESCAPES: readonly Uint8Array[] = Array.from({ length: BACKSLASH + 1 }, (_, code) =>
  new TextEncoder().encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);

const STANDS_FOR_ITSELF = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
