/** Chunk files in a directory: each appears whole or not at all, and is never changed. */

import { randomBytes } from "node:crypto";
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { access, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { PACKED } from "../core/chunk.ts";
import { StoreError } from "../core/errors.ts";
import { MAKE_ROOM } from "../core/make-room.ts";
import { packedReader } from "./packed-file.ts";
import type { ChunkFileReader, ChunkFiles, ChunkFileWriter } from "./store.ts";

const UNFINISHED = ".part";

/**
 * The chunk files kept in one directory, which is made when the first file is written.
 *
 * `assertHeld` is asked before a file gets its name, and throws when the run is no longer this
 * process's: one that was frozen while it wrote must not replace a file of its successor.
 */
export function chunkFiles(
  directory: string,
  assertHeld: () => void = () => undefined,
): ChunkFiles {
  const path = (name: string): string => join(directory, name);
  return {
    path,
    onDisk: (name) => Promise.resolve(path(name)),
    create: (name) => createFile(directory, name, assertHeld),
    exists: async (name) =>
      access(path(name)).then(
        () => true,
        () => false,
      ),
    bytes: async (name) =>
      stat(path(name)).then(
        ({ size }) => size,
        () => null,
      ),
    read: (name) => readFile(path(name)),
    open: (name) => (name.endsWith(PACKED) ? openPacked(path(name)) : openReader(path(name))),
  };
}

/** Removes what killed processes left half written; only for the process that holds the run. */
export async function removeUnfinished(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names)
    if (name.endsWith(UNFINISHED))
      await rm(join(directory, name), { force: true }).catch(asStoreError(directory));
}

async function createFile(
  directory: string,
  name: string,
  assertHeld: () => void,
): Promise<ChunkFileWriter> {
  await mkdir(directory, { recursive: true }).catch(asStoreError(directory));
  const path = join(directory, name);
  // A name of its own: a process that wakes after its run was taken over still has its file open.
  const unfinished = `${path}.${randomBytes(4).toString("hex")}${UNFINISHED}`;
  const file = await open(unfinished, "wx").catch(asStoreError(path));
  let bytes = 0;
  let closed = false;
  return {
    write: async (piece) => {
      const buffer = typeof piece === "string" ? Buffer.from(piece) : piece;
      bytes += buffer.byteLength;
      let at = 0;
      while (at < buffer.byteLength)
        at += (await file.write(buffer, at).catch(asStoreError(path))).bytesWritten;
    },
    commit: async () => {
      await file.sync().catch(asStoreError(path));
      closed = true;
      await file.close();
      assertHeld();
      await rename(unfinished, path).catch(asStoreError(path));
      await syncDirectory(directory);
      return { bytes };
    },
    abort: async () => {
      if (closed) return;
      closed = true;
      await file.close();
      await rm(unfinished, { force: true });
    },
  };
}

/** Makes a rename durable: without it a power cut may bring the old directory back. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 }))
      yield piece as Buffer;
  } catch (cause) {
    throw missingFile(path, cause);
  }
}

async function openReader(path: string): Promise<ChunkFileReader> {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (cause) {
    throw missingFile(path, cause);
  }
  let buffer = Buffer.alloc(64 * 1024);
  let reads = 0;
  let whole: Buffer | null = null;
  const readAt = (offset: number, length: number): Buffer => {
    if (length > buffer.length) buffer = Buffer.alloc(length);
    if (readSync(descriptor, buffer, 0, length, offset) === length) return buffer;
    throw new StoreError(
      "chunk_file_short",
      `${path} is shorter than it was when it was written. No money was spent.`,
      { hint: "Restore the run directory from a copy." },
    );
  };
  const bytesAt = (offset: number, length: number): Buffer => {
    reads += 1;
    if (reads === READS_UNTIL_WHOLE) whole = wholeOf(descriptor);
    if (whole !== null && offset + length <= whole.length)
      return whole.subarray(offset, offset + length);
    return readAt(offset, length).subarray(0, length);
  };
  return Promise.resolve({
    text: (offset, length) => bytesAt(offset, length).toString("utf8"),
    bytes: bytesAt,
    forget: () => {
      whole = null;
      reads = 0;
    },
    close: () => {
      closeSync(descriptor);
      return Promise.resolve();
    },
  });
}

async function openPacked(path: string): Promise<ChunkFileReader> {
  const packed = await openReader(path);
  try {
    const { size } = await stat(path);
    return packedReader(packed, { path, size });
  } catch (error) {
    await packed.close();
    throw error;
  }
}

// A call of the system for each line costs several times as much as the line's text.
const READS_UNTIL_WHOLE = 500;
const LARGEST_WHOLE_BYTES = 64 * 1024 * 1024;

/** A file's bytes; null where it is too large to be held. */
function wholeOf(descriptor: number): Buffer | null {
  const { size } = fstatSync(descriptor);
  if (size > LARGEST_WHOLE_BYTES) return null;
  const whole = Buffer.alloc(size);
  let at = 0;
  for (let read = 1; read > 0; at += read) read = readSync(descriptor, whole, at, size - at, at);
  return whole.subarray(0, at);
}

function missingFile(path: string, cause: unknown): unknown {
  const code = errorCode(cause);
  if (code !== "ENOENT" && code !== "EACCES") return cause;
  return new StoreError(
    "chunk_file_missing",
    `${path} is missing or cannot be read. No money was spent.`,
    { hint: "Restore the run directory from a copy.", cause },
  );
}

/** Throws what the system refused for a file or folder, in words where they are known. */
function asStoreError(path: string): (cause: unknown) => never {
  return (cause) => {
    const code = errorCode(cause);
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
      throw new StoreError(
        "disk_full",
        `The disk is full: ${path} could not be written, so the run stopped. Everything recorded so far is kept.`,
        { hint: MAKE_ROOM, cause },
      );
    if (code === "EACCES" || code === "EPERM" || code === "EROFS" || code === "ENOTDIR")
      throw new StoreError(
        "run_directory_unwritable",
        `The run directory cannot be written (${code}). Nothing more was sent.`,
        { hint: "Make it writable, or choose another with --run-dir.", cause },
      );
    throw cause;
  };
}

function errorCode(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : null;
}
