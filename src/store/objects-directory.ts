/** Objects as files of a directory that every machine can reach. */

import { randomBytes } from "node:crypto";
import { copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { StoreError } from "../core/errors.ts";
import type { ObjectEntry, Objects } from "./objects.ts";

/** The objects below a directory, which is made when the first is written. */
export function directoryObjects(directory: string): Objects {
  const pathOf = (key: string): string => join(directory, ...key.split("/"));
  return {
    url: directory,
    put: (key, path) => copyWhole(path, pathOf(key)).catch(asDataError(directory)),
    fetch: async (key, path) => {
      const source = pathOf(key);
      if ((await sizeOf(source)) === null) throw objectMissing(source);
      await copyWhole(source, path).catch(asDataError(directory));
    },
    bytes: (key) => sizeOf(pathOf(key)),
    list: (prefix) => listed(directory, prefix),
    remove: async (keys) => {
      for (const key of keys) await rm(pathOf(key), { force: true });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

/** The error of an object that is not where the database says it is. */
export function objectMissing(name: string): StoreError {
  return new StoreError(
    "object_missing",
    `${name} is missing or cannot be read. No money was spent.`,
    { hint: "Restore the shared data from a copy." },
  );
}

/** Copies a file under a name of its own, makes it durable, and gives it its name. */
async function copyWhole(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  const unfinished = `${to}.${randomBytes(4).toString("hex")}.part`;
  try {
    await copyFile(from, unfinished);
    const file = await open(unfinished, "r+");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, to);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  const folder = await open(dirname(to), "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function sizeOf(path: string): Promise<number | null> {
  return await stat(path).then(
    (found) => (found.isFile() ? found.size : null),
    () => null,
  );
}

async function listed(directory: string, prefix: string): Promise<readonly ObjectEntry[]> {
  // What else lies beside the folder that is asked for may be a great deal.
  const folder = join(directory, ...prefix.split("/").slice(0, -1));
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const found: ObjectEntry[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const key = relative(directory, path).split(sep).join("/");
    if (!key.startsWith(prefix)) continue;
    const { size, mtimeMs } = await stat(path);
    found.push({ key, bytes: size, version: `${String(size)}-${String(Math.floor(mtimeMs))}` });
  }
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function asDataError(directory: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
      throw new StoreError(
        "disk_full",
        `There is no room left in ${directory}. Everything recorded so far is kept.`,
        { hint: "Free some space; workers go on by themselves.", cause },
      );
    throw new StoreError(
      "data_unreachable",
      `${directory} cannot be used (${code === "" ? String(cause) : code}). What was recorded is kept.`,
      {
        hint: "Make it reachable and writable from this machine; workers go on by themselves.",
        cause,
      },
    );
  };
}
