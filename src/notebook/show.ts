/** Dataframes as notebooks show them. */

import type { DataFrame } from "nodejs-polars";
import { displayed, type Displayed } from "../display/bundle.ts";
import { rowsBundle } from "../display/table.ts";
import { headOfFrame } from "../index.ts";

/** How much of a dataframe is shown. */
export interface ShowOptions {
  /** The most rows; 10 when left out. */
  readonly rows?: number;
}

/**
 * A dataframe as a table in a notebook: as the last value of a cell it shows its first rows.
 *
 * Every cell is text, exact to the digit, and escaped. polars' own display comes as a kind of data that
 * VS Code shows as nothing; this one is plain HTML.
 */
export function show(frame: DataFrame, { rows = 10 }: ShowOptions = {}): Displayed {
  return displayed({} as Displayed, async () => rowsBundle(await headOfFrame(frame, rows)));
}
