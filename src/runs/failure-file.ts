/** The failed rows of a run as a file. */

import { InputError } from "../core/errors.ts";
import { csvText, harmless } from "../frame/csv-cells.ts";
import { writeWhole } from "../frame/csv-output.ts";
import { namedFormat } from "../frame/format.ts";
import { failuresOf, type RowFailure } from "./failures.ts";
import type { RunStatus } from "./run-status.ts";

/**
 * Writes a run's failed rows, in row order, as `row` (counted from 1), `code` and `message`: as CSV, TSV
 * or JSON Lines, by the name's ending. Without any, the file has no rows. Gives how many there are.
 *
 * The file appears whole or not at all.
 *
 * @throws {InputError} `output_format` for any other ending, `output_unwritable`, `disk_full`.
 */
export async function writeFailures(run: RunStatus, path: string): Promise<number> {
  const { format, compression } = namedFormat(path);
  const lineOf = format === "jsonl" ? jsonLine : csvLine(format === "tsv" ? "\t" : ",");
  if ((format !== "csv" && format !== "tsv" && format !== "jsonl") || compression !== null)
    throw new InputError("output_format", `Failed rows cannot be written to ${path}.`, {
      hint: "Let the name end in .csv, .tsv or .jsonl.",
    });
  let rows = 0;
  const target = { output: path, input: run.input ?? "", doneShare: () => 0 };
  await writeWhole(target, async (append) => {
    if (format !== "jsonl") await append(Buffer.from(lineOf(null)));
    for await (const failure of failuresOf(run)) {
      rows += 1;
      await append(Buffer.from(lineOf(failure)));
    }
  });
  return rows;
}

function jsonLine(failure: RowFailure | null): string {
  return failure === null ? "" : `${JSON.stringify({ ...failure, row: failure.row + 1 })}\n`;
}

/** The header for null. What a provider said is no formula of ours to run. */
function csvLine(delimiter: string): (failure: RowFailure | null) => string {
  return (failure) => {
    const cells =
      failure === null
        ? ["row", "code", "message"]
        : [String(failure.row + 1), failure.code, harmless(failure.message)];
    return `${csvText(cells, delimiter)}\n`;
  };
}
