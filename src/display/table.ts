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
  const figures = new Set(
    columns.flatMap((_, at) => (rows.every((row) => isFigure(row[at] ?? null)) ? [at] : [])),
  );
  const head = columns.map((name, at) =>
    figures.has(at) ? markup`<th class="bf-num">${name}</th>` : markup`<th>${name}</th>`,
  );
  const body = rows.map(
    (row) =>
      markup`<tr>
        ${row.map((cell, at) => cellOf(cell, figures.has(at)))}
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
      figures,
    ),
  };
}

function isFigure(cell: string | null): boolean {
  return cell === null || FIGURE.test(cell);
}

function cellOf(cell: string | null, isFigureColumn: boolean) {
  if (cell === null) return markup`<td class="bf-dim">null</td>`;
  const text = cutText(cell, MOST_CHARACTERS);
  return isFigureColumn ? markup`<td class="bf-num">${text}</td>` : markup`<td>${text}</td>`;
}
