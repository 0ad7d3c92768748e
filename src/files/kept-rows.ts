/** Rows that are kept: those whose answer is true, and unless told otherwise those without an answer. */

import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { KeptRows } from "../core/receipt.ts";
import type { Counted } from "../frame/write-marks.ts";

/** What becomes of rows that were skipped or failed: nobody knows whether they should be kept. */
export type Unanswered = "keep" | "drop";

/** Judges rows, each once, and counts them. */
export interface RowKeeper {
  /** Whether a row is kept, by its cells in the new columns. */
  readonly keeps: (row: readonly NewCell[]) => boolean;
  counts(): KeptRows;
  /** What was counted so far, for a write that goes on. */
  readonly counted: Counted;
}

/** A keeper of the rows in which the column of booleans named `column` is true. */
export function rowKeeper(
  column: string,
  columns: readonly NewColumn[],
  unanswered: Unanswered,
): RowKeeper {
  const at = columns.findIndex(({ name, type }) => name === column && type === "boolean");
  if (at < 0)
    throw new InvariantError(
      "column_type",
      `The column ${column} does not say which rows to keep.`,
    );
  const counts = { rows: 0, unanswered: 0, leftOut: 0 };
  return {
    keeps: (row) => {
      const answer = row[at] ?? null;
      const isKept = answer === true || (answer === null && unanswered === "keep");
      if (isKept) counts.rows += 1;
      else counts.leftOut += 1;
      if (isKept && answer === null) counts.unanswered += 1;
      return isKept;
    },
    counts: () => ({ ...counts }),
    counted: {
      saved: () => ({ ...counts }),
      restore: (saved) => {
        Object.assign(counts, saved);
      },
    },
  };
}

/** The same cells; once they have passed, `kept` has for each row whether it is kept. */
export async function* judgedCells(
  cells: AsyncIterable<NewCells>,
  keeper: RowKeeper,
  kept: boolean[],
): AsyncGenerator<NewCells> {
  for await (const block of cells) {
    const rows = block.columns[0]?.length ?? 0;
    for (let row = 0; row < rows; row++)
      kept.push(keeper.keeps(block.columns.map((column) => column[row] ?? null)));
    yield block;
  }
}
