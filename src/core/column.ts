/** What a cell may hold and what type a new column has. */

/** One value of a row as templates written as functions see it; `null` is a missing value. */
export type Cell =
  | string
  | number
  | bigint
  | boolean
  | Date
  | Uint8Array
  | null
  | readonly Cell[]
  | { readonly [field: string]: Cell };

/**
 * The type of a new column, fixed by the output asked for and never inferred from the answers.
 *
 * `date` cells are ISO 8601 text (`2026-01-31`), `embedding` cells vectors of 32-bit floats, `list` and
 * `struct` cells nest.
 */
export type ColumnType =
  | "text"
  | "float"
  | "integer"
  | "boolean"
  | "date"
  | "embedding"
  | { readonly list: ColumnType }
  | { readonly struct: readonly NewColumn[] };

/** A column batchframe adds: its name and its type. Every new column is nullable. */
export interface NewColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/** One value of a new column, null where there is none; a struct's fields are those of its type. */
export type NewCell =
  | string
  | number
  | boolean
  | Float32Array
  | null
  | readonly NewCell[]
  | { readonly [field: string]: NewCell };

/** Consecutive rows of the new columns: `columns[c][r]` belongs to column `c` and row `firstRow + r`. */
export interface NewCells {
  readonly firstRow: number;
  readonly columns: readonly (readonly NewCell[])[];
}
