/** Lines that ask packed requests, written as bytes where they are to stand. */

import type { LineForm } from "./line-form.ts";
import { jsonText, NO_FORM, type PackedPlace } from "./packed.ts";

/** Writes the lines of packed requests whose custom_ids differ in their last number. */
export interface PackedLines {
  /** The most bytes a request's line may take; null where it has no form. */
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
      if (form === undefined) return null;
      return sharedBy(form).length + MOST_DIGITS + jsonText(place).length;
    },
    write: (place, number, { target, at }) => {
      const form = formOf(place);
      if (form === undefined)
        throw new RangeError(`there is no packed request ${String(place.at)}`);
      const { head, middle, last } = sharedBy(form);
      target.set(head, at);
      let end = writeDecimal(number, target, at + head.length);
      target.set(middle, end);
      const text = jsonText(place);
      end += middle.length;
      target.set(text, end);
      end += text.length;
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
