/** Files of JSON objects that are worked on apart, each with the columns and types of all of them. */

import { inputChanged } from "../frame/csv-errors.ts";
import { joinedSeen, seenTypes, type SeenColumns } from "../frame/joined-types.ts";
import type { JsonFrame } from "../frame/json.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import { partsFrame } from "../frame/parts.ts";
import { openFile, type FileFrame } from "./files.ts";

/**
 * What all files of JSON objects hold together, as reading them as one file finds it; null where one is of another
 * format. Each path may be gone once the next is asked for.
 *
 * @throws {InputError} what {@link openFile} throws; nothing was sent.
 */
export async function jsonColumns(
  paths: AsyncIterable<string>,
  reading: OpenFileOptions,
): Promise<SeenColumns | null> {
  const seen: Pick<JsonFrame, "columns" | "seen">[] = [];
  for await (const path of paths) {
    const [{ kind, frame }] = (await openFile(path, reading)).files;
    if (kind !== "json") return null;
    seen.push({ columns: frame.columns, seen: frame.seen });
  }
  return joinedSeen(seen);
}

/**
 * One of these files with the columns of all, null where it has none of that name, and with their types.
 *
 * @throws {InputError} `input_changed` where it holds what was not in the files when they were looked at.
 */
export function asOneOf(file: FileFrame, all: SeenColumns): FileFrame {
  const [{ kind, frame: own }] = file.files;
  if (kind !== "json") return file;
  own.columns.forEach((name, at) => {
    const known = all.get(name);
    // A value of another type would be written as if it were of the column's.
    if (known === undefined || (known | (own.seen?.[at] ?? 0)) !== known)
      throw inputChanged(
        file.path,
        `its column ${JSON.stringify(name)} holds other values than when the run was enqueued`,
      );
  });
  const types = seenTypes(all);
  const frame = partsFrame(file.name, [own], { mayLack: true });
  return {
    ...file,
    columns: [...all.keys()],
    blocks: (columns, maxRows) => frame.blocks(columns, maxRows),
    types: () => Promise.resolve(types),
  };
}
