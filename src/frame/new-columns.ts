/** New columns on their way into a frame: their names, and their rows whatever the blocks they come in. */

import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";

/**
 * The old columns that stay beside new ones, in their order: all of them, or with `replaces` those whose
 * names no new one has.
 *
 * @throws {InputError} `column_exists` for a name that two new columns have, and without `replaces` for
 * one that an old column has.
 */
export function stayingNames(
  existing: readonly string[],
  columns: readonly NewColumn[],
  replaces = false,
): readonly string[] {
  const taken = new Set(replaces ? [] : existing);
  for (const { name } of columns) {
    if (taken.has(name)) {
      throw new InputError("column_exists", `There is a column ${JSON.stringify(name)} already.`, {
        hint: "Give the new column another name, or let it take the old one's place.",
      });
    }
    taken.add(name);
  }
  return replaces ? existing.filter((name) => !taken.has(name)) : existing;
}

/** The rows of the new columns, taken one at a time from blocks of any size. */
export interface RowQueue {
  /**
   * Waits until `count` rows can be taken, or until the last block has come.
   *
   * @throws {InvariantError} `cells_misaligned` where a block does not follow the one before it, or does
   * not hold one column for each new column, all of one length.
   */
  fill(count: number): Promise<void>;
  /** The next row, one cell for each new column; null when there are no more. */
  take(): readonly NewCell[] | null;
  /** True when every row was taken and no more can come; asks for another block where it cannot tell. */
  isDrained(): Promise<boolean>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** Starts a {@link RowQueue} over blocks of `columnCount` columns, the first of which begins at `firstRow`. */
export function rowQueue(
  cells: AsyncIterable<NewCells>,
  columnCount: number,
  firstRow = 0,
): RowQueue {
  const source = cells[Symbol.asyncIterator]();
  let blocks: NewCells[] = [];
  let at = 0;
  let waiting = 0;
  let received = firstRow;
  let isDone = false;
  const fill = async (count: number): Promise<void> => {
    while (!isDone && waiting < count) {
      const next = await source.next();
      if (next.done === true) {
        isDone = true;
        return;
      }
      const rowCount = checkedRowCount(next.value, { columnCount, expected: received });
      if (rowCount === 0) continue;
      received += rowCount;
      waiting += rowCount;
      blocks.push(next.value);
    }
  };
  return {
    fill,
    take: () => {
      const [first] = blocks;
      if (first === undefined) return null;
      const row = first.columns.map((column) => column[at] ?? null);
      at += 1;
      waiting -= 1;
      if (at === first.columns[0]?.length) {
        blocks = blocks.slice(1);
        at = 0;
      }
      return row;
    },
    isDrained: async () => {
      await fill(1);
      return waiting === 0;
    },
    close: async () => {
      await source.return?.();
    },
  };
}

/** The new columns, taken some rows at a time from blocks of any size. */
export interface ColumnQueue {
  /**
   * The cells of the next `count` rows, column by column; fewer rows where no more come.
   *
   * @throws {InvariantError} `cells_misaligned`, as {@link RowQueue.fill} does.
   */
  take(count: number): Promise<readonly (readonly NewCell[])[]>;
  /** True when every row was taken and no more can come; asks for another block where it cannot tell. */
  isDrained(): Promise<boolean>;
  /** Tells the source that no more is wanted. */
  close(): Promise<void>;
}

/** Starts a {@link ColumnQueue} over blocks of `columnCount` columns, the first of which begins at `firstRow`. */
export function columnQueue(
  cells: AsyncIterable<NewCells>,
  columnCount: number,
  firstRow = 0,
): ColumnQueue {
  const source = cells[Symbol.asyncIterator]();
  let block: readonly (readonly NewCell[])[] = [];
  let at = 0;
  let rowCount = 0;
  let received = firstRow;
  // True when there is a row to take.
  const filled = async (): Promise<boolean> => {
    while (at === rowCount) {
      const next = await source.next();
      if (next.done === true) return false;
      rowCount = checkedRowCount(next.value, { columnCount, expected: received });
      received += rowCount;
      block = next.value.columns;
      at = 0;
    }
    return true;
  };
  return {
    take: async (count) => {
      const columns: NewCell[][] = Array.from({ length: columnCount }, () => []);
      let left = count;
      while (left > 0 && (await filled())) {
        const end = Math.min(at + left, rowCount);
        columns.forEach((column, index) => {
          for (const cell of block[index]?.slice(at, end) ?? []) column.push(cell);
        });
        left -= end - at;
        at = end;
      }
      return columns;
    },
    isDrained: async () => !(await filled()),
    close: async () => {
      await source.return?.();
    },
  };
}

/** How many rows a block holds, once it is known to stand where it should. */
export function checkedRowCount(
  { firstRow, columns }: NewCells,
  due: { readonly columnCount: number; readonly expected: number },
): number {
  const rowCount = columns[0]?.length ?? 0;
  if (columns.length !== due.columnCount || columns.some(({ length }) => length !== rowCount)) {
    throw misaligned(
      `the block at row ${firstRow} does not hold ${due.columnCount} columns of one length`,
    );
  }
  if (firstRow !== due.expected) {
    throw misaligned(`a block begins at row ${firstRow} where row ${due.expected} was due`);
  }
  return rowCount;
}

function misaligned(what: string): InvariantError {
  return new InvariantError("cells_misaligned", `New cells do not fit their rows: ${what}.`);
}

/** Which rows of a block are kept, by their new cells. */
export interface KeptCells {
  /** How many. */
  readonly rowCount: number;
  /** The cells of the rows that are kept. */
  of<Value>(column: readonly Value[]): readonly Value[];
}

/** The rows of a block of new cells for which `keeps` says true, each asked once; all where it is left out. */
export function keptCells(
  columns: readonly (readonly NewCell[])[],
  rowCount: number,
  keeps?: (row: readonly NewCell[]) => boolean,
): KeptCells {
  if (keeps === undefined) return { rowCount, of: (column) => column };
  const kept = Array.from({ length: rowCount }, (_, row) =>
    keeps(columns.map((column) => column[row] ?? null)),
  );
  return {
    rowCount: kept.filter((is) => is).length,
    of: (column) => column.filter((_, row) => kept[row] === true),
  };
}
