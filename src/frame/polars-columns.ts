/** The columns of a dataframe, reached without calling a method of it. */

import type { DataFrame, Series } from "nodejs-polars";
import { InvariantError } from "../core/errors.ts";

/** True for a nodejs-polars DataFrame. Does not load polars. */
export function isDataFrame(value: unknown): value is DataFrame {
  if (typeof value !== "object" || value === null) return false;
  return (value as { readonly [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === "DataFrame";
}

/** Column names in order. */
export function columnNames(df: DataFrame): readonly string[] {
  // A column named "columns" hides the property of that name: polars answers every name that is a
  // column with the column. Its list of keys cannot be hidden.
  return Reflect.ownKeys(df).filter((key) => typeof key === "string");
}

/** One column by name, whatever the name. */
export function columnOf(df: DataFrame, name: string): Series {
  const series: unknown = Reflect.getOwnPropertyDescriptor(df, name)?.value;
  if (series !== undefined) return series as Series;
  throw new InvariantError("unknown_column", `The dataframe has no column ${name}.`);
}

/** The number of rows; 0 for a frame without columns. */
export function rowCountOf(df: DataFrame): number {
  const [first] = columnNames(df);
  return first === undefined ? 0 : columnOf(df, first).length;
}
