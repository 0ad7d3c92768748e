/** Marks up to which a file that is being written is known to be whole, so that a write that was killed goes on there. */

import { readFileSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { copyFile, open, readFile, rename, rm, truncate } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import type { NewCells } from "../core/column.ts";
import type { Json } from "../core/hash.ts";

/** A row from which new cells can be had again, and what was counted of those before it. */
export interface CellPlace {
  readonly firstRow: number;
  readonly counted: Json;
}

/** New cells that can be had from a row on. */
export interface CellSource {
  /** The last place at or before a row whose cells were given, null where none is known; what is counted up to it is durable then. */
  placeAt(row: number): Promise<CellPlace | null>;
  /** The cells from a place on. */
  cellsFrom(place: CellPlace): AsyncIterable<NewCells>;
}

/** How a write that was killed is gone on with. */
export interface WriteResume {
  /** The file that remembers the last mark; it vanishes with the write's end. */
  readonly journal: string;
  /** Stands for all that the output is made of: what was written under another is not gone on with. */
  readonly key: string;
  readonly source: CellSource;
  /** What is counted as rows are written, besides what the source counts; nothing when left out. */
  readonly counted?: Counted;
  /** How long a write runs before a mark, at the least; 2,000 when left out. */
  readonly everyMs?: number;
}

/** Counts that a write which goes on takes up where the killed one was. */
export interface Counted {
  saved(): Json;
  /** Goes on from what was counted then, in the place of what has been counted since. */
  restore(saved: Json): void;
}

/** Where a write goes on: so many rows stand in the file, and what its writer must know to go on. */
export interface Mark {
  readonly rows: number;
  readonly place: CellPlace;
  readonly state: Json;
}

/** The marks of one write. */
export interface Marks {
  /** The mark that this write began at; null where it began at the beginning. */
  readonly last: Mark | null;
  /**
   * To be told whenever all that was appended so far is `rows` rows and what `state` says; makes a mark
   * when it is time for one.
   */
  reached(rows: number, state: () => Json): Promise<void>;
}

/** What the journal holds. */
interface Entry {
  /** The version of this package that wrote the bytes: another one may write others. */
  readonly version: string;
  readonly key: string;
  readonly target: string;
  /** The file that is being written, which takes the target's name when it is whole. */
  readonly temporary: string;
  readonly bytes: number;
  /** CRC-32 of these bytes. */
  readonly crc: number;
  readonly mark: Mark;
}

/** A file that is gone on with, or begun. */
export interface MarkedFile {
  readonly file: FileHandle;
  readonly temporary: string;
  /** Bytes that stand in it already. */
  readonly bytes: number;
  readonly marks: Marks;
  /** To be told of everything that is appended. */
  appended(bytes: Buffer): void;
  /** Forgets the marks: the file is whole, or given up. */
  forget(): Promise<void>;
}

const DEFAULT_EVERY_MS = 2000;

/** What a temporary file beside an output is called. */
export const TEMPORARY_NAME = /^\.batchframe-[0-9a-f]{16}\.tmp$/;

/**
 * Opens the file of a write that was killed at its last mark, or a new one under `temporary`.
 *
 * What stands in the file up to the mark is read and compared with its sum; where it is not what was
 * written, or was written for something else, it is removed and the write begins anew.
 */
export async function openMarked(
  resume: WriteResume,
  given: { readonly target: string; readonly temporary: string; readonly mode: number },
): Promise<MarkedFile> {
  const found = await killedWrite(resume, given.target);
  const temporary = found?.temporary ?? given.temporary;
  if (found !== null) await truncate(temporary, found.bytes);
  const file = await open(temporary, found === null ? "wx" : "a", given.mode);
  const sum = { bytes: found?.bytes ?? 0, crc: found?.crc ?? 0 };
  let markedAtMs = performance.now();
  const reached: Marks["reached"] = async (rows, state) => {
    if (performance.now() - markedAtMs < (resume.everyMs ?? DEFAULT_EVERY_MS)) return;
    const place = await resume.source.placeAt(rows);
    if (place === null) return;
    // A mark that outlives the bytes it speaks of would be found out, but of no use.
    await file.sync();
    const { key, journal } = resume;
    const mark = { rows, place, state: state() };
    const version = packageVersion();
    if (version === null) return;
    await keep(journal, { version, key, target: given.target, temporary, ...sum, mark });
    markedAtMs = performance.now();
  };
  return {
    file,
    temporary,
    bytes: sum.bytes,
    marks: { last: found?.mark ?? null, reached },
    appended: (bytes) => {
      sum.crc = crc32(bytes, sum.crc);
      sum.bytes += bytes.length;
    },
    forget: () => rm(resume.journal, { force: true }),
  };
}

/** The same marks, each with what was counted of the rows before it; at the last one its counts are taken up. */
export function countedMarks(marks: Marks, counted: Counted | undefined): Marks {
  if (counted === undefined) return marks;
  const { last } = marks;
  const from = last === null ? null : (last.state as unknown as CountedState);
  if (from !== null) counted.restore(from.counts);
  return {
    last: last === null || from === null ? null : { ...last, state: from.state },
    reached: (rows, state) =>
      marks.reached(rows, () => ({ state: state(), counts: counted.saved() })),
  };
}

interface CountedState {
  readonly state: Json;
  readonly counts: Json;
}

/** Marks of a write that makes none. */
export const NO_MARKS: Marks = { last: null, reached: () => Promise.resolve() };

/** What a writer begins with: all cells, or those after the last mark. */
export function cellsAfter(
  options: { readonly cells: AsyncIterable<NewCells>; readonly resume?: WriteResume | undefined },
  { last }: Marks,
): { readonly cells: AsyncIterable<NewCells>; readonly firstRow: number } {
  if (last === null || options.resume === undefined) return { cells: options.cells, firstRow: 0 };
  const { rows: firstRow, place } = last;
  return { cells: cellsFromRow(options.resume.source.cellsFrom(place), firstRow), firstRow };
}

/** The cells from a row on, of blocks that may begin before it. */
export async function* cellsFromRow(
  cells: AsyncIterable<NewCells>,
  firstRow: number,
): AsyncGenerator<NewCells> {
  for await (const block of cells) {
    const before = Math.max(0, firstRow - block.firstRow);
    if (before === 0) yield block;
    else if (before < (block.columns[0]?.length ?? 0))
      yield { firstRow, columns: block.columns.map((column) => column.slice(before)) };
  }
}

/**
 * Lets a write of `target` go on with what another one has left beside the journal `left`; nothing where that is of
 * no use. The file is copied: who wrote it may only stand still, and goes on writing into its own once it wakes.
 */
export async function takeOverWrite(
  left: string,
  { journal, target }: { readonly journal: string; readonly target: string },
): Promise<void> {
  const text = await readFile(left, "utf8").catch(() => null);
  const entry = text === null ? null : entryOf(text);
  if (entry === null) return;
  const name = basename(entry.temporary);
  const temporary = join(dirname(target), name);
  try {
    await copyFile(join(dirname(left), name), temporary);
    await keep(journal, { ...entry, target, temporary });
  } catch (error) {
    // Half a copy would only take the room that the write itself needs.
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Written beside and renamed, so that a journal is the last one or the one before it. */
async function keep(journal: string, entry: Entry): Promise<void> {
  const next = `${journal}.next`;
  const file = await open(next, "w");
  try {
    await file.writeFile(JSON.stringify(entry));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, journal);
}

/** The write that the journal tells of, if it can be gone on with; what cannot is removed. */
async function killedWrite(resume: WriteResume, target: string): Promise<Entry | null> {
  const text = await readFile(resume.journal, "utf8").catch(() => null);
  if (text === null) return null;
  const entry = entryOf(text);
  const isOurs = entry !== null && entry.version === packageVersion();
  const isSame = isOurs && entry.key === resume.key && entry.target === target;
  if (entry !== null && isSame && (await holds(entry))) return entry;
  await rm(resume.journal, { force: true });
  if (entry !== null) await rm(entry.temporary, { force: true });
  return null;
}

function entryOf(text: string): Entry | null {
  let entry: Partial<Entry> | null;
  try {
    entry = JSON.parse(text) as Partial<Entry> | null;
  } catch {
    return null;
  }
  const { temporary, target } = entry ?? {};
  // Nothing but a file that an earlier write left beside its output is ever removed.
  const isOwn =
    typeof temporary === "string" &&
    typeof target === "string" &&
    TEMPORARY_NAME.test(basename(temporary)) &&
    dirname(temporary) === dirname(target);
  return isOwn ? (entry as Entry) : null;
}

/** The version of this package; null where it runs without its package.json, and then no write goes on. */
function packageVersion(): string | null {
  try {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    return (JSON.parse(text) as { readonly version: string }).version;
  } catch {
    return null;
  }
}

const READ_BYTES = 4 * 1024 * 1024;

/** Whether the file still begins with what had been written to it at the mark. */
async function holds({ temporary, bytes, crc }: Entry): Promise<boolean> {
  const file = await open(temporary, "r").catch(() => null);
  if (file === null) return false;
  try {
    const piece = Buffer.allocUnsafe(READ_BYTES);
    let sum = 0;
    for (let at = 0; at < bytes;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(READ_BYTES, bytes - at), at);
      if (bytesRead === 0) return false;
      sum = crc32(piece.subarray(0, bytesRead), sum);
      at += bytesRead;
    }
    return sum === crc;
  } finally {
    await file.close();
  }
}
