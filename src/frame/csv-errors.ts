/** The refusals a CSV file can meet, in the words of the person who has to mend it. */

import { InputError } from "../core/errors.ts";

/** The code of a Node system error such as `ENOENT`, or null for anything else. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

/** What to throw when a file could not be opened or read; anything unknown is given back as it is. */
export function readFailure(error: unknown, path: string): unknown {
  switch (systemCode(error)) {
    case "ENOENT":
    case "ENOTDIR":
      return new InputError("file_missing", `There is no file ${path}.`, {
        hint: "Check the path; a relative path counts from the folder the command runs in.",
        cause: error,
      });
    case "EACCES":
    case "EPERM":
      return new InputError("file_unreadable", `${path} may not be read: permission denied.`, {
        hint: `Allow reading it, for instance with: chmod u+r ${JSON.stringify(path)}`,
        cause: error,
      });
    case "EISDIR":
      return notAFile(path, "a directory");
    default:
      return error;
  }
}

/** The refusal of a path that is something other than a regular file. */
export function notAFile(path: string, what: string): InputError {
  return new InputError("file_unreadable", `${path} is ${what}, not a file.`, {
    hint: "Give the path of a file on disk, since rows are read more than once; or - for standard input, which is kept in a temporary file.",
  });
}

/** The refusal of a compressed file that does not hold what it should. */
export function damagedFile(path: string, how: string, cause: unknown): InputError {
  return new InputError("file_damaged", `${path} is damaged: ${how}.`, {
    hint: "Write or copy the file anew; nothing can be told of the rows that are lost.",
    cause,
  });
}

/** The refusal of a file that is no longer the one that was opened. */
export function inputChanged(path: string, how: string): InputError {
  return new InputError("input_changed", `${path} was changed while it was in use: ${how}.`, {
    hint: "Put the file back as it was to get the answers that were bought, or run again: the changed file is a run of its own, and all of its rows are asked.",
  });
}

/** The same refusal, with the assurance that nothing has left the machine. */
export function beforeSending(error: unknown): unknown {
  if (!(error instanceof InputError)) return error;
  return new InputError(error.code, `${error.message} Nothing was sent.`, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error,
  });
}
