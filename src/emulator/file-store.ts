/** The files of one emulator: their bytes on disk, their descriptions in memory. */
import { mkdtemp, open, rm, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A file that was uploaded or produced. */
export interface StoredFile {
  readonly id: string;
  /** Where its bytes are. */
  readonly path: string;
  readonly bytes: number;
  readonly createdAtMs: number;
  /** When it stops existing; null when it never does. */
  readonly expiresAtMs: number | null;
  readonly filename: string;
  readonly purpose: string;
  /** As the uploader told it; absent in protocols that have no such thing. */
  readonly mimeType?: string;
}

/** Bytes on their way to disk, written in pieces of about 256 KiB. */
export interface FileWriter {
  readonly path: string;
  /** Bytes given so far. */
  bytes(): number;
  /** Resolves when there is room for more. */
  write(piece: string | Uint8Array): Promise<void>;
  /** Writes what is left and closes. */
  finish(): Promise<void>;
  /** Closes and removes the file. */
  discard(): Promise<void>;
}

/** The files of one emulator. */
export interface FileStore {
  /** Starts a file that has no description yet. */
  startWriting(): Promise<FileWriter>;
  add(file: StoredFile): void;
  /** The file, or null when it was deleted, never was, or has expired by `nowMs`. */
  find(id: string, nowMs: number): StoredFile | null;
  /** Removes the file; false when there was none. */
  remove(id: string): Promise<boolean>;
  /** Every file, oldest first; expired ones included. */
  all(): readonly StoredFile[];
  /** Removes everything, the directory too. */
  close(): Promise<void>;
}

const PIECE_BYTES = 256 * 1024;

/** An empty store in a new directory of the system's temporary directory. */
export async function createFileStore(): Promise<FileStore> {
  const directory = await mkdtemp(join(tmpdir(), "batchframe-emulator-"));
  const files = new Map<string, StoredFile>();
  // Batches that are stopped with the emulator leave files half written, which must be closed with it.
  const writing = new Set<FileHandle>();
  let started = 0;
  return {
    startWriting() {
      started += 1;
      return openWriter(join(directory, `${String(started)}.jsonl`), writing);
    },
    add: (file) => void files.set(file.id, file),
    find(id, nowMs) {
      const file = files.get(id);
      if (file === undefined) return null;
      return file.expiresAtMs !== null && file.expiresAtMs <= nowMs ? null : file;
    },
    async remove(id) {
      const file = files.get(id);
      if (file === undefined) return false;
      files.delete(id);
      await rm(file.path, { force: true });
      return true;
    },
    all: () => [...files.values()],
    async close() {
      files.clear();
      for (const handle of writing) await handle.close();
      writing.clear();
      await rm(directory, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function openWriter(path: string, writing: Set<FileHandle>): Promise<FileWriter> {
  const handle = await open(path, "w");
  writing.add(handle);
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const pieces = waiting;
    waiting = [];
    waitingBytes = 0;
    if (pieces.length > 0) await handle.writev(pieces);
  };
  return {
    path,
    bytes: () => bytes,
    async write(piece) {
      const part = typeof piece === "string" ? Buffer.from(piece) : piece;
      waiting.push(part);
      waitingBytes += part.byteLength;
      bytes += part.byteLength;
      if (waitingBytes >= PIECE_BYTES) await flush();
    },
    async finish() {
      await flush();
      writing.delete(handle);
      await handle.close();
    },
    async discard() {
      writing.delete(handle);
      await handle.close();
      await rm(path, { force: true });
    },
  };
}
