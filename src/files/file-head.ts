/** The first rows of a file or a dataframe, to be looked at. */

import type { DataFrame } from "nodejs-polars";
import { InputError } from "../core/errors.ts";
import { openFile } from "./files.ts";
import { isDataFrame, rowCountOf } from "../frame/polars-columns.ts";
import type { Block, Frame } from "../frame/frame.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";

/** The top of a file or a dataframe: its columns, and rows of cells as text. */
export interface FileHead {
  readonly columns: readonly string[];
  /** One cell for each column, in the order of `columns`; null where the cell is empty. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/**
 * The columns of a file and its first rows, at most `maxRows` of them; of JSON those columns that these rows have.
 *
 * @throws {InputError} for a file that cannot be read, as {@link enrichFile} does.
 */
export async function headOfFile(
  path: string,
  maxRows: number,
  reading: OpenFileOptions = {},
): Promise<FileHead> {
  return await firstRows(await openFile(path, { ...reading, rowsSeen: maxRows }), maxRows);
}

/** The top of a dataframe, and how many rows it has in all. */
export interface FrameHead extends FileHead {
  readonly rowCount: number;
}

/**
 * The columns of a dataframe and its first rows, at most `maxRows` of them, as exact text: integers keep
 * every digit, lists and structs are JSON. The cells of a column of bytes or objects, which
 * have no text, are `(bytes)`.
 *
 * @throws {InputError} `frame_invalid` for anything but a nodejs-polars DataFrame.
 */
export async function headOfFrame(frame: DataFrame, maxRows: number): Promise<FrameHead> {
  if (!isDataFrame(frame))
    throw new InputError("frame_invalid", "This is not a nodejs-polars DataFrame.", {
      hint: "Read one with pl.readCSV or pl.readParquet; headOfFile shows a file.",
    });
  const { polarsFrame } = await import("../frame/polars.ts");
  const preview = await firstRows(polarsFrame(frame), maxRows);
  return { ...preview, rowCount: rowCountOf(frame) };
}

async function firstRows(frame: Frame, maxRows: number): Promise<FileHead> {
  const { columns } = frame;
  for await (const block of frame.blocks(columns, maxRows)) {
    const texts = columns.map((name) => textsOf(block, name));
    const rows = Array.from({ length: block.rowCount }, (_, row) =>
      texts.map((cells) => cells[row] ?? null),
    );
    return { columns, rows };
  }
  return { columns, rows: [] };
}

function textsOf(block: Block, name: string): readonly (string | null)[] {
  try {
    return block.text(name);
  } catch (error) {
    if (!(error instanceof InputError) || error.code !== "column_type") throw error;
    return new Array<string>(block.rowCount).fill("(bytes)");
  }
}
