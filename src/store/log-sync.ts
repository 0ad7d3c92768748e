/** Syncing what a database in write-ahead mode has committed, while the loop goes on with other things. */

import { open, type FileHandle } from "node:fs/promises";

/** What syncs one database's log. */
export interface LogSync {
  /** Settles once everything committed before the call is on the disk. Those who wait for the same sync share it. */
  synced(): Promise<void>;
  /** To be called before the database is closed, which deletes the log. */
  close(): Promise<void>;
}

/** Syncs the log of the database at this path, which must be open till then. */
export function logSync(database: string): LogSync {
  let file: Promise<FileHandle> | null = null;
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const sync = async (): Promise<void> => {
    // What is committed from here on waits for another.
    next = null;
    file ??= open(`${database}-wal`, "r+").catch((error: unknown) => {
      file = null;
      throw error;
    });
    await (await file).datasync();
  };
  return {
    synced: () => {
      next ??= last = last.then(sync, sync);
      return next;
    },
    close: async () => {
      await last.catch(() => undefined);
      await file?.then(
        (handle) => handle.close(),
        () => undefined,
      );
    },
  };
}
