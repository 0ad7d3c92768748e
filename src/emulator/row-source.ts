/** The rows of a file, read one by one in any order. */
import { open, readFile, stat } from "node:fs/promises";
import { readSync } from "node:fs";

/** A file of rows, open for reading. */
export interface RowSource {
  /** Whether its bytes are in memory. */
  readonly isHeld: boolean;
  /** The text of the row that lies there. */
  text(offset: number, length: number): string;
  close(): Promise<void>;
}

// Reading from memory spares a call of the system for each row; so much, in all files together, is little memory.
const MOST_HELD_BYTES = 48 * 1024 * 1024;

let heldBytes = 0;

/** The rows of the file at `path`: from memory where they fit, from disk otherwise. */
export async function openRows(path: string): Promise<RowSource> {
  const { size } = await stat(path);
  if (heldBytes + size > MOST_HELD_BYTES) return rowsOnDisk(path);
  heldBytes += size;
  let held: Buffer | null = null;
  try {
    held = await readFile(path);
  } finally {
    if (held === null) heldBytes -= size;
  }
  return {
    isHeld: true,
    text: (offset, length) => held?.toString("utf8", offset, offset + length) ?? "",
    close() {
      if (held !== null) heldBytes -= size;
      held = null;
      return Promise.resolve();
    },
  };
}

async function rowsOnDisk(path: string): Promise<RowSource> {
  const handle = await open(path);
  let bytes = Buffer.allocUnsafe(4096);
  return {
    isHeld: false,
    text(offset, length) {
      if (length > bytes.length) bytes = Buffer.allocUnsafe(length);
      readSync(handle.fd, bytes, 0, length, offset);
      return bytes.toString("utf8", 0, length);
    },
    close: () => handle.close(),
  };
}
