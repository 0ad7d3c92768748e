/** What becomes of columns that the rows have already, under names that new ones would have. */

import { InputError } from "./errors.ts";

/**
 * `fail`: the run is refused · `skip`: rows that are answered there keep what they have and are not asked ·
 * `overwrite`: the new columns replace them.
 */
export type Existing = "fail" | "skip" | "overwrite";

/** The error for a new column whose name is taken by one of what is called `owner`. */
export function columnTaken(owner: string, column: string): InputError {
  return new InputError(
    "column_exists",
    `${owner} already has a column named ${JSON.stringify(column)}. Nothing was sent.`,
    {
      hint:
        "Choose another name with --column (column in code); or give --skip-existing to ask only the rows that have " +
        'no answer there, or --overwrite to replace it (existing: "skip" or "overwrite").',
    },
  );
}

/**
 * Whether new columns may stand where old ones of their names do.
 *
 * @throws {InputError} `option_invalid` for a word that is none.
 */
export function replacesExisting(existing: Existing | undefined): boolean {
  if (existing === undefined || existing === "fail") return false;
  if (["skip", "overwrite"].includes(existing)) return true;
  throw new InputError(
    "option_invalid",
    `existing must be "fail", "skip" or "overwrite"; it is ${JSON.stringify(existing)}. Nothing was sent.`,
  );
}

/** Whether rows that are answered already keep what they have. */
export function keepsExisting(existing: Existing | undefined): boolean {
  return existing === "skip";
}

/**
 * What rows that are not asked keep of the columns that are replaced: all they have, except where a whole column is
 * overwritten; null where they keep nothing.
 */
export function keptUnder(options: {
  readonly existing?: Existing;
  readonly where?: unknown;
  readonly limit?: unknown;
  readonly sample?: unknown;
}): Exclude<Existing, "fail"> | null {
  const { existing, where, limit, sample } = options;
  if (existing === "skip") return "skip";
  const isChosen = [where, limit, sample].some((choice) => choice !== undefined);
  return existing === "overwrite" && isChosen ? "overwrite" : null;
}
