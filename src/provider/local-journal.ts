/** The journal of a chunk that runs in this process: the replies made so far, durable and in any order. */

import { createReadStream } from "node:fs";
import { open, truncate, type FileHandle } from "node:fs/promises";
import { StoreError } from "../core/errors.ts";
import { MAKE_ROOM } from "../core/make-room.ts";
import { linesOf } from "../core/lines.ts";
import { asRecord, parseJson, textOf } from "./json-values.ts";

/** An open journal. */
export interface Journal {
  /** The ids that had their reply when the journal was opened. */
  readonly answered: ReadonlySet<string>;
  /**
   * Adds reply lines (without newlines) and settles when they are on the disk. Calls made while an
   * earlier one is being written share one write and one sync.
   *
   * @throws {StoreError} `disk_full`; what was written before is kept, and nothing more is taken.
   */
  append(lines: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens the journal at a path, or begins one. Half a line at its end, left by a crash, is cut off, so
 * that its request is asked again. Memory holds the ids only.
 */
export async function openJournal(path: string): Promise<Journal> {
  const file = await open(path, "a").catch(asStoreError(path));
  try {
    const answered = await recover(path);
    return { answered, append: groupedAppend(file, path), close: () => file.close() };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The `custom_id` (or `key`) of a request or reply line; null where it has none that can be read. */
export function customIdOf(line: string): string | null {
  // Parsing a line that holds a picture or a long vector whole, only for its id, costs far more.
  const atStart = ID_AT_START.exec(line)?.[1];
  if (atStart !== undefined) return atStart;
  const parsed = asRecord(parseJson(line));
  return textOf(parsed?.["custom_id"]) ?? textOf(parsed?.["key"]);
}

const ID_AT_START = /^\{(?:"id":"[\w-]*",)?"(?:custom_id|key)":"([\w-]+)"/;

async function recover(path: string): Promise<ReadonlySet<string>> {
  const answered = new Set<string>();
  let end: number | null = null;
  for await (const { text, offset, terminated } of linesOf(createReadStream(path))) {
    if (!terminated) end = offset;
    else {
      const id = customIdOf(text);
      if (id !== null) answered.add(id);
    }
  }
  if (end !== null) await truncate(path, end).catch(asStoreError(path));
  return answered;
}

/** Writes what has gathered while the last write was on its way, all of it with one sync. */
function groupedAppend(file: FileHandle, path: string): Journal["append"] {
  let waiting: string[] = [];
  let next: Promise<void> | null = null;
  let last: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    // Behind a failed write half a line may stand: anything after it could not be read.
    await last;
    const text = waiting.join("");
    waiting = [];
    next = null;
    await file.appendFile(text).catch(asStoreError(path));
    await file.datasync().catch(asStoreError(path));
  };
  return (lines) => {
    for (const line of lines) waiting.push(`${line}\n`);
    if (next === null) {
      next = write();
      last = next;
    }
    return next;
  };
}

function asStoreError(path: string): (cause: unknown) => never {
  return (cause) => {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG")
      throw new StoreError(
        "disk_full",
        `The disk is full: ${path} could not be written, so the run stopped. Everything recorded so far is kept.`,
        { hint: MAKE_ROOM, cause },
      );
    throw cause;
  };
}
