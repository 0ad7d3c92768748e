/** The first rows of a file, to be looked at. */

import { openFile } from "./files.ts";
import type { OpenFileOptions } from "./frame/opened-file.ts";

/** The top of a file: its columns, and rows of cells as text. */
export interface Preview {
  readonly columns: readonly string[];
  /** One cell for each column, in the order of `columns`; null where the cell is empty. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * The columns of a file and its first rows, at most `maxRows` of them; of JSON those columns that these rows have.
 *
 * @throws {InputError} for a file that cannot be read, as {@link enrichFile} does.
 */
export async function previewFile(
  path: string,
  maxRows: number,
  reading: OpenFileOptions = {},
): Promise<Preview> {
  const frame = await openFile(path, { ...reading, rowsSeen: maxRows });
  for await (const block of frame.blocks(frame.columns, maxRows)) {
    const columns = frame.columns.map((name) => block.text(name));
    const rows = Array.from({ length: block.rowCount }, (_, row) =>
      columns.map((cells) => cells[row] ?? null),
    );
    return { columns: frame.columns, rows };
  }
  return { columns: frame.columns, rows: [] };
}
