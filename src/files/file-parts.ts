/** Which files a path stands for: itself, the files of a directory, or all that fit a pattern. */

import type { Dirent } from "node:fs";
import { glob, readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { InputError } from "../core/errors.ts";

/**
 * The paths of the files, in the order of their names, told apart by character codes.
 *
 * A path that exists is taken as it is, whatever characters it has; of a directory all files but those
 * whose names begin with `.` or `_`, as other programs mark what is no data. Another path with `*`, `?`,
 * `[` or `{` is a pattern, where `**` stands for any folders.
 *
 * @throws {InputError} `file_missing` where nothing fits, `parts_differ` where a directory holds another.
 */
export async function filesAt(path: string): Promise<readonly string[]> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory() === true) return await filesIn(path);
  if (found !== null || !/[*?[{]/.test(path)) return [path];
  const files: string[] = [];
  for await (const entry of glob(path, { withFileTypes: true })) {
    if (isData(entry)) files.push(join(entry.parentPath, entry.name));
  }
  if (files.length > 0) return files.sort();
  throw new InputError("file_missing", `No file fits ${path}. Nothing was sent.`, {
    hint: "Check the pattern; it counts from the folder the command runs in.",
  });
}

/** A path that holds wherever a run is gone on with; `-` stays the pipe of whoever does. */
export function lastingPath(path: string): string {
  return path === "-" ? path : resolve(path);
}

async function filesIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const inner = entries.find((entry) => entry.isDirectory() && !isMarked(entry));
  if (inner !== undefined) {
    throw new InputError(
      "parts_differ",
      `${folder} holds a folder, ${inner.name}, besides files. Nothing was sent.`,
      {
        hint: `Name the files with a pattern, such as ${JSON.stringify(join(folder, "**/*.csv"))}.`,
      },
    );
  }
  const files = entries.filter(isData).map(({ name }) => join(folder, name));
  if (files.length > 0) return files.sort();
  throw new InputError("file_missing", `There is no file in ${folder}. Nothing was sent.`, {
    hint: "Check the path; files whose names begin with . or _ do not count.",
  });
}

function isData(entry: Dirent): boolean {
  return !entry.isDirectory() && !isMarked(entry);
}

function isMarked({ name }: Dirent): boolean {
  return name.startsWith(".") || name.startsWith("_");
}
