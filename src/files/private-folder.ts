/** Folders that only this user can read, and that are gone when they are done with. */

import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder with the permissions 0700. */
export interface PrivateFolder {
  readonly path: string;
  /** Removes the folder with everything in it; may be called again. */
  remove(): Promise<void>;
}

// One listener for all of them: Node warns of a leak where there are more than ten.
const kept = new Set<string>();

function removeKept(): void {
  for (const path of kept) rmSync(path, { recursive: true, force: true });
}

/**
 * A new folder in the system's temporary directory. It is removed when the process exits as well, but
 * not when the process is killed.
 */
export async function privateFolder(): Promise<PrivateFolder> {
  const path = await mkdtemp(join(tmpdir(), "batchframe-"));
  if (kept.size === 0) process.on("exit", removeKept);
  kept.add(path);
  return {
    path,
    remove: async () => {
      kept.delete(path);
      if (kept.size === 0) process.off("exit", removeKept);
      await rm(path, { recursive: true, force: true });
    },
  };
}
