/** Short stand-ins for texts and JSON values: small enough to be counted by the million. */
import type { DrawKey } from "./random.ts";

// Two lanes of 32 bits, kept here so that hashing a text makes no object.
let left = 0;
let right = 0;

const LEFT_START = 0x2545f491;
const RIGHT_START = 0x1b873593;

function begin(seed: number): void {
  left = LEFT_START ^ seed;
  right = RIGHT_START + seed;
}

function take(word: number): void {
  left = Math.imul(left ^ word, 0x85ebca6b);
  left ^= left >>> 15;
  right = Math.imul(((right << 13) | (right >>> 19)) + word, 0xc2b2ae35);
}

function takeText(text: string): void {
  const { length } = text;
  // The length goes in first, so that texts which follow each other are told from other cuts of the same characters.
  take(length);
  for (let at = 1; at < length; at += 2)
    take(text.charCodeAt(at - 1) | (text.charCodeAt(at) << 16));
  if (length % 2 === 1) take(text.charCodeAt(length - 1));
}

function stir(): void {
  left = Math.imul(left ^ (right >>> 16), 0x7feb352d);
  left ^= left >>> 13;
  right = Math.imul(right ^ (left >>> 15), 0x68e31da5);
  right ^= right >>> 16;
  left = Math.imul(left ^ (right >>> 14), 0x21f0aaad);
  left ^= left >>> 16;
}

/** 52 bits of what was taken, never 0. */
function print(): number {
  stir();
  return (left >>> 12) * 2 ** 32 + (right >>> 0) || 1;
}

/** A fingerprint of `text`: a whole number from 1 to 2^52. */
export function fingerprint(text: string): number {
  begin(0);
  takeText(text);
  return print();
}

/** A fingerprint of a JSON value, which the order of the members of its objects does not change. */
export function fingerprintOfJson(value: unknown): number {
  begin(1);
  takeValue(value);
  return print();
}

const KINDS = { null: 1, true: 2, false: 3, number: 4, text: 5, list: 6, object: 7 } as const;
const numberBits = new Float64Array(1);
const numberWords = new Uint32Array(numberBits.buffer);

function takeValue(value: unknown): void {
  if (typeof value === "string") {
    take(KINDS.text);
    takeText(value);
  } else if (typeof value === "number") {
    take(KINDS.number);
    // Minus zero is written as 0 in JSON.
    numberBits[0] = value + 0;
    take(numberWords[0] ?? 0);
    take(numberWords[1] ?? 0);
  } else if (Array.isArray(value)) {
    take(KINDS.list);
    take(value.length);
    for (const one of value) takeValue(one);
  } else if (typeof value === "object" && value !== null) {
    takeMembers(value as Readonly<Record<string, unknown>>);
  } else {
    take(value === true ? KINDS.true : value === false ? KINDS.false : KINDS.null);
  }
}

/** Each member by itself, and their sum, in which no order is left. */
function takeMembers(object: Readonly<Record<string, unknown>>): void {
  const [outerLeft, outerRight] = [left, right];
  let [sumLeft, sumRight] = [0, 0];
  for (const name in object) {
    begin(KINDS.object);
    takeText(name);
    takeValue(object[name]);
    stir();
    sumLeft = (sumLeft + left) | 0;
    sumRight = (sumRight + right) | 0;
  }
  left = outerLeft;
  right = outerRight;
  take(KINDS.object);
  take(sumLeft);
  take(sumRight);
}

const digits = Buffer.alloc(20);

/** `length` hexadecimal digits (at most 40) that follow from `seed` and `keys`. */
export function hexId(seed: number, length: number, ...keys: readonly DrawKey[]): string {
  begin(seed);
  for (const key of keys) {
    if (typeof key === "string") takeText(key);
    else takeValue(key);
  }
  const bytes = (length + 1) >> 1;
  for (let at = 0; at < bytes; at += 4) {
    stir();
    digits.writeInt32LE(left ^ Math.imul(right, at + 1), at);
    take(at);
  }
  const text = digits.toString("hex", 0, bytes);
  return text.length === length ? text : text.slice(0, length);
}
