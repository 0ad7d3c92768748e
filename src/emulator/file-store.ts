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
  /** A promise to wait for before more is written; undefined while there is room. */
  write(piece: string | Uint8Array): Promise<void> | undefined;
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
  // Texts are put together before they become bytes: one long text is encoded faster than a thousand short ones.
  let text = "";
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let bytes = 0;
  const encode = (): void => {
    if (text === "") return;
    const part = Buffer.from(text);
    text = "";
    waiting.push(part);
    waitingBytes += part.byteLength;
    bytes += part.byteLength;
  };
  let written: Promise<unknown> = Promise.resolve();
  const flush = async (): Promise<void> => {
    encode();
    const pieces = waiting;
    waiting = [];
    waitingBytes = 0;
    // One after the other: two writes at once would not say which of them comes first in the file.
    if (pieces.length > 0) written = written.then(() => handle.writev(pieces));
    await written;
  };
  return {
    path,
    bytes() {
      encode();
      return bytes;
    },
    write(piece) {
      if (typeof piece === "string") text += piece;
      else {
        encode();
        waiting.push(piece);
        waitingBytes += piece.byteLength;
        bytes += piece.byteLength;
      }
      return waitingBytes + text.length >= PIECE_BYTES ? flush() : undefined;
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
