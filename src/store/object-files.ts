/** Chunk files among the objects that many machines share, with a copy on this machine while it works on them. */

import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../core/errors.ts";
import { chunkFiles } from "./chunk-files.ts";
import type { Objects } from "./objects.ts";
import type { ChunkFiles, ChunkFileWriter, ReadableFiles } from "./store.ts";

/** Where it is written which object a file's name stands for. */
export interface FileIndex {
  find(name: string): Promise<IndexedFile | null>;
  /** Lets a name stand for an object from now on. @throws {StoreError} `lock_lost` */
  set(name: string, file: IndexedFile): Promise<void>;
}

/** The object a file's name stands for. */
export interface IndexedFile {
  readonly key: string;
  readonly bytes: number;
}

/** What object files are made of. */
export interface ObjectFilesInput {
  readonly objects: Objects;
  readonly index: FileIndex;
  /** What the keys begin with; nobody else's do. */
  readonly prefix: string;
  /** A folder of this process alone, for copies. */
  readonly spool: string;
}

/**
 * Chunk files whose truth is elsewhere.
 *
 * A file is written here first, then copied to a key that has never been used, and only then does the
 * index say that its name stands for that object. Whoever lost the run meanwhile is refused by the
 * index, and what it copied is nobody's.
 */
export function objectFiles({ objects, index, prefix, spool }: ObjectFilesInput): ChunkFiles {
  const local = chunkFiles(spool);
  const here = new Map<string, string>();
  return {
    ...reading({ objects, index, local, here }),
    create: async (name) => {
      const writer = await local.create(name);
      const key = `${prefix}${randomBytes(8).toString("hex")}-${name}`;
      return {
        write: (piece) => writer.write(piece),
        abort: () => writer.abort(),
        commit: async () => {
          const written = await writer.commit();
          await objects.put(key, local.path(name));
          await index.set(name, { key, bytes: written.bytes });
          here.set(name, key);
          return written;
        },
      } satisfies ChunkFileWriter;
    },
  };
}

/** The same files for those who only read them. */
export function readObjectFiles({
  objects,
  index,
  spool,
}: Pick<ObjectFilesInput, "objects" | "spool"> & {
  readonly index: Pick<FileIndex, "find">;
}): ReadableFiles {
  return reading({ objects, index, local: chunkFiles(spool), here: new Map() });
}

interface Reading {
  readonly objects: Objects;
  readonly index: Pick<FileIndex, "find">;
  readonly local: ChunkFiles;
  /** The object that each copy on this machine is of. */
  readonly here: Map<string, string>;
}

function reading({ objects, index, local, here }: Reading): ReadableFiles {
  const onDisk = async (name: string): Promise<string> => {
    const file = await index.find(name);
    if (file === null) throw missing(name);
    // What was copied before may be of a time before the name came to stand for another object.
    if (here.get(name) !== file.key) {
      await objects.fetch(file.key, local.path(name));
      here.set(name, file.key);
    }
    if ((await local.bytes(name)) !== file.bytes) throw short(name);
    return local.path(name);
  };
  return {
    path: (name) => local.path(name),
    onDisk,
    exists: async (name) => (await index.find(name)) !== null,
    bytes: async (name) => {
      const file = await index.find(name);
      return file === null ? null : await objects.bytes(file.key);
    },
    read: (name) => pieces(name),
    open: async (name) => {
      await onDisk(name);
      return await local.open(name);
    },
  };

  async function* pieces(name: string): AsyncGenerator<Uint8Array> {
    await onDisk(name);
    yield* local.read(name);
  }
}

/** Removes the copies that a process has made for itself. */
export async function removeSpool(spool: string): Promise<void> {
  await rm(spool, { recursive: true, force: true });
}

/** Where a run's copies lie below the folder of a process. */
export function spoolOf(folder: string, run: string): string {
  return join(folder, `${run}-${randomBytes(4).toString("hex")}`);
}

function missing(name: string): StoreError {
  return new StoreError("chunk_file_missing", `${name} is missing. No money was spent.`, {
    hint: "Restore the shared data from a copy.",
  });
}

function short(name: string): StoreError {
  return new StoreError(
    "chunk_file_short",
    `${name} is not as long as it was when it was written. No money was spent.`,
    { hint: "Restore the shared data from a copy." },
  );
}
