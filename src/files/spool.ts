/** What comes through a pipe, kept in a file, since rows are read more than once. */

import { createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { InputError } from "../core/errors.ts";
import { privateFolder } from "./private-folder.ts";

// A process has one standard input, which can be read once; whoever asks again gets the same file.
let standardInput: Promise<string> | null = null;

/**
 * The path of a file with everything that comes through standard input, once it has all come.
 *
 * Only this user can read the file; it is removed when the process exits, but not when it is killed.
 *
 * @throws {InputError} `file_missing` where standard input is a terminal, `disk_full`.
 */
export function spooledInput(): Promise<string> {
  return (standardInput ??= spool(process.stdin));
}

async function spool(input: Readable & { readonly isTTY?: boolean }): Promise<string> {
  if (input.isTTY === true) {
    throw new InputError("file_missing", "Standard input is a terminal: there are no rows in it.", {
      hint: "Pipe rows in, as in: cat rows.csv | …, or give the path of a file.",
    });
  }
  const { path: folder } = await privateFolder();
  const path = join(folder, "stdin");
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }));
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : null;
    if (code !== "ENOSPC" && code !== "EDQUOT" && code !== "EFBIG") throw error;
    // What came so far is of no use, and would keep the disk full until the process ends.
    await rm(path, { force: true });
    throw new InputError(
      "disk_full",
      `The disk is full: standard input could not be kept in ${folder}. Nothing was sent.`,
      { hint: "Make room there, or set TMPDIR to a folder on another disk.", cause: error },
    );
  }
  return path;
}
