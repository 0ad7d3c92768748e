/** What a cell may hold and what type a new column has. */

/** One value of a row as templates written as functions see it; `null` is a missing value. */
export type Cell =
  | string
  | number
  | bigint
  | boolean
  | Date
  | null
  | readonly Cell[]
  | { readonly [field: string]: Cell };

/** The type of a new column, fixed by the output asked for and never inferred from the answers. */
export type ColumnType = "text" | "float" | "integer" | "boolean" | "embedding";

/** A column batchframe adds: its name and its type. Every new column is nullable. */
export interface NewColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** One value of a new column: text, a number, a truth value, a vector of 32-bit floats, or null. */
export type NewCell = string | number | boolean | Float32Array | null;

/** Consecutive rows of the new columns: `columns[c][r]` belongs to column `c` and row `firstRow + r`. */
export interface NewCells {
  readonly firstRow: number;
  readonly columns: readonly (readonly NewCell[])[];
}
