/** New cells as CSV text; the only file that knows csv-stringify. */

import { stringify } from "csv-stringify/sync";
import type { NewCell } from "../core/column.ts";
import { newCellJson } from "./json-cells.ts";

/** What a spreadsheet would run as a formula. */
const formulaStart = /^[=+\-@\t\r]/;
const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Which text cells a spreadsheet would run get a leading apostrophe in CSV and TSV: those a model wrote
 * (`auto`), every column's (`all`), or none (`off`).
 */
export type FormulaSafe = "auto" | "all" | "off";

/** True for text that a spreadsheet would run: it begins with = + - @ TAB or CR and is no plain number. */
export function isFormula(text: string): boolean {
  return formulaStart.test(text) && !plainNumber.test(text);
}

/**
 * The text of one new cell before quoting; null stays null.
 *
 * Formulas a model wrote get a leading apostrophe, which spreadsheets hide, unless that is `off`. Numbers are written as
 * JavaScript prints them; vectors, lists and structs as JSON.
 */
export function newCellText(cell: NewCell, formulaSafe: FormulaSafe = "auto"): string | null {
  if (cell === null) return null;
  if (typeof cell === "string") return formulaSafe === "off" ? cell : harmless(cell);
  return typeof cell === "object" ? newCellJson(cell) : String(cell);
}

/** The text with an apostrophe before it where a spreadsheet would run it. */
export function harmless(text: string): string {
  return isFormula(text) ? `'${text}` : text;
}

/** Cells joined and quoted as RFC 4180 says, without a line ending; null is empty, "" is a pair of quotes. */
export function csvText(cells: readonly (string | null)[], delimiter: string): string {
  // Of most rows no cell asks for quotes, and setting the library up takes longer than all the rest of a row.
  if (cells.every((text) => text === null || isBare(text, delimiter))) return cells.join(delimiter);
  return stringify([[...cells]], { delimiter, eof: false, quoted_match: /^$/ });
}

const mayAskForQuotes = /^$|["\r\n]/;

function isBare(text: string, delimiter: string): boolean {
  return !mayAskForQuotes.test(text) && !text.includes(delimiter);
}
