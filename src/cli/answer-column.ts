/** Where the answers are that a command compares: a file's column, or a run's output. */

import { existsSync } from "node:fs";
import { findRun, InputError, type AnswerColumn } from "../index.ts";

/**
 * The file and column that a word means: a file that exists, with the column named by `flag`, or a run
 * and its output.
 *
 * @throws {InputError} `option_invalid` for a file without a column, `output_missing` for a run that has
 * written none, and what finding the run throws.
 */
export async function answerColumn(
  ref: string,
  column: string | undefined,
  { flag, runDir }: { readonly flag: string; readonly runDir: string | undefined },
): Promise<AnswerColumn> {
  if (existsSync(ref)) {
    if (column !== undefined) return { file: ref, column };
    throw new InputError(
      "option_invalid",
      `${ref} is a file, so the column of answers must be named.`,
      { hint: `Add ${flag} COLUMN, or name a run instead of a file.` },
    );
  }
  const run = await findRun(ref, runDir);
  if (run.output !== null && existsSync(run.output))
    return { file: run.output, column: column ?? run.column };
  throw new InputError("output_missing", `Run ${run.id} has written no output file yet.`, {
    hint: `Finish it first: batchframe resume ${run.id}`,
  });
}
