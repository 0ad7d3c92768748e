/** Rows of cells as a table. */

import type { Bundle } from "./bundle.ts";
import { cardBundle, type Part } from "./card.ts";
import { cell, headCell, type CellKind } from "./cell.ts";
import { markup, type Html } from "./html.ts";
import { counted, cutText, count, oneLine, plainColumns } from "./text.ts";

/** The first rows of something larger, every cell as text. */
export interface ShownRows {
  readonly columns: readonly string[];
  /** One cell for each column, in the order of `columns`; null where the cell is empty. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** How many rows there are in all. */
  readonly rowCount: number;
}

const MOST_CHARACTERS = 600;
const PLAIN_CHARACTERS = 32;
const SHORT_CHARACTERS = 24;
// A figure, not a code that happens to be digits: those begin with 0 or are longer than a sum.
const FIGURE = /^-?(0|[1-9]\d{0,14})(\.\d+)?(e[+-]?\d+)?$/;

/** A table of rows under a line that says how many there are; long cells are cut, and say so. */
export function rowsBundle(shown: ShownRows): Bundle {
  const { columns, rows, rowCount } = shown;
  const size = `${counted(rowCount, "row")} × ${counted(columns.length, "column")}`;
  const some = rows.length < rowCount ? `, the first ${count(rows.length)}` : "";
  return cardBundle({ title: `${size}${some}`, parts: [rowsTable(shown)] });
}

function rowsTable({ columns, rows }: ShownRows): Part {
  const kinds = columns.map((_, at) => kindOf(rows.map((row) => row[at] ?? null)));
  const head = columns.map((name, at) => headCell(name, kinds[at]));
  const body = rows.map(
    (row) =>
      markup`<tr>
        ${row.map((text, at) => cellOf(text, kinds[at]))}
      </tr>`,
  );
  return {
    html: markup`<table class="bf-rows">
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>`,
    plain: plainColumns(
      [columns, ...rows].map((row) => row.map((cell) => oneLine(cell ?? "null", PLAIN_CHARACTERS))),
      new Set(kinds.flatMap((kind, at) => (kind === "num" ? [at] : []))),
    ),
  };
}

/** How a column is set: figures to the right, short texts on one line, as a page breaks `F-0001` in two. */
function kindOf(cells: readonly (string | null)[]): CellKind {
  if (cells.every((cell) => cell === null || FIGURE.test(cell))) return "num";
  const isShort = cells.every((cell) => cell === null || cell.length <= SHORT_CHARACTERS);
  return isShort ? "short" : "text";
}

function cellOf(text: string | null, kind: CellKind | undefined): Html {
  return text === null ? cell("null", kind, true) : cell(cutText(text, MOST_CHARACTERS), kind);
}
