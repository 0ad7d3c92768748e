/** New cells that any process makes alike, block by block, for writes that are killed on their way. */

import type { NewCells, NewColumn } from "../../src/core/column.ts";
import type { CellSource } from "../../src/frame/write-marks.ts";

/** What is written where, and at which row the process ends itself. */
export interface WriteJob {
  readonly input: string;
  readonly output: string;
  readonly journal: string;
  readonly rows: number;
  readonly killAt: number;
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
