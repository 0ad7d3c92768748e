/** Rows of cells as a table. */

import type { Bundle } from "./bundle.ts";
import { cardBundle, type Part } from "./card.ts";
import { markup } from "./html.ts";
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
  const head = columns.map((name, at) => markup`<th class="${kinds[at] ?? ""}">${name}</th>`);
  const body = rows.map(
    (row) =>
      markup`<tr>
        ${row.map((cell, at) => cellOf(cell, kinds[at] ?? ""))}
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
      new Set(kinds.flatMap((kind, at) => (kind === "bf-num" ? [at] : []))),
    ),
  };
}

type Kind = "bf-num" | "bf-short" | "bf-text";

/** How a column is set: figures to the right, short texts on one line, as a page breaks `F-0001` in two. */
function kindOf(cells: readonly (string | null)[]): Kind {
  if (cells.every((cell) => cell === null || FIGURE.test(cell))) return "bf-num";
  const isShort = cells.every((cell) => cell === null || cell.length <= SHORT_CHARACTERS);
  return isShort ? "bf-short" : "bf-text";
}

function cellOf(cell: string | null, kind: Kind | "") {
  if (cell === null) return markup`<td class="${kind} bf-dim">null</td>`;
  return markup`<td class="${kind}">${cutText(cell, MOST_CHARACTERS)}</td>`;
}
