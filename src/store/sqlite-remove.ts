/** Removing a run from its directory, and nothing else. */

import { readdir, readFile, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { KEY_FILE } from "./key-file.ts";
import { STORE_FILE } from "./sqlite.ts";
import { GIT_IGNORE, IGNORES_ITSELF } from "./sqlite-open.ts";

const CHUNK_FILE = /^\d{6,}(-\d+)?\.(?:(?:requests|replies)\.jsonl|answers)/;

/**
 * Deletes what a run keeps in its directory, and the directory when nothing else is in it: a run's name
 * may be that of a folder that was there before, and what others keep there is not ours to delete.
 */
export async function removeRunFiles(directory: string): Promise<void> {
  const chunks = join(directory, "chunks");
  for (const name of await readdir(chunks).catch(() => []))
    if (CHUNK_FILE.test(name)) await rm(join(chunks, name), { force: true });
  for (const suffix of ["", "-wal", "-shm"])
    await rm(join(directory, `${STORE_FILE}${suffix}`), { force: true });
  await rm(join(directory, KEY_FILE), { force: true });
  const ignore = join(directory, GIT_IGNORE);
  // One that says more is somebody else's.
  if ((await readFile(ignore, "utf8").catch(() => "")) === IGNORES_ITSELF) await rm(ignore);
  for (const emptied of [chunks, directory]) await rmdir(emptied).catch(ignoreOccupied);
}

function ignoreOccupied(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : null;
  if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
}
