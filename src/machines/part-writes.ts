/** Half-written parts: each in a folder of its lease, where the next worker of this machine goes on with it. */

import { lstat, mkdir, mkdtemp, readdir, rm, rmdir, stat, utimes } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeOverWrite } from "../frame/write-marks.ts";
import type { Database } from "../store/postgres-client.ts";
import { partStates } from "../store/postgres-parts.ts";

/** A part that is written under a lease. */
export interface LeasedWrite {
  readonly run: string;
  /** The mark of its run: two states may have runs of one name. */
  readonly token: string;
  readonly fence: number;
}

/** Where a part is written. */
export interface WriteFolder extends AsyncDisposable {
  /** The file that is written. */
  readonly path: string;
  readonly journal: string;
}

/**
 * The folder of half-written parts, and of workers' own folders, that all workers of this user on this machine share,
 * made where there is none; null where others could have put something into it.
 */
export async function sharedWrites(): Promise<string | null> {
  const user = process.getuid?.();
  const root = join(tmpdir(), `batchframe-parts-${String(user ?? "own")}`);
  await mkdir(root, { recursive: true, mode: 0o700 });
  const found = await lstat(root);
  const isOwn = user === undefined || (found.uid === user && (found.mode & 0o077) === 0);
  return found.isDirectory() && isOwn ? root : null;
}

/**
 * The folder of one write, with what a worker that held an earlier lease on this machine has left of it.
 *
 * No two leases have one folder, nor one file: who has lost its lease and does not know it yet writes for nobody. Closed,
 * it is removed; a killed worker's stays for the next.
 */
export async function writeFolder(
  root: string,
  write: LeasedWrite,
  name: string,
): Promise<WriteFolder> {
  const all = join(root, nameOf(write));
  const own = join(all, String(write.fence));
  const folder: WriteFolder = {
    path: join(own, name),
    journal: join(own, JOURNAL),
    [Symbol.asyncDispose]: async () => {
      await rm(own, { recursive: true, force: true });
      // Full where a later lease has its folder there.
      await rmdir(all).catch(() => undefined);
    },
  };
  await mkdir(own, { recursive: true, mode: 0o700 });
  const earlier = (await readdir(all)).map(Number).filter((fence) => fence < write.fence);
  const last = Math.max(...earlier);
  if (earlier.length > 0)
    // It may be removed meanwhile by its own worker; what was copied by halves is found out by its sum.
    await takeOverWrite(join(all, String(last), JOURNAL), {
      journal: folder.journal,
      target: folder.path,
    }).catch(() => undefined);
  for (const fence of earlier) await rm(join(all, String(fence)), { recursive: true, force: true });
  return folder;
}

const JOURNAL = "writing.json";
const FORGOTTEN_AFTER_MS = 24 * 60 * 60 * 1000;

/** A folder for the copies of one worker, below the one that it shares with others, or anywhere where it shares none. */
export async function workerFolder(root: string | null): Promise<string> {
  return await mkdtemp(
    root === null ? join(tmpdir(), "batchframe-worker-") : join(root, "worker-"),
  );
}

/** Says that a worker's folder is in use; one that nobody has said this of for a day is taken for forgotten. */
export async function keepFolder(folder: string): Promise<void> {
  const now = new Date();
  await utimes(folder, now, now).catch(() => undefined);
}

/**
 * Removes what killed workers have left: half-written parts that are done or cannot go on, and after a day those that
 * this state does not know, and the folders of workers.
 */
export async function removeForgotten(root: string, database: Database): Promise<void> {
  const names = await readdir(root);
  const states = await partStates(database, names);
  for (const name of names) {
    const path = join(root, name);
    const state = states.get(name);
    const isForgotten =
      state === undefined
        ? await stat(path).then(
            ({ mtimeMs }) => Date.now() - mtimeMs > FORGOTTEN_AFTER_MS,
            () => false,
          )
        : state !== "open";
    if (isForgotten) await rm(path, { recursive: true, force: true });
  }
}

function nameOf({ run, token }: LeasedWrite): string {
  return `${run}-${token}`;
}
