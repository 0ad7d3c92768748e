/** Cells beside the literals of a condition. */

/** What a cell is compared with: a text, a truth, or a number as it was written. */
export type Literal = string | boolean | { readonly number: string };

/** How two values are compared. */
export type Comparing = "=" | "!=" | "<>" | "<" | "<=" | ">" | ">=";

/** Compares cells with a literal; null for a cell that is not of its kind. */
export function comparison(how: Comparing, literal: Literal): (cell: string) => boolean | null {
  if (typeof literal === "string") return (cell) => judged(how, order(cell, literal));
  if (typeof literal === "boolean") {
    return (cell) => {
      const word = cell.trim().toLowerCase();
      if (word !== "true" && word !== "false") return null;
      return judged(how, (word === "true") === literal ? 0 : 1);
    };
  }
  const wanted = literal.number;
  return (cell) => {
    const text = cell.trim();
    return NUMBER.test(text) ? judged(how, numberOrder(text, wanted)) : null;
  };
}

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INTEGER = /^[+-]?\d+$/;

function numberOrder(a: string, b: string): number {
  const difference = order(Number(a), Number(b));
  // Integers of many digits, which a double takes for one another, are told apart by all of them.
  if (difference !== 0 || !INTEGER.test(a) || !INTEGER.test(b)) return difference;
  return a.length < 16 && b.length < 16 ? 0 : order(wholeNumber(a), wholeNumber(b));
}

function wholeNumber(text: string): bigint {
  return BigInt(text.replace(/^\+/, ""));
}

function order<T extends string | number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function judged(how: Comparing, difference: number): boolean {
  switch (how) {
    case "=":
      return difference === 0;
    case "!=":
    case "<>":
      return difference !== 0;
    case "<":
      return difference < 0;
    case "<=":
      return difference <= 0;
    case ">":
      return difference > 0;
    case ">=":
      return difference >= 0;
  }
}

/**
 * Compares cells with a pattern, in which `%` stands for any text and `_` for one character; letter case
 * counts. Takes no more than the product of both lengths, whatever the pattern.
 */
export function like(pattern: string): (cell: string) => boolean {
  const wanted = Array.from(pattern);
  return (cell) => {
    let place = 0;
    let at = 0;
    // Where the last % stands, and how much of the cell it has been given.
    let anything = -1;
    let given = 0;
    while (at < cell.length) {
      const character = String.fromCodePoint(cell.codePointAt(at) ?? 0);
      const want = wanted[place];
      if (want === "%") {
        anything = place++;
        given = at;
      } else if (want === "_" || want === character) {
        place++;
        at += character.length;
      } else if (anything >= 0) {
        place = anything + 1;
        given += String.fromCodePoint(cell.codePointAt(given) ?? 0).length;
        at = given;
      } else return false;
    }
    while (wanted[place] === "%") place++;
    return place === wanted.length;
  };
}
