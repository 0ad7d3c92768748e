/** Column templates: text with `{{ column }}` placeholders, rendered once per row. */

import { attachmentOf } from "./attachment.ts";
import type { Cell } from "./column.ts";
import { InputError } from "./errors.ts";
import { fenced } from "./fence.ts";
import type { Part } from "./request.ts";
import { didYouMean } from "./suggest.ts";

/** What a template does with a row in which a column it names is missing. */
export type OnNull = "skip" | "empty" | "fail";

/** A step between a cell and the prompt; filters run from left to right. */
export type Filter =
  | { readonly name: "trim" }
  | { readonly name: "truncate"; readonly maxCharacters: number }
  | { readonly name: "json" }
  | { readonly name: "default"; readonly text: string }
  | { readonly name: "fence" }
  | { readonly name: "image" | "file" };

/** A piece of a template: literal text, or a column with its filters. */
export type TemplatePart =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "column"; readonly column: string; readonly filters: readonly Filter[] };

/** A template read once and rendered many times. */
export interface Template {
  readonly source: string;
  readonly parts: readonly TemplatePart[];
  /** The columns it names, in order of first use, without repetition. */
  readonly columns: readonly string[];
  /** Those of them whose cells are attached as pictures or documents. */
  readonly attached: readonly string[];
}

const FILTERS = ["trim", "truncate", "json", "default", "fence", "image", "file"] as const;

/**
 * Reads a template.
 *
 * `{{ name }}` is a column; a name with `|`, `}}` or outer spaces is written as a JSON string,
 * `{{ "odd | name" }}`. Filters follow a bar: `trim`, `truncate: 200` (characters, whole code points),
 * `json` (the text as a JSON string, so that quotes and newlines cannot end it), `default: "x"` (for a
 * missing or blank cell), last `fence` (between marks the text cannot forge), and, alone, `image` or `file` (the cell is a picture or a document, by its
 * address or as bytes). `\{{` and `\}}` stand for literal braces.
 *
 * @throws {InputError} `template_syntax` with the position; nothing has been sent.
 */
export function parseTemplate(source: string): Template {
  const parts: TemplatePart[] = [];
  let literal = "";
  let at = 0;
  while (at < source.length) {
    if (source.startsWith("\\{{", at) || source.startsWith("\\}}", at)) {
      literal += source.slice(at + 1, at + 3);
      at += 3;
    } else if (source.startsWith("{{", at)) {
      if (literal !== "") parts.push({ kind: "literal", text: literal });
      literal = "";
      const placeholder = readPlaceholder(source, at);
      parts.push(placeholder.part);
      at = placeholder.end;
    } else {
      literal += source[at] ?? "";
      at += 1;
    }
  }
  if (literal !== "") parts.push({ kind: "literal", text: literal });
  const named = parts.filter((part) => part.kind === "column");
  const attached = named.filter(({ filters }) => filters.some(isAttaching));
  const names = (some: typeof named): readonly string[] => [
    ...new Set(some.map(({ column }) => column)),
  ];
  return { source, parts, columns: names(named), attached: names(attached) };
}

function readPlaceholder(source: string, start: number): { part: TemplatePart; end: number } {
  const end = closingBraces(source, start + 2);
  if (end < 0) throw syntaxError(source, start, 'the placeholder is not closed with "}}"');
  const [name = "", ...filters] = splitOutsideQuotes(source.slice(start + 2, end), "|");
  const column = columnName(name.trim());
  if (column === undefined || column === "")
    throw syntaxError(source, start, "the placeholder names no column");
  const read = filters.map((filter) => readFilter(source, start, filter.trim()));
  if (read.length > 1 && read.some(isAttaching))
    throw syntaxError(source, start, '"image" and "file" go with no other filter');
  if (read.slice(0, -1).some(({ name }) => name === "fence"))
    throw syntaxError(source, start, '"fence" must be the last filter');
  return { part: { kind: "column", column, filters: read }, end: end + 2 };
}

/** Whether a filter makes a picture or a document of the cell, instead of text. */
export function isAttaching(filter: Filter): filter is { readonly name: "image" | "file" } {
  return filter.name === "image" || filter.name === "file";
}

function closingBraces(source: string, from: number): number {
  let quoted = false;
  for (let at = from; at < source.length; at++) {
    if (isQuote(source, at)) quoted = !quoted;
    if (!quoted && source.startsWith("}}", at)) return at;
  }
  // A lone quotation mark is not a quoted name: fall back to the first pair of braces.
  return source.indexOf("}}", from);
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const pieces: string[] = [];
  let quoted = false;
  let piece = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (isQuote(text, at)) quoted = !quoted;
    if (character === separator && !quoted) {
      pieces.push(piece);
      piece = "";
    } else piece += character;
  }
  pieces.push(piece);
  return pieces;
}

/** Whether a quotation mark begins or ends a quoted text: one after an odd number of backslashes is part of it. */
function isQuote(text: string, at: number): boolean {
  if (text[at] !== '"') return false;
  let backslashes = 0;
  while (text[at - 1 - backslashes] === "\\") backslashes += 1;
  return backslashes % 2 === 0;
}

function columnName(name: string): string | undefined {
  return name.startsWith('"') && name.endsWith('"') && name.length > 1 ? unquote(name) : name;
}

function unquote(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function readFilter(source: string, start: number, text: string): Filter {
  const colon = text.indexOf(":");
  const name = (colon < 0 ? text : text.slice(0, colon)).trim();
  const argument = colon < 0 ? undefined : text.slice(colon + 1).trim();
  switch (name) {
    case "trim":
    case "json":
    case "fence":
    case "image":
    case "file":
      if (argument !== undefined) throw syntaxError(source, start, `"${name}" takes no argument`);
      return { name };
    case "truncate": {
      const maxCharacters = Number(argument);
      if (argument === undefined || !Number.isSafeInteger(maxCharacters) || maxCharacters < 1)
        throw syntaxError(source, start, '"truncate" needs a whole number, as in "truncate: 200"');
      return { name, maxCharacters };
    }
    case "default": {
      const value = argument === undefined ? undefined : unquote(argument);
      if (value === undefined)
        throw syntaxError(source, start, '"default" needs a quoted text, as in default: "unknown"');
      return { name, text: value };
    }
    default:
      throw syntaxError(source, start, `"${name}" is not a filter. ${didYouMean(name, FILTERS)}`);
  }
}

function syntaxError(source: string, at: number, problem: string): InputError {
  const line = source.slice(0, at).split("\n").length;
  const excerpt = source.slice(at, at + 40).replaceAll("\n", " ");
  return new InputError(
    "template_syntax",
    `The template cannot be read at character ${String(at + 1)} (line ${String(line)}), near ` +
      `${JSON.stringify(excerpt)}: ${problem}. Nothing was sent.`,
    { hint: "Write {{ column }} for a cell, and \\{{ for literal braces." },
  );
}

/**
 * Checks that a template names columns, and only columns that exist.
 *
 * @throws {InputError} `unknown_column` with near misses, or `template_constant` when it names none;
 * nothing has been read or sent.
 */
export function checkTemplate(template: Template, columns: readonly string[]): void {
  for (const column of template.columns) {
    if (columns.includes(column)) continue;
    throw new InputError(
      "unknown_column",
      `The template names the column ${JSON.stringify(column)}, which does not exist. Nothing was sent.`,
      { hint: didYouMean(column, columns) },
    );
  }
  if (template.columns.length > 0) return;
  const single = /(?<!\{)\{\s*([^{}\s]+)\s*\}(?!\})/.exec(template.source)?.[1];
  throw new InputError(
    "template_constant",
    "The template names no column, so every row would get the same prompt. Nothing was sent.",
    {
      hint:
        single !== undefined && columns.includes(single)
          ? `Write {{ ${single} }} with two braces.`
          : `Name a column, as in {{ ${columns[0] ?? "column"} }}.`,
    },
  );
}

/** A prompt's content, with the cell texts that went into it in the order of the placeholders. */
export interface RenderedContent {
  /** Text alone, or pieces in order where the template attaches pictures or documents. */
  readonly content: string | readonly Part[];
  readonly cells: readonly string[];
}

/** The rendered content, or the first column that is missing in this row, or whose cell cannot be attached. */
export type Rendering = RenderedContent | { readonly missing: string } | { readonly unfit: string };

/** One row's cells, by column. */
export interface RowCells {
  /** The exact text of a cell, null when it is missing. */
  text(column: string): string | null;
  /** The cell itself, for what is attached. */
  value(column: string): Cell;
  /** What is put into the prompt of a text, once it is trimmed or cut as the template says; all of it when left out. */
  readonly fit?: (text: string) => string;
}

/**
 * Renders one row.
 *
 * A cell of nothing but white space counts as missing: nobody wants to pay for an answer to nothing.
 * With `onNull: "empty"` a missing cell becomes an empty text, or nothing where it would be attached.
 * The rendered text is never escaped.
 */
export function renderTemplate(template: Template, row: RowCells, onNull: OnNull): Rendering {
  let text = "";
  const parts: Part[] = [];
  const cells: string[] = [];
  for (const part of template.parts) {
    if (part.kind === "literal") {
      text += part.text;
      continue;
    }
    const [first] = part.filters;
    // It stands alone where it stands at all.
    const attaching = first !== undefined && isAttaching(first) ? first : null;
    if (attaching !== null) {
      const value = row.value(part.column);
      const isMissing = value === null || (typeof value === "string" && value.trim() === "");
      if (isMissing && onNull !== "empty") return { missing: part.column };
      if (isMissing) continue;
      const attachment = attachmentOf(attaching.name, value);
      if (attachment === null) return { unfit: part.column };
      if (text !== "") parts.push({ type: "text", text });
      text = "";
      parts.push(attachment);
      continue;
    }
    const raw = row.text(part.column);
    let cell = raw === null || !SAYS_SOMETHING.test(raw) ? null : raw;
    let isFit = row.fit === undefined;
    let isFenced = false;
    for (const filter of part.filters) {
      // Written as JSON, a text could not be cut any more.
      if (!isFit && filter.name === "json") {
        cell = fitted(cell, row);
        isFit = true;
      }
      cell = applyFilter(filter, cell);
      isFenced = filter.name === "fence";
    }
    if (!isFit) cell = fitted(cell, row);
    if (cell === null && onNull !== "empty") return { missing: part.column };
    text += isFenced ? fenced(cell ?? "") : (cell ?? "");
    cells.push(cell ?? "");
  }
  if (parts.length === 0) return { content: text, cells };
  if (text !== "") parts.push({ type: "text", text });
  return { content: parts, cells };
}

// White space as `trim` has it, found without making another text.
const SAYS_SOMETHING = /\S/;

function fitted(cell: string | null, { fit }: RowCells): string | null {
  return cell === null || fit === undefined ? cell : fit(cell);
}

function applyFilter(filter: Filter, cell: string | null): string | null {
  if (filter.name === "default") return cell ?? filter.text;
  if (cell === null) return null;
  switch (filter.name) {
    case "trim":
      return cell.trim();
    case "truncate":
      return truncate(cell, filter.maxCharacters);
    case "json":
      return JSON.stringify(cell);
    case "fence":
    case "image":
    case "file":
      return cell;
  }
}

function truncate(text: string, maxCharacters: number): string {
  if (text.length <= maxCharacters) return text;
  let end = 0;
  for (let count = 0; count < maxCharacters && end < text.length; count++)
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  return text.slice(0, end);
}
