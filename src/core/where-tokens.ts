/** The words a condition is made of. */

import { InputError } from "./errors.ts";

/** A word, and where it begins. */
export interface Token {
  /** `word` a keyword, in small letters · `name` a column · `mark` an operator or a sign. */
  readonly kind: "word" | "name" | "text" | "number" | "mark" | "end";
  /** Without quotes, and with doubled ones single. */
  readonly text: string;
  /** Counted from 0. */
  readonly from: number;
}

const KEYWORDS = new Set(["and", "or", "not", "in", "like", "is", "null", "true", "false"]);

const TOKEN =
  /\s*(?:'(?<text>(?:[^']|'')*)'|"(?<quoted>(?:[^"]|"")*)"|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_])|(?<word>[\p{L}_][\p{L}\p{M}\p{N}_]*)|(?<mark><=|>=|<>|!=|[=<>(),]))/uy;

/** The words of a condition in their order, an `end` last. @throws {InputError} `where_invalid` for what is no word, with its position; nothing was sent. */
export function whereTokens(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = source.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const before = TOKEN.lastIndex;
    const found = TOKEN.exec(source);
    if (found === null) throw unreadable(source, before);
    const groups = found.groups ?? {};
    tokens.push(tokenOf(groups, before + found[0].length - found[0].trimStart().length));
  }
  tokens.push({ kind: "end", text: "", from: source.length });
  return tokens;
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>, from: number): Token {
  const { text, quoted, number, word, mark = "" } = groups;
  if (text !== undefined) return { kind: "text", text: text.replaceAll("''", "'"), from };
  if (quoted !== undefined) return { kind: "name", text: quoted.replaceAll('""', '"'), from };
  if (number !== undefined) return { kind: "number", text: number, from };
  if (word === undefined) return { kind: "mark", text: mark, from };
  const small = word.toLowerCase();
  return KEYWORDS.has(small)
    ? { kind: "word", text: small, from }
    : { kind: "name", text: word, from };
}

function unreadable(source: string, before: number): InputError {
  const rest = source.slice(before).trimStart();
  const from = source.length - rest.length;
  const isOpen = rest.startsWith("'") || rest.startsWith('"');
  const why = isOpen ? "a quote that is never closed" : JSON.stringify(rest.slice(0, 20));
  return new InputError(
    "where_invalid",
    `The condition ${JSON.stringify(source)} cannot be read at character ${String(from + 1)}: ${why}. Nothing was sent.`,
    { hint: `Write it as: lang = 'en' and stars >= 4 (texts in '…', odd column names in "…").` },
  );
}
