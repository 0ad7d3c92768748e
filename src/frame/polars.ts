/** A nodejs-polars DataFrame read as rows, and given new columns. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { DataFrame, Series } from "nodejs-polars";
import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Block, Frame } from "./frame.ts";
import { checkedRowCount, stayingNames } from "./new-columns.ts";
import { cellTexts, cellValues } from "./polars-cells.ts";
import { columnNames, columnOf, rowCountOf } from "./polars-columns.ts";
import { frameOf, frameOfCells, maskedSeries, stacked } from "./polars-native.ts";

export { isDataFrame } from "./polars-columns.ts";

/**
 * A DataFrame as a {@link Frame}.
 *
 * Nothing is copied up front: each block converts its own rows when it is read, and the event loop
 * runs between blocks. Text and values are described at `cellTexts` and `cellValues`; the text of a column
 * of bytes throws `column_type`, its values and its mere presence do not. Its fingerprint is null.
 */
export function polarsFrame(df: DataFrame): Frame {
  return {
    name: "dataframe",
    columns: columnNames(df),
    blocks: (columns, maxRows, firstRow = 0) => blocksOf(df, { names: columns, maxRows, firstRow }),
    fingerprint: () => Promise.resolve(null),
  };
}

async function* blocksOf(
  df: DataFrame,
  asked: { readonly names: readonly string[]; readonly maxRows: number; readonly firstRow: number },
): AsyncGenerator<Block> {
  const { names, maxRows } = asked;
  const height = rowCountOf(df);
  const columns = new Map(names.map((name) => [name, columnOf(df, name)]));
  for (let { firstRow } = asked; firstRow < height; firstRow += maxRows) {
    const rowCount = Math.min(maxRows, height - firstRow);
    const rows = (name: string): Series => {
      const series = columns.get(name);
      if (series !== undefined) return series.slice(firstRow, rowCount);
      throw new InvariantError(
        "unknown_column",
        `Column ${name} was not asked for with this block.`,
      );
    };
    yield {
      firstRow,
      rowCount,
      text: (name) => cellTexts(rows(name), name),
      values: (name) => cellValues(rows(name), name),
    };
    await nextTurn();
  }
}

/** The rows of a DataFrame for which `kept` says true, in their order, types unchanged. */
export function onlyRows(df: DataFrame, kept: readonly boolean[]): DataFrame {
  const names = columnNames(df);
  return frameOf(names.map((name) => ({ name, series: maskedSeries(columnOf(df, name), kept) })));
}

/** A DataFrame of text columns, each with its cells from the top. */
export function textFrame(
  names: readonly string[],
  cells: readonly (readonly (string | null)[])[],
): DataFrame {
  const made = frameOfCells(
    names.map((name) => ({ name, type: "text" }) as const),
    cells,
  );
  return frameOf(names.map((name, at) => ({ name, series: columnOf(made, `c${at}`) })));
}

/**
 * A new DataFrame: the old columns untouched and in their order, then the new ones.
 *
 * `cells` are blocks of any size in row order, one value for every row. Types are those of `columns`,
 * also where every cell is null: text String, float Float64, integer Int64, boolean Bool, date Date,
 * embedding List(Float32), list List, struct Struct.
 *
 * @throws {InputError} `column_exists`.
 * @throws {InvariantError} `cells_misaligned`, `cells_count` or `cells_type` where the cells are not
 * one per row or not of their column's type.
 */
export async function withNewColumns(
  df: DataFrame,
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
): Promise<DataFrame> {
  return await widened(df, columns, { cells, replaces: false });
}

/** The same without the old columns that have the names of new ones. @throws as {@link withNewColumns} */
export async function withReplacedColumns(
  df: DataFrame,
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
): Promise<DataFrame> {
  return await widened(df, columns, { cells, replaces: true });
}

async function widened(
  df: DataFrame,
  columns: readonly NewColumn[],
  { cells, replaces }: { readonly cells: AsyncIterable<NewCells>; readonly replaces: boolean },
): Promise<DataFrame> {
  const staying = stayingNames(columnNames(df), columns, replaces);
  const blocks: DataFrame[] = [];
  let received = 0;
  for await (const block of cells) {
    received += checkedRowCount(block, { columnCount: columns.length, expected: received });
    if (columns.length > 0) blocks.push(frameOfCells(columns, block.columns));
    await nextTurn();
  }
  const height = rowCountOf(df);
  if (columns.length > 0 && received !== height) {
    throw new InvariantError(
      "cells_count",
      `The new columns have ${received} rows and the dataframe ${height}.`,
    );
  }
  const old = staying.map((name) => ({ name, series: columnOf(df, name) }));
  const empty = columns.map((): readonly NewCell[] => []);
  const all = stacked(blocks.length === 0 ? [frameOfCells(columns, empty)] : blocks);
  const added = columns.map(({ name }, at) => ({ name, series: columnOf(all, `c${at}`) }));
  return frameOf([...old, ...added]);
}
