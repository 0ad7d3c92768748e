/** Several files of rows put into one. */

import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable } from "node:stream";
import { namedFormat } from "../frame/format.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import { openFile, openFiles, writeFileFrame } from "./files.ts";

/**
 * Writes the rows of files of one format and one header into one file, in the format of its ending; gives
 * how many there are.
 *
 * In their own format text keeps its bytes, and Parquet its pages; `reading` is what was said of the
 * input that CSV files were made from. The file appears whole or not at all.
 *
 * @throws {InputError} `parts_differ`, `output_format`, and what reading and writing throw.
 */
export async function joinFiles(
  paths: readonly string[],
  { output, reading }: { readonly output: string; readonly reading: OpenFileOptions },
): Promise<number> {
  await mkdir(dirname(output), { recursive: true });
  const { format } = namedFormat(paths[0] ?? "");
  const isCsv = format === "csv" || format === "tsv";
  const { format: _asRead, ...csv } = reading;
  const how = isCsv ? csv : {};
  if (format === "parquet" && namedFormat(output).format === "parquet") {
    const { joinParquet } = await import("../frame/split-parquet.ts");
    const { openParquet } = await import("../frame/parquet.ts");
    return await joinParquet(await Promise.all(paths.map(openParquet)), output);
  }
  const input =
    paths.length === 1 ? await openFile(paths[0] ?? "", how) : await openFiles(paths, how);
  // No column is new, so none has cells.
  const none = Readable.from([]) as AsyncIterable<never>;
  const { rows } = await writeFileFrame({ input, output, columns: [], cells: none });
  return rows;
}
