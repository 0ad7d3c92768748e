/** The memory of a run that has no directory: a temporary folder that goes with it. */

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Chunk } from "../core/chunk.ts";
import { InputError, StoreError } from "../core/errors.ts";
import { privateFolder, type PrivateFolder } from "../files/private-folder.ts";
import type { Warning } from "../run.ts";
import type { Settings } from "./settings.ts";
import { readSqliteRun } from "../store/sqlite-reader.ts";

/** Where such a run lives, and its end. */
export interface PrivateMemory {
  /** Whether it has been removed. */
  readonly isGone: boolean;
  /** The directory to use in place of the one that holds runs; the same at every call. */
  place(settings: Settings): Promise<string>;
  /** Notes where in it the run is. */
  opened(directory: string): void;
  /** Removes it, and tells the ids of batches that are still under way. */
  forget(): Promise<void>;
}

/** A memory whose folder is made at first use; `warn` is told what is lost with it. */
export function privateMemory(warn: (warning: Warning) => void): PrivateMemory {
  let folder: Promise<PrivateFolder> | null = null;
  let directory: string | null = null;
  let isGone = false;
  let provider: Pick<Settings["model"]["provider"], "id" | "free"> | null = null;
  return {
    get isGone() {
      return isGone;
    },
    place: async (settings) => {
      provider = settings.model.provider;
      return (await (folder ??= privateFolder())).path;
    },
    opened: (path) => {
      directory = path;
    },
    forget: async () => {
      if (isGone || folder === null) return;
      isGone = true;
      const left = directory === null ? [] : underWay(directory);
      // What runs on this machine for nothing has ended with the run, and nobody is charged.
      if (left.length > 0 && provider?.free === false) warn(batchesLeft(left, provider.id));
      await (await folder).remove();
    },
  };
}

/** The chunks whose batches may still be charged, or hold answers that were not taken: the run's, or those of its steps' runs. */
function underWay(directory: string): readonly Chunk[] {
  try {
    const { chunks } = readSqliteRun(directory);
    return chunks.filter(({ state }) => state !== "planned" && state !== "collected");
  } catch (error) {
    // A plan that came to nothing has removed its own store, and a run of several columns has none.
    if (!(error instanceof StoreError)) throw error;
    return foldersIn(directory).flatMap(underWay);
  }
}

function foldersIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const folders = readdirSync(directory, { withFileTypes: true }).filter((one) =>
    one.isDirectory(),
  );
  return folders.map(({ name }) => join(directory, name));
}

function batchesLeft(left: readonly Chunk[], provider: string): Warning {
  const ids = left.map(({ batchId, number }) => batchId ?? `the one of chunk ${String(number)}`);
  return {
    chunk: left[0]?.number ?? 0,
    code: "batches_left",
    message:
      `The run has no directory and was left with ${String(left.length)} ${left.length === 1 ? "batch" : "batches"} ` +
      `under way at ${provider}, charged whether or not anybody takes the answers: ${ids.join(", ")}. ` +
      "They can be read or cancelled by these ids, and by nothing else.",
  };
}

/** The error for what only a run with a directory can do. */
export function forgotten(): InputError {
  return new InputError(
    "run_forgotten",
    "This run has no directory (runDir: null), so nothing is known of it beyond its result. Nothing was sent.",
    { hint: "Give it a runDir, or take its rows before its result." },
  );
}
