/** The short form of a schema: `topic: billing|bug|other, score: float, quote?: str, tags: str[]`. */

import { InputError } from "../core/errors.ts";
import type { JsonObject } from "../core/hash.ts";
import type { JsonSchema } from "../core/schema.ts";

const TYPES: Readonly<Record<string, JsonObject>> = {
  str: { type: "string" },
  int: { type: "integer" },
  float: { type: "number" },
  bool: { type: "boolean" },
  date: { type: "string", format: "date" },
};

/** What people write who know another language's names. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{ string: "str", text: "str", integer: "int", number: "float", double: "float" },
  ...{ boolean: "bool", datetime: "date", day: "date" },
};

/**
 * The JSON Schema of a short form: fields with commas between them, each `name: type` or
 * `name?: type` when it may be absent.
 *
 * Types are `str`, `int`, `float`, `bool`, `date` and enums `a|b|c`, all with `[]` after them for a
 * list, an enum in brackets then: `(a|b)[]`. Names and enum values that hold other signs stand in
 * double quotes, as does an enum value that is a type's name, or an enum of one.
 *
 * @throws {InputError} `schema_text_invalid` with the position, counted from 1; nothing was sent.
 */
export function shortFormSchema(text: string): JsonSchema {
  const reader = readerOf(text);
  const fields = new Map<string, JsonObject>();
  const required: string[] = [];
  do {
    const start = reader.position();
    const name = reader.word("a field's name").text;
    if (fields.has(name))
      throw problem(text, start, `the field ${JSON.stringify(name)} is there twice`);
    const isOptional = reader.take("?");
    reader.need(":", `after the field's name ${JSON.stringify(name)}`);
    fields.set(name, readType(reader, text));
    if (!isOptional) required.push(name);
  } while (reader.take(","));
  reader.needEnd();
  return {
    type: "object",
    properties: Object.fromEntries(fields),
    required,
    additionalProperties: false,
  };
}

function readType(reader: Reader, text: string): JsonObject {
  const isBracketed = reader.take("(");
  let type = isBracketed ? readEnum(reader, text) : readNamed(reader, text);
  if (isBracketed) reader.need(")", "after the values");
  while (reader.take("[")) {
    reader.need("]", "to end the list");
    type = { type: "array", items: type };
  }
  return type;
}

function readNamed(reader: Reader, text: string): JsonObject {
  const start = reader.position();
  const word = reader.word("a type");
  const named = Object.hasOwn(TYPES, word.text) ? TYPES[word.text] : undefined;
  if (!word.isQuoted && named !== undefined) {
    if (!reader.sees("|")) return named;
    throw problem(text, start, `${word.text} is a type; as a value of an enum it stands in quotes`);
  }
  const values = [word.text, ...moreValues(reader, text)];
  if (values.length > 1 || word.isQuoted) return enumOf(values, { text, start });
  throw problem(text, start, `${JSON.stringify(word.text)} is no type${meantType(word.text)}`);
}

function meantType(word: string): string {
  const meant = OTHER_NAMES[word.toLowerCase()];
  return meant === undefined ? "" : `; did you mean ${meant}`;
}

function readEnum(reader: Reader, text: string): JsonObject {
  const start = reader.position();
  const first = reader.word("a value");
  return enumOf([first.text, ...moreValues(reader, text)], { text, start });
}

function moreValues(reader: Reader, text: string): readonly string[] {
  const values: string[] = [];
  while (reader.take("|")) {
    const start = reader.position();
    const value = reader.word("a value");
    if (!value.isQuoted && Object.hasOwn(TYPES, value.text))
      throw problem(
        text,
        start,
        `${value.text} is a type; as a value of an enum it stands in quotes`,
      );
    values.push(value.text);
  }
  return values;
}

function enumOf(
  values: readonly string[],
  { text, start }: { readonly text: string; readonly start: number },
): JsonObject {
  const twice = values.find((value, at) => values.indexOf(value) !== at);
  if (twice === undefined) return { type: "string", enum: values };
  throw problem(text, start, `the value ${JSON.stringify(twice)} is there twice`);
}

interface Word {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** Takes a text apart, blanks left out. */
interface Reader {
  /** Where the next sign is, counted from 0. */
  position(): number;
  sees(sign: string): boolean;
  take(sign: string): boolean;
  need(sign: string, where: string): void;
  needEnd(): void;
  word(what: string): Word;
}

const SIGNS = /[,:?|()[\]"]/;

function readerOf(text: string): Reader {
  let at = 0;
  const position = (): number => {
    while (at < text.length && (text[at] ?? "").trim() === "") at += 1;
    return at;
  };
  const sees = (sign: string): boolean => text[position()] === sign;
  const take = (sign: string): boolean => {
    if (!sees(sign)) return false;
    at += 1;
    return true;
  };
  const seen = (): string =>
    position() === text.length ? "the end is there" : `${JSON.stringify(text[at])} is there`;
  return {
    position,
    sees,
    take,
    need: (sign, where) => {
      if (!take(sign)) throw problem(text, position(), `"${sign}" is missing ${where}; ${seen()}`);
    },
    needEnd: () => {
      if (position() < text.length)
        throw problem(
          text,
          at,
          `a comma and the next field, or the end, must come here; ${seen()}`,
        );
    },
    word: (what) => {
      const start = position();
      const isQuoted = text[start] === '"';
      const end = isQuoted ? endOfQuoted(text, start) : endOfBare(text, start);
      at = end;
      const word = isQuoted ? unquoted(text, start, end) : text.slice(start, end).trim();
      if (word.trim() === "") throw problem(text, start, `${what} is missing; ${seen()}`);
      return { text: word, isQuoted };
    },
  };
}

function endOfBare(text: string, start: number): number {
  let end = start;
  while (end < text.length && !SIGNS.test(text[end] ?? "")) end += 1;
  return end;
}

function endOfQuoted(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === '"') return at + 1;
  }
  throw problem(text, start, "the quotation mark that begins here is never closed");
}

function unquoted(text: string, start: number, end: number): string {
  try {
    return JSON.parse(text.slice(start, end)) as string;
  } catch {
    throw problem(text, start, "the quoted text that begins here is no JSON text");
  }
}

function problem(text: string, at: number, what: string): InputError {
  const near = text.slice(at, at + 20).trim();
  return new InputError(
    "schema_text_invalid",
    `The schema text cannot be read at character ${String(at + 1)}${near === "" ? "" : ` (${JSON.stringify(near)})`}: ${what}. Nothing was sent.`,
    {
      hint: "Write fields such as: topic: billing|bug|other, score: float, quote?: str, tags: str[]. Types are str, int, float, bool, date, and enums a|b.",
    },
  );
}
