/** A large file cut into pieces, so that many can work on it. */

import { join } from "node:path";
import { InputError } from "../core/errors.ts";
import { namedFormat } from "../frame/format.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import { splitCsv, splitLines, type Cutting, type Piece } from "../frame/split-text.ts";
import { openFile } from "./files.ts";

/** How a file is cut, and where its pieces are written. */
export interface Splitting extends Omit<Cutting, "pathOf"> {
  readonly reading: OpenFileOptions;
  /** A folder for the pieces; nothing in it is read or removed. */
  readonly folder: string;
}

/**
 * Cuts a file of rows into pieces of at most so many rows or bytes, in order, each written when it is
 * asked for: CSV, TSV and JSON Lines between rows, Parquet between row groups.
 *
 * The rows of the pieces, one after the other, are those of the file, their bytes as they stand.
 *
 * @throws {InputError} `split_unsupported` for a JSON array and Arrow, and what reading the file throws.
 */
export async function* splitFile(
  path: string,
  { reading, folder, maxRows, maxBytes }: Splitting,
): AsyncGenerator<Piece> {
  const { ending, compression } = namedFormat(path);
  const plain = compression === null ? ending : ending.replace(/\.[^.]*$/, "");
  const pathOf = (number: number): string =>
    join(folder, `piece-${String(number).padStart(5, "0")}${plain}`);
  const how = { maxRows, maxBytes, pathOf };
  const [file] = (await openFile(path, { ...reading, rowsSeen: 1 })).files;
  if (file.kind === "csv") yield* splitCsv(file.frame, how);
  else if (file.kind === "json" && file.frame.layout === "jsonl") yield* splitLines(path, how);
  else if (file.kind === "parquet") {
    // Loaded when needed: text needs no part of it.
    const { splitParquet } = await import("../frame/split-parquet.ts");
    yield* splitParquet(file.frame, how);
  } else
    throw new InputError(
      "split_unsupported",
      `${path} is ${file.kind === "json" ? "a JSON array" : "an Arrow file"}, which cannot be cut into parts. Nothing was sent.`,
      { hint: "Write it as JSON Lines, CSV or Parquet, or leave it one part." },
    );
}
