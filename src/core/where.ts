/** Conditions on the cells of a row, written as after SQL's `where`. */

import { InputError } from "./errors.ts";
import { didYouMean } from "./suggest.ts";
import { whereTokens, type Token } from "./where-tokens.ts";
import { comparison, like, type Comparing, type Literal } from "./where-values.ts";

/** A condition read once and tried on many rows. */
export interface Condition {
  readonly source: string;
  /** The columns it names, in order of first use, without repetition. */
  readonly columns: readonly string[];
  /** Whether it holds for a row, of which `text` gives the exact text of a cell, null where it is missing. */
  holds(text: CellText): boolean;
}

type CellText = (column: string) => string | null;

/** As SQL has it: null where a missing cell, or one that is no number, leaves it open. */
type Judge = (text: CellText) => boolean | null;

const COMPARISONS: readonly string[] = ["=", "!=", "<>", "<", "<=", ">", ">="];

// Deeper ones are a mistake, and would end in a stack that overflows.
const MOST_DEEP = 100;

/**
 * Reads a condition: `lang = 'en' and (stars < 3 or stars is null)`.
 *
 * A column is compared with a text, a number, `true` or `false` by `=`, `!=`, `<>`, `<`, `<=`, `>` and `>=`;
 * there are `in (…)`, `like` with `%` and `_`, `is null`, each also with `not`, and `and`, `or`, `not` and
 * parentheses. A column's name with other than letters, digits and underscores stands in double quotes.
 * Beside a number cells are numbers, otherwise their exact texts. A missing cell meets `is null` alone, and a
 * cell that is no number nothing that has a number in it; neither do what is said of them with `not`.
 *
 * @throws {InputError} `where_invalid`, with the position; nothing was sent.
 */
export function parseWhere(source: string): Condition {
  const tokens = whereTokens(source);
  const columns = new Set<string>();
  let at = 0;
  const judge = either(0);
  if (tokens[at]?.kind !== "end") throw unexpected("and, or, or the end");
  return { source, columns: [...columns], holds: (text) => judge(text) === true };

  function either(depth: number): Judge {
    const parts = [all(depth)];
    while (takes("or")) parts.push(all(depth));
    return parts.length === 1 ? (parts[0] ?? never) : anyOf(parts);
  }

  function all(depth: number): Judge {
    const parts = [single(depth)];
    while (takes("and")) parts.push(single(depth));
    return parts.length === 1 ? (parts[0] ?? never) : everyOf(parts);
  }

  function single(depth: number): Judge {
    if (depth > MOST_DEEP) throw unexpected(`no more than ${String(MOST_DEEP)} levels`);
    if (takes("not")) return negated(single(depth + 1));
    if (!takes("(")) return aboutColumn();
    const inner = either(depth + 1);
    needs(")");
    return inner;
  }

  function aboutColumn(): Judge {
    const token = here();
    if (token.kind !== "name") throw unexpected("a column, not, or (");
    at++;
    const column = token.text;
    columns.add(column);
    if (takes("is")) {
      const isNot = takes("not");
      needs("null");
      return (text) => (text(column) === null) !== isNot;
    }
    const isNot = takes("not");
    const judge = takes("in")
      ? listed(column)
      : takes("like")
        ? alike(column)
        : isNot
          ? null
          : compared(column);
    if (judge === null) throw unexpected("in or like");
    return isNot ? negated(judge) : judge;
  }

  function compared(column: string): Judge {
    const { kind, text: how } = here();
    if (kind !== "mark" || !COMPARISONS.includes(how))
      throw unexpected(`=, !=, <, <=, >, >=, in, like or is after ${JSON.stringify(column)}`);
    at++;
    const start = here();
    const value = literal();
    if (typeof value === "boolean" && how !== "=" && how !== "!=" && how !== "<>")
      throw unexpected(`= or != beside ${start.text}`, start);
    return onCell(column, comparison(how as Comparing, value));
  }

  function listed(column: string): Judge {
    needs("(");
    const parts: Judge[] = [];
    do parts.push(onCell(column, comparison("=", literal())));
    while (takes(","));
    needs(")");
    return anyOf(parts);
  }

  function alike(column: string): Judge {
    const token = here();
    if (token.kind !== "text") throw unexpected("a pattern in single quotes, as 'a%'");
    at++;
    return onCell(column, like(token.text));
  }

  function literal(): Literal {
    const token = here();
    at++;
    if (token.kind === "text") return token.text;
    if (token.kind === "number") return { number: token.text };
    const isTrue = token.kind === "word" && token.text === "true";
    if (isTrue || (token.kind === "word" && token.text === "false")) return isTrue;
    const hint = token.text === "null" ? "; a missing cell is found by: is null" : "";
    throw unexpected(`a text in single quotes, a number, true or false${hint}`, token);
  }

  function here(): Token {
    return tokens[at] ?? { kind: "end", text: "", from: source.length };
  }

  function takes(what: string): boolean {
    const { kind, text } = here();
    const isHere = (kind === "word" || kind === "mark") && text === what;
    if (isHere) at++;
    return isHere;
  }

  function needs(what: string): void {
    if (!takes(what)) throw unexpected(what);
  }

  function unexpected(wanted: string, { kind, from }: Token = here()): InputError {
    const is = kind === "end" ? "the end" : JSON.stringify(source.slice(from).slice(0, 20));
    return new InputError(
      "where_invalid",
      `The condition ${JSON.stringify(source)} cannot be read at character ${String(from + 1)}: expected ${wanted}, found ${is}. Nothing was sent.`,
      { hint: `Write it as: lang = 'en' and stars >= 4 (texts in '…', odd column names in "…").` },
    );
  }
}

/** Refuses a condition over other columns than these. @throws {InputError} `unknown_column` for a column that is none of these; nothing was sent. */
export function checkWhere(condition: Condition, columns: readonly string[]): void {
  for (const column of condition.columns)
    if (!columns.includes(column))
      throw new InputError(
        "unknown_column",
        `The condition ${JSON.stringify(condition.source)} names the column ${JSON.stringify(column)}, which does not exist. Nothing was sent.`,
        { hint: didYouMean(column, columns) },
      );
}

const never: Judge = () => null;

function onCell(column: string, judge: (cell: string) => boolean | null): Judge {
  return (text) => {
    const cell = text(column);
    return cell === null ? null : judge(cell);
  };
}

function negated(judge: Judge): Judge {
  return (text) => {
    const holds = judge(text);
    return holds === null ? null : !holds;
  };
}

/** True where one is, open where one is that might be, else false. */
function anyOf(parts: readonly Judge[]): Judge {
  return (text) => {
    let result: boolean | null = false;
    for (const part of parts) {
      const holds = part(text);
      if (holds === true) return true;
      if (holds === null) result = null;
    }
    return result;
  };
}

function everyOf(parts: readonly Judge[]): Judge {
  return negated(anyOf(parts.map(negated)));
}
