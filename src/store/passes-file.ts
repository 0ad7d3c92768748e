/** What is remembered of a run in several passes beside the passes' own runs. */

import { readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { chunkFiles, removeUnfinished } from "./chunk-files.ts";

const PASSES_FILE = "passes.json";

/** What decides whether a run in passes has more of them to come. */
export interface PassesRecord {
  /** When the first pass had finished, in epoch milliseconds, as no further pass was found to be needed; null while one may be. */
  readonly endedFor: number | null;
  /** What was decided between two passes; null where nothing was. */
  readonly decision: Json;
}

/**
 * The record in a run's directory; an empty one where there is none.
 *
 * @throws {StoreError} `store_damaged` for one that cannot be read.
 */
export function readPasses(directory: string): PassesRecord {
  let text: string;
  try {
    text = readFileSync(join(directory, PASSES_FILE), "utf8");
  } catch {
    return { endedFor: null, decision: null };
  }
  try {
    const { endedFor, decision } = JSON.parse(text) as PassesRecord;
    return { endedFor, decision };
  } catch (cause) {
    throw new StoreError(
      "store_damaged",
      `${join(directory, PASSES_FILE)} cannot be read. Nothing was sent.`,
      { hint: "Restore it from a copy, or remove the run and start it again.", cause },
    );
  }
}

/** Writes the record, durably, whole or not at all; only for the process that holds the first pass. */
export async function writePasses(directory: string, record: PassesRecord): Promise<void> {
  const file = await chunkFiles(directory).create(PASSES_FILE);
  try {
    await file.write(JSON.stringify(record));
    await file.commit();
  } finally {
    await file.abort();
  }
}

/** Deletes the record, and what a killed process left of one. */
export async function removePasses(directory: string): Promise<void> {
  await removeUnfinished(directory);
  await rm(join(directory, PASSES_FILE), { force: true });
}
