/** The first rows of a file, to be looked at. */

import { openCsv } from "./frame/csv.ts";

/** The top of a file: its columns, and rows of cells as text. */
export interface Preview {
  readonly columns: readonly string[];
  /** One cell for each column, in the order of `columns`; null where the cell is empty. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * The columns of a CSV file and its first rows, at most `maxRows` of them.
 *
 * @throws {InputError} for a file that cannot be read as CSV, as {@link enrichFile} does.
 */
export async function previewFile(path: string, maxRows: number): Promise<Preview> {
  const frame = await openCsv(path);
  for await (const block of frame.blocks(frame.columns, maxRows)) {
    const columns = frame.columns.map((name) => block.text(name));
    const rows = Array.from({ length: block.rowCount }, (_, row) =>
      columns.map((cells) => cells[row] ?? null),
    );
    return { columns: frame.columns, rows };
  }
  return { columns: frame.columns, rows: [] };
}
