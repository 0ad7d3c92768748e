/** The few things asked of polars itself; the only file that loads nodejs-polars. */

import pl from "nodejs-polars";
import type { DataFrame, Series } from "nodejs-polars";
import type { ColumnType, NewCell } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";

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
 * A series of one type whatever the cells are: all null, or none at all.
 *
 * @throws {InvariantError} `cells_type` where a cell is of another type: polars would put null in its
 * place and say nothing.
 */
export function typedSeries(name: string, type: ColumnType, cells: readonly NewCell[]): Series {
  for (const cell of cells) {
    if (cell === null || isOfType[type](cell)) continue;
    throw new InvariantError(
      "cells_type",
      `Column ${name} is ${type} and was given ${typeof cell}.`,
    );
  }
  switch (type) {
    case "text":
      return pl.Series(name, [...cells], pl.Utf8);
    case "float":
      return pl.Series(name, [...cells], pl.Float64);
    case "integer":
      return pl.Series(name, [...cells], pl.Int64);
    case "boolean":
      return pl.Series(name, [...cells], pl.Bool);
    case "embedding":
      // polars reads the type of a list off its first value: without one it throws.
      return pl
        .Series(name, [new Float32Array(1), ...cells], pl.List(pl.Float32))
        .slice(1, cells.length);
  }
}

const isOfType: Readonly<Record<ColumnType, (cell: NewCell) => boolean>> = {
  text: (cell) => typeof cell === "string",
  float: (cell) => typeof cell === "number",
  integer: (cell) => Number.isSafeInteger(cell),
  boolean: (cell) => typeof cell === "boolean",
  embedding: (cell) => cell instanceof Float32Array,
};

/** A frame of columns of one length, under any names: empty ones and those of methods too. */
export function frameOf(columns: readonly { readonly name: string; readonly series: Series }[]) {
  // Given a series without a name, polars makes one up; so names are set once the frame stands.
  const frame: DataFrame = pl.DataFrame(columns.map(({ series }, at) => series.alias(`c${at}`)));
  frame.columns = columns.map(({ name }) => name);
  return frame;
}
