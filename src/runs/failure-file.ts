/** The failed rows of a run as a file. */

import { InputError } from "../core/errors.ts";
import { csvText, harmless } from "../frame/csv-cells.ts";
import { checkOutput, writeWhole } from "../frame/csv-output.ts";
import { namedFormat } from "../frame/format.ts";
import type { KeyCells } from "../frame/row-keys.ts";
import type { RowFailure } from "./failures.ts";
import { keyNamesOf, namedFailuresOf, type NamedFailure } from "./named-rows.ts";
import type { RunStatus } from "./run-status.ts";

/**
 * Refuses a path that {@link writeFailures} could not write, or that is the run's own input. Writes nothing; call it
 * before anything is sent.
 *
 * @throws {InputError} `output_format` for an ending that is none of its, `output_is_input`, `output_unwritable`.
 */
export async function checkFailuresFile(path: string, input: string | null): Promise<void> {
  if (formatOf(path) === null)
    throw new InputError(
      "output_format",
      `Failed rows cannot be written to ${path}. Nothing was sent.`,
      { hint: ENDINGS },
    );
  await checkOutput(path, input ?? "", "before sending");
}

/**
 * Writes a run's failed rows, in row order, as `row` (counted from 1), the columns of the run's key if it has one
 * (in JSON Lines the object `key`), `code` and `message`: as CSV, TSV or JSON Lines, by the name's ending. Without any, the file has no rows. Gives how many there are.
 *
 * The file appears whole or not at all.
 *
 * @throws {InputError} `output_format` for any other ending, `output_unwritable`, `disk_full`.
 */
export async function writeFailures(run: RunStatus, path: string): Promise<number> {
  const key = keyNamesOf(run);
  return await writeFailedRows(namedFailuresOf(run), path, { input: run.input, key });
}

/** What a file of failed rows is about. */
export interface FailedOf {
  /** A file that must not be written over; null for none. */
  readonly input: string | null;
  /** The columns of the key; none when left out. */
  readonly key?: readonly string[];
}

/** The same of failed rows wherever they come from. */
export async function writeFailedRows(
  failures: AsyncIterable<ToldFailure>,
  path: string,
  { input, key = [] }: FailedOf,
): Promise<number> {
  const format = formatOf(path);
  if (format === null)
    throw new InputError("output_format", `Failed rows cannot be written to ${path}.`, {
      hint: ENDINGS,
    });
  const lineOf = format === "jsonl" ? jsonLine(key) : csvLine(format === "tsv" ? "\t" : ",", key);
  let rows = 0;
  const target = { output: path, input: input ?? "", doneShare: () => 0 };
  await writeWhole(target, async (append) => {
    if (format !== "jsonl") await append(Buffer.from(lineOf(null)));
    for await (const failure of failures) {
      rows += 1;
      await append(Buffer.from(lineOf(failure)));
    }
  });
  return rows;
}

const ENDINGS = "Let the name end in .csv, .tsv or .jsonl.";

/** The format of the file by its ending; null where failed rows have none such. */
function formatOf(path: string): "csv" | "tsv" | "jsonl" | null {
  const { format, compression } = namedFormat(path);
  const isOurs = format === "csv" || format === "tsv" || format === "jsonl";
  return isOurs && compression === null ? format : null;
}

/** A failed row, with its key where it has one. */
type ToldFailure = RowFailure & Partial<Pick<NamedFailure, "key">>;

function jsonLine(names: readonly string[]): (failure: ToldFailure | null) => string {
  return (failure) => {
    if (failure === null) return "";
    const { row, code, message } = failure;
    const told = { row: row + 1, ...namedKey(names, failure.key ?? null), code, message };
    return `${JSON.stringify(told)}\n`;
  };
}

/** A row's key as an object, cells by column; nothing where the run has none. */
export function namedKey(
  names: readonly string[],
  cells: KeyCells | null,
): { readonly key?: Readonly<Record<string, string | null>> | null } {
  if (names.length === 0) return {};
  if (cells === null) return { key: null };
  return { key: Object.fromEntries(names.map((name, at) => [name, cells[at] ?? null])) };
}

/** The header for null. What a provider said is no formula of ours to run. */
function csvLine(
  delimiter: string,
  names: readonly string[],
): (failure: ToldFailure | null) => string {
  return (failure) => {
    const cells =
      failure === null
        ? ["row", ...names, "code", "message"]
        : [
            String(failure.row + 1),
            ...names.map((_, at) => failure.key?.[at] ?? ""),
            ...[failure.code, harmless(failure.message)],
          ];
    return `${csvText(cells, delimiter)}\n`;
  };
}
