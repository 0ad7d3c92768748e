/** What is remembered of a run's key, beside what it asks: it changes nothing of that, and may be given later. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { KeyCheck } from "../core/row-key.ts";
import { chunkFiles } from "./chunk-files.ts";

/** The name of the file, within the run's directory. */
export const KEY_FILE = "key.json";

/** The key of the run in a directory; null where none was given, or what is there cannot be read. */
export function readKey(directory: string): KeyCheck | null {
  try {
    return JSON.parse(readFileSync(join(directory, KEY_FILE), "utf8")) as KeyCheck;
  } catch {
    // It is made anew of the rows, and only names them.
    return null;
  }
}

/** Writes it, whole or not at all; only for the process that holds the run. */
export async function writeKey(directory: string, check: KeyCheck): Promise<void> {
  const file = await chunkFiles(directory).create(KEY_FILE);
  try {
    await file.write(JSON.stringify(check));
    await file.commit();
  } finally {
    await file.abort();
  }
}
