/** New cells that any process makes alike, block by block, for writes that are killed on their way. */

import type { NewCell, NewCells, NewColumn } from "../../src/core/column.ts";
import type { Json } from "../../src/core/hash.ts";
import type { RowKeeper } from "../../src/files/kept-rows.ts";
import type { CellSource } from "../../src/frame/write-marks.ts";

/** What is written where, and at which row the process ends itself. */
export interface WriteJob {
  readonly input: string;
  readonly output: string;
  readonly journal: string;
  readonly rows: number;
  readonly killAt: number;
  /** Leaves out the rows without an answer. */
  readonly leavesOut?: boolean;
}

/** What says which rows are written, where some are left out; `counts` are of the rows asked about. */
export function keeperOf({ leavesOut }: Pick<WriteJob, "leavesOut">): {
  readonly keeper?: Pick<RowKeeper, "keeps" | "counted">;
  readonly counts: { kept: number; leftOut: number };
} {
  const counts = { kept: 0, leftOut: 0 };
  if (leavesOut !== true) return { counts };
  const keeps = ([answer]: readonly NewCell[]): boolean => {
    counts[answer === null ? "leftOut" : "kept"] += 1;
    return answer !== null;
  };
  const counted = {
    saved: () => ({ ...counts }),
    restore: (saved: Json) => {
      Object.assign(counts, saved);
    },
  };
  return { keeper: { keeps, counted }, counts };
}

export const newColumns: readonly NewColumn[] = [
  { name: "answer", type: "text" },
  { name: "sure", type: "float" },
];

/** Neither a row group's, nor a chunk's, nor a reader's number of rows. */
const BLOCK_ROWS = 700;

/** Cells made from their rows alone; `onRow` is told the first row of each block before it is given. */
export function cellsOf(
  { rows }: Pick<WriteJob, "rows">,
  onRow: (row: number) => void,
): CellSource {
  return {
    placeAt: (row) => {
      const firstRow = Math.floor(row / BLOCK_ROWS) * BLOCK_ROWS;
      return Promise.resolve({ firstRow, counted: firstRow });
    },
    cellsFrom: async function* ({ firstRow }): AsyncGenerator<NewCells> {
      for (let at = firstRow; at < rows; at += BLOCK_ROWS) {
        onRow(at);
        const count = Math.min(BLOCK_ROWS, rows - at);
        const own = Array.from({ length: count }, (_, index) => at + index);
        yield await Promise.resolve({
          firstRow: at,
          columns: [
            own.map((row) =>
              row % 7 === 0 ? null : `=answer "${String(row)}",\nof ${String(row)}`,
            ),
            own.map((row) => row / 3),
          ],
        });
      }
    },
  };
}
