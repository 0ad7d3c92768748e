/** Which types the values of JSON files have: found while they are read, so that typed files can have them. */

import type { CellType, RawCell } from "./cell-type.ts";
import type { TypedField } from "./frame.ts";
import { jsonText } from "./json-cells.ts";

/** What was seen among the values of one name: bits of {@link SEEN}, 0 where there was nothing but null. */
export type JsonSeen = number;

const SEEN = {
  boolean: 1,
  text: 2,
  nested: 4,
  /** Integers that 64 bits hold with a sign. */
  signed: 8,
  /** Integers that 64 bits hold only without one. */
  unsigned: 16,
  /** Integers past both. */
  beyond: 32,
  negative: 64,
  /** Numbers written with a point or an exponent, and minus zero, which no integer is. */
  fraction: 128,
  /** Numbers that would not come back from a 64-bit float with the digits they have. */
  inexact: 256,
} as const;

const INTEGERS = SEEN.signed | SEEN.unsigned | SEEN.beyond;
const NUMBERS = INTEGERS | SEEN.fraction;

/** What one value is, which stands in `text` from `start` to `end` and is known to be JSON. */
export function jsonSeen(text: string, start: number, end: number): JsonSeen {
  switch (text.charCodeAt(start)) {
    case 0x22:
      return SEEN.text;
    case 0x7b:
    case 0x5b:
      return SEEN.nested;
    case 0x74:
    case 0x66:
      return SEEN.boolean;
    case 0x6e:
      return 0;
    default:
      return numberSeen(text, start, end);
  }
}

/** So many decimal digits come back from any 64-bit float that is not far from 1, and fit any integer. */
const SAFE_DIGITS = 15;

function numberSeen(text: string, start: number, end: number): JsonSeen {
  const isNegative = text.charCodeAt(start) === 0x2d;
  let isFraction = false;
  let isFar = false;
  for (let at = start; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x2e) isFraction = true;
    else if (code === 0x65 || code === 0x45) isFar = true;
  }
  const isShort = end - start <= SAFE_DIGITS && !isFar;
  if (isFraction || isFar)
    return SEEN.fraction | (isShort || isExact(text.slice(start, end)) ? 0 : SEEN.inexact);
  const sign = isNegative ? SEEN.negative : 0;
  if (isShort) {
    const isMinusZero = isNegative && end - start === 2 && text.charCodeAt(start + 1) === 0x30;
    return isMinusZero ? SEEN.fraction : SEEN.signed | sign;
  }
  const source = text.slice(start, end);
  const value = BigInt(source);
  const number = Number(source);
  // An integer is kept to the last digit or not at all, however many of its digits are zeros.
  const isKept = Number.isFinite(number) && BigInt(number) === value;
  return widthOf(value) | sign | (isKept ? 0 : SEEN.inexact);
}

function widthOf(value: bigint): JsonSeen {
  if (BigInt.asIntN(64, value) === value) return SEEN.signed;
  return BigInt.asUintN(64, value) === value ? SEEN.unsigned : SEEN.beyond;
}

/** More digits than JavaScript prints of a number. */
const MOST_DIGITS = 100;

/** Whether a 64-bit float, printed with as many digits as the text has, gives the number of the text. */
function isExact(source: string): boolean {
  const number = Number(source);
  // As most programs print their floats; all else takes several times as long to judge.
  if (String(number) === source) return true;
  const value = Math.abs(number);
  const { digits, exponent } = decimalOf(source);
  if (digits === "") return true;
  if (!Number.isFinite(value) || value === 0 || digits.length > MOST_DIGITS) return false;
  const printed = decimalOf(value.toPrecision(digits.length));
  return printed.digits === digits && printed.exponent === exponent;
}

/** A number as `0.digits` times ten to the exponent, without zeros at either end. */
function decimalOf(source: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = "", power = "0"] = source.replace(/^-/, "").split(/[eE]/);
  const [whole = "", rest = ""] = mantissa.split(".");
  const all = whole + rest;
  const significant = all.replace(/^0+/, "");
  const digits = significant.replace(/0+$/, "");
  const exponent = whole.length - (all.length - significant.length) + Number(power);
  return { digits, exponent };
}

/** The field of a column, by what was seen of it; its type is text where values of several types were. */
export function jsonField(name: string, seen: JsonSeen): TypedField {
  const type = typeOf(seen);
  const told = type.kind === "text" ? toldOf(seen) : null;
  return { name, type, ...(told === null ? {} : { told }) };
}

function typeOf(seen: JsonSeen): CellType {
  if (seen === SEEN.boolean) return { kind: "boolean" };
  const isNumber =
    (seen & NUMBERS) !== 0 && (seen & ~(NUMBERS | SEEN.negative | SEEN.inexact)) === 0;
  if (!isNumber) return { kind: "text" };
  if ((seen & SEEN.fraction) !== 0)
    return (seen & SEEN.inexact) === 0 ? { kind: "float", bits: 64 } : { kind: "text" };
  if ((seen & INTEGERS) === SEEN.signed) return { kind: "integer", bits: 64, isSigned: true };
  const isUnsigned = (seen & (SEEN.beyond | SEEN.negative)) === 0;
  return isUnsigned ? { kind: "integer", bits: 64, isSigned: false } : { kind: "text" };
}

/** Why a column of what was seen is text, in words; null where it is nothing but text. */
function toldOf(seen: JsonSeen): string | null {
  const kinds = [
    ...((seen & SEEN.boolean) === 0 ? [] : ["booleans"]),
    ...((seen & NUMBERS) === 0 ? [] : ["numbers"]),
    ...((seen & SEEN.text) === 0 ? [] : ["text"]),
    ...((seen & SEEN.nested) === 0 ? [] : ["lists or objects"]),
  ];
  if (kinds.length > 1) return `hold ${kinds.slice(0, -1).join(", ")} and ${kinds.at(-1) ?? ""}`;
  if ((seen & SEEN.nested) !== 0) return "hold lists or objects";
  if ((seen & NUMBERS) === 0) return null;
  const isWhole = (seen & SEEN.fraction) === 0;
  return isWhole ? "hold integers past 64 bits" : "hold numbers that a 64-bit float would round";
}

/** A value's text as it stands in the file, as the cell of a column of this type. */
export function jsonRaw(raw: string | null, type: CellType): RawCell {
  if (raw === null || raw === "null") return null;
  switch (type.kind) {
    case "boolean":
      return raw === "true";
    case "float":
      return Number(raw);
    case "integer":
      return raw.length <= SAFE_DIGITS ? Number(raw) : BigInt(raw);
    default:
      return jsonText(raw);
  }
}
