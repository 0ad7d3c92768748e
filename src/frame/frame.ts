/** The interface every source of rows fulfils: an in-memory dataframe or a file read as rows. */

import type { Cell } from "../core/column.ts";
import type { CellField, RawCell } from "./cell-type.ts";
import type { PlannedSkip } from "../core/result.ts";

/** Consecutive rows of the columns that were asked for, held only while they are being rendered. */
export interface Block {
  /** Index of the first row, counted from 0 at the top of the frame. */
  readonly firstRow: number;
  readonly rowCount: number;
  /** The exact text of each cell, null where the cell is missing. Digits are never rounded. */
  text(column: string): readonly (string | null)[];
  /** The cells as JavaScript values. In a CSV every value is text or null. */
  values(column: string): readonly Cell[];
  /** The cells as they are stored; left out where the source says no types. */
  raw?(column: string): readonly RawCell[];
  /** Why a row, counted from 0 within the block, must not be asked; null where it may be, and left out where all may. */
  withheld?(row: number): PlannedSkip | null;
}

/** A column and its type. */
export interface TypedField extends CellField {
  /** Why it is text though its cells are not, as a plural verb and what follows it: `hold numbers and text`. */
  readonly told?: string;
}

/** Rows that can be read more than once, always in the same order and with the same values. */
export interface Frame {
  /** What messages call it: a file's name, or "dataframe". */
  readonly name: string;
  /** Column names in order, without repetition. */
  readonly columns: readonly string[];
  /**
   * Reads the named columns in blocks of at most `maxRows` rows.
   *
   * With `firstRow`, blocks that end before that row may be left out, where that saves reading them; those
   * that come all the same are for the caller to pass over.
   *
   * @throws {InputError} where the file is damaged, naming the line; blocks before it have been given.
   */
  blocks(columns: readonly string[], maxRows: number, firstRow?: number): AsyncIterable<Block>;
  /**
   * A hash of the content as it is now, so that a run is never resumed over other rows; null when the
   * rows live in memory and are known only by what they render to.
   */
  fingerprint(): Promise<string | null>;
  /** The rows alone, where columns that take another reading stand beside them; left out where none do. */
  readonly bare?: Frame;
  /** The types of its columns, of which {@link Block.raw} gives the cells; left out where the source says none. */
  readonly types?: () => Promise<readonly TypedField[]>;
}
