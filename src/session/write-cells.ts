/** How the new columns of a run get where they belong. */

import type { NewCells, NewColumn } from "../core/column.ts";
import type { KeptRows } from "../core/receipt.ts";
import type { WriteResume } from "../frame/write-marks.ts";

/** Puts the new columns where they belong; tells what it wrote. */
export type WriteCells = (
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
  /** How the write goes on when it was killed; left out where it begins anew. */
  resume?: WriteResume,
) => Promise<{
  readonly output: string | null;
  readonly neutralisedCells: number;
  /** Where only some rows were kept, how many. */
  readonly kept?: KeptRows;
}>;
