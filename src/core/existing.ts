/** What becomes of columns that the rows have already, under names that new ones would have. */

import { InputError } from "./errors.ts";

/** `fail`: the run is refused · `overwrite`: the new columns replace them. */
export type Existing = "fail" | "overwrite";

/** The error for a new column whose name is taken by one of what is called `owner`. */
export function columnTaken(owner: string, column: string): InputError {
  return new InputError(
    "column_exists",
    `${owner} already has a column named ${JSON.stringify(column)}. Nothing was sent.`,
    {
      hint: 'Choose another name with --column (column in code), or --overwrite to replace it (existing: "overwrite").',
    },
  );
}

/** Whether new columns may take the place of old ones. @throws {InputError} `option_invalid` for a word that is none. */
export function replacesExisting(existing: Existing | undefined): boolean {
  if (existing === undefined || existing === "fail") return false;
  if ((existing as string) === "overwrite") return true;
  throw new InputError(
    "option_invalid",
    `existing must be "fail" or "overwrite"; it is ${JSON.stringify(existing)}. Nothing was sent.`,
  );
}
