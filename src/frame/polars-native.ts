/** The few things asked of polars itself; the only file that loads nodejs-polars. */

import pl from "nodejs-polars";
import type { DataFrame, Series } from "nodejs-polars";
import type { NewCell, NewColumn } from "../core/column.ts";
import { arrowColumn, arrowStreamOf } from "./arrow-native.ts";
import type { RawColumn } from "./cell-text.ts";
import { checkCells } from "./new-cells.ts";

/** The cells as polars' own text: digits of integers, decimals and instants are never rounded. */
export function castTexts(series: Series): readonly (string | null)[] {
  return series.cast(pl.Utf8).toArray();
}

/**
 * The cells as JSON, null for null: integers of any size and decimals exact, instants with their offset,
 * times with their fraction, durations as ISO 8601. NaN and infinities, which JSON has not, are null.
 */
export function jsonTexts(series: Series): readonly (string | null)[] {
  const frame = pl.DataFrame([series.alias("v")]);
  const encoded = frame.select(
    pl
      .struct([pl.col("v")])
      .struct.jsonEncode()
      .alias("json"),
  );
  const before = '{"v":'.length;
  return encoded
    .getColumn("json")
    .toArray()
    .map((text) => {
      const json = String(text).slice(before, -1);
      return json === "null" ? null : json;
    });
}

/**
 * New columns as a frame, named by position (`c0`, `c1`); their types hold whatever the cells are: all
 * null, nested nulls, or none at all.
 *
 * @throws {InvariantError} `cells_type` where a cell is not of its column's type.
 */
export function frameOfCells(
  columns: readonly NewColumn[],
  cells: readonly (readonly NewCell[])[],
): DataFrame {
  columns.forEach((column, at) => {
    checkCells(column, cells[at] ?? []);
  });
  // An Arrow stream is the only way into polars that carries every type: from JavaScript values it
  // guesses, and puts null where it guessed wrong.
  return pl.readIPCStream(Buffer.from(arrowStreamOf(columns, cells)));
}

/** The rows of frames of the same columns, one after the other; at least one frame. */
export function stacked(frames: readonly DataFrame[]): DataFrame {
  return pl.concat([...frames]);
}

/** The cells for which a mask of the same length says true. */
export function maskedSeries(series: Series, mask: readonly boolean[]): Series {
  return series.filter(pl.Series("mask", [...mask], pl.Bool));
}

/** The cells as raw cells, read through Arrow: for types that polars cannot hand to JavaScript. */
export function rawColumn(series: Series, name: string): RawColumn {
  const stream = pl.DataFrame([series.alias("v")]).writeIPCStream();
  return { name, ...arrowColumn(stream) };
}

/** A frame of columns of one length, under any names: empty ones and those of methods too. */
export function frameOf(columns: readonly { readonly name: string; readonly series: Series }[]) {
  // Given a series without a name, polars makes one up; so names are set once the frame stands.
  const frame: DataFrame = pl.DataFrame(columns.map(({ series }, at) => series.alias(`c${at}`)));
  frame.columns = columns.map(({ name }) => name);
  return frame;
}
