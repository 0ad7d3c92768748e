/** Where a Parquet file's footer stands, and the refusals of files that have none to read. */

import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { InputError } from "../core/errors.ts";
import { readFailure, systemCode } from "./csv-errors.ts";

/** A footer as it stands in its file. */
export interface FooterBytes {
  /** The Thrift struct. */
  readonly struct: Buffer;
  /** The same with its length and `PAR1`: the end of the file. */
  readonly tail: Buffer;
  /** Where it begins: column chunks, indexes and bloom filters stand before. */
  readonly start: number;
}

/** Four bytes of magic at the head; at the tail four of length and four of magic. */
const headBytes = 4;
const tailBytes = 8;

/**
 * Reads the footer of an open file.
 *
 * @throws {InputError} `file_format` where it is no Parquet file, `file_damaged` where it was cut short,
 * `file_encrypted`.
 */
export async function readFooter(
  file: FileHandle,
  source: { readonly path: string; readonly bytes: number },
): Promise<FooterBytes> {
  const { path, bytes } = source;
  const head = (await readRange(file, 0, Math.min(headBytes, bytes))).toString("latin1");
  if (head === "PARE") throw encrypted(path);
  if (head !== "PAR1") throw notParquet(path);
  if (bytes < headBytes + tailBytes) throw cutShort(path);
  const end = await readRange(file, bytes - tailBytes, tailBytes);
  const magic = end.toString("latin1", 4);
  if (magic === "PARE") throw encrypted(path);
  if (magic !== "PAR1") throw cutShort(path);
  const length = end.readUInt32LE(0);
  const start = bytes - tailBytes - length;
  if (start < headBytes) throw damaged(path, "its footer is longer than the file");
  const tail = await readRange(file, start, length + tailBytes);
  return { struct: tail.subarray(0, length), tail, start };
}

/**
 * Opens a file for reading, and closes it whatever comes of it.
 *
 * @throws {InputError} `file_missing` or `file_unreadable`, and what `use` throws.
 */
export async function withFile<Result>(
  path: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await openForReading(path);
  try {
    return await use(file);
  } finally {
    // A reader may have closed it when it came to the end; closing twice is no news.
    await file.close().catch(() => undefined);
  }
}

/**
 * Opens a file for reading; the caller closes it.
 *
 * @throws {InputError} `file_missing` or `file_unreadable`.
 */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw readFailure(error, path);
  }
}

/** The bytes from `start` on; fewer than asked where the file ends. */
export async function readRange(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}

/** The refusal of a file that cannot be read as what it says it is; `what` goes on from "is damaged: ". */
export function damaged(path: string, what: string, cause?: unknown): InputError {
  return new InputError("file_damaged", `${path} is damaged: ${what}.`, {
    hint: "Write or copy the file anew; nothing can be told of the rows that are lost.",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** True for an error that is about the disk and not about what the file holds. */
export function isSystemError(error: unknown): boolean {
  return systemCode(error) !== null && error instanceof Error && "syscall" in error;
}

function cutShort(path: string): InputError {
  return damaged(path, "it ends without a footer, so it was cut short or is still being written");
}

function notParquet(path: string): InputError {
  return new InputError(
    "file_format",
    `${path} is not a Parquet file: it does not begin with PAR1.`,
    {
      hint: "Check the path, and that the name's ending says what the file is.",
    },
  );
}

/** The refusal of a file that is encrypted, wholly or in part. */
export function encrypted(path: string): InputError {
  return new InputError(
    "file_encrypted",
    `${path} is encrypted, and batchframe has no key to it.`,
    {
      hint: "Write a decrypted copy with the tool that encrypted it, and give that.",
    },
  );
}
