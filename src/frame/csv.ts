/** A CSV file read as rows: text only, nothing inferred, nothing rounded. */

import type { Stats } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { InputError, InvariantError } from "../core/errors.ts";
import { fileChunks, fileSha256, strictUtf8 } from "./csv-bytes.ts";
import { dialectOf, isUtf16, preambleBytes } from "./csv-dialect.ts";
import { beforeSending, inputChanged, notAFile, readFailure } from "./csv-errors.ts";
import { emptyFile, faultInWords, utf16 } from "./csv-faults.ts";
import type { CsvCell, CsvDialect, RecordBatch } from "./csv-records.ts";
import { CsvFault, recordBatches } from "./csv-records.ts";
import type { Block, Frame } from "./frame.ts";

/** Which state of a file was read: enough to notice that it was written to. */
export interface FileState {
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** A CSV file as a {@link Frame}, with what the writer needs to give its bytes back unaltered. */
export interface CsvFrame extends Frame {
  readonly path: string;
  readonly dialect: CsvDialect;
  /** Bytes before the header: byte order mark and blank lines. */
  readonly preambleBytes: number;
  /** Size and time of change when the file was opened. */
  readonly openedState: FileState;
  /** What `fingerprint()` gave last; null before it was ever asked for. */
  lastFingerprint(): string | null;
}

/** What a caller knows better than the file shows. */
export interface CsvOptions {
  /** One character between cells; found from the file where it is left out. */
  readonly delimiter?: string;
}

/** As much of the file's beginning as is looked at to tell how it is written. */
const headBytes = 256 * 1024;

/**
 * Opens a CSV file and reads its header and its first row.
 *
 * Cells are text exactly as written: an empty cell is null, a quoted empty cell is "". UTF-8 only; a
 * byte order mark is no part of the first name. Blank lines are not rows, except in a file of one
 * column, where an empty line is a row whose cell is null (a missing last value would be lost else).
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_empty`, `no_rows`, `duplicate_column`,
 * `ragged_row`, `not_utf8` or `csv_syntax`; nothing was sent.
 */
export async function openCsv(path: string, options: CsvOptions = {}): Promise<CsvFrame> {
  try {
    return await openFrame(path, options);
  } catch (error) {
    throw beforeSending(error);
  }
}

async function openFrame(path: string, options: CsvOptions): Promise<CsvFrame> {
  const openedState = await fileState(path);
  const head = await readHead(path);
  if (isUtf16(head)) throw utf16(path);
  const preamble = preambleBytes(head);
  if (head.length === preamble) throw emptyFile(path, head.length);
  const text = head.subarray(preamble);
  const isWhole = head.length >= openedState.bytes;
  const found = dialectOf(text, { path, isWhole });
  const dialect = options.delimiter === undefined ? found : { ...found, ...options };
  const layout = { path, dialect, preambleBytes: preamble };
  const columns = await readHeader(layout);
  let fingerprint: string | null = null;
  const frame: CsvFrame = {
    ...layout,
    name: basename(path),
    columns,
    openedState,
    blocks: (names, maxRows) => blocksOf(frame, names, maxRows),
    fingerprint: async () => (fingerprint = await fileSha256(path)),
    lastFingerprint: () => fingerprint,
  };
  return frame;
}

/** Where the records of a file begin and how they are written. */
export type CsvLayout = Pick<CsvFrame, "path" | "dialect" | "preambleBytes">;

/**
 * The records of a file, the header first, with faults put into words.
 *
 * `chunks` are the file's bytes after its preamble; the writer passes its own to keep a hold of them.
 *
 * @throws {InputError} as {@link Frame.blocks} does.
 */
export async function* csvRecords(
  layout: CsvLayout,
  options: {
    readonly columnCount: number;
    readonly tellsNullFromEmpty: boolean;
    readonly chunks?: AsyncIterable<Buffer>;
  },
): AsyncGenerator<RecordBatch> {
  const { path, dialect, preambleBytes: start } = layout;
  const chunks = strictUtf8(options.chunks ?? fileChunks(path, start), { path, start });
  try {
    yield* recordBatches(chunks, {
      dialect,
      skipBlankLines: options.columnCount > 1,
      tellsNullFromEmpty: options.tellsNullFromEmpty,
    });
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    throw await faultInWords(error, { ...layout, columnCount: options.columnCount });
  }
}

/** Size and time of change of a regular file. */
export async function fileState(path: string): Promise<FileState> {
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    throw readFailure(error, path);
  }
  if (stats.isDirectory()) throw notAFile(path, "a directory");
  if (!stats.isFile()) throw notAFile(path, "a pipe or a device");
  return { bytes: stats.size, modifiedMs: stats.mtimeMs };
}

async function readHead(path: string): Promise<Buffer> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, "r");
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw readFailure(error, path);
  } finally {
    await file?.close();
  }
}

async function readHeader(layout: CsvLayout): Promise<readonly string[]> {
  let columns: readonly string[] | null = null;
  let records = 0;
  // Whether blank lines count depends on the header, so it is read alone and the rows after it anew.
  for await (const batch of csvRecords(layout, { columnCount: 2, tellsNullFromEmpty: false })) {
    columns = (batch.records[0] ?? []).map((name) => name ?? "");
    break;
  }
  if (columns === null) throw emptyFile(layout.path, layout.preambleBytes);
  refuseDuplicates(columns, layout.path);
  const options = { columnCount: columns.length, tellsNullFromEmpty: false };
  for await (const batch of csvRecords(layout, options)) {
    records += batch.records.length;
    if (records > 1) return columns;
  }
  throw new InputError("no_rows", `${layout.path} has a header and no rows.`, {
    hint: "Check that the file was written to its end; the first line is always taken as the header.",
  });
}

function refuseDuplicates(columns: readonly string[], path: string): void {
  const positions = new Map<string, number>();
  columns.forEach((name, index) => {
    const earlier = positions.get(name);
    if (earlier !== undefined) {
      throw new InputError(
        "duplicate_column",
        `${path} has two columns named ${JSON.stringify(name)}: number ${earlier + 1} and number ${index + 1}.`,
        { hint: "Rename one of them in the header line, so that a template means one column." },
      );
    }
    positions.set(name, index);
  });
}

async function* blocksOf(
  frame: CsvFrame,
  names: readonly string[],
  maxRows: number,
): AsyncGenerator<Block> {
  const indices = names.map((name) => {
    const index = frame.columns.indexOf(name);
    if (index < 0)
      throw new InvariantError("unknown_column", `${frame.name} has no column ${name}.`);
    return index;
  });
  await refuseChange(frame);
  const options = { columnCount: frame.columns.length, tellsNullFromEmpty: true };
  let firstRow = 0;
  let cells: CsvCell[][] = indices.map(() => []);
  let rowCount = 0;
  let isHeader = true;
  for await (const { records } of csvRecords(frame, options)) {
    for (const record of records) {
      if (isHeader) {
        isHeader = false;
        continue;
      }
      indices.forEach((index, at) => cells[at]?.push(record[index] ?? null));
      rowCount += 1;
      if (rowCount < maxRows) continue;
      yield blockOf({ firstRow, rowCount, names, cells });
      firstRow += rowCount;
      rowCount = 0;
      cells = indices.map(() => []);
    }
  }
  if (rowCount > 0) yield blockOf({ firstRow, rowCount, names, cells });
}

function blockOf(rows: {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly names: readonly string[];
  readonly cells: readonly (readonly CsvCell[])[];
}): Block {
  const column = (name: string): readonly CsvCell[] => {
    const cells = rows.cells[rows.names.indexOf(name)];
    if (cells !== undefined) return cells;
    throw new InvariantError("unknown_column", `Column ${name} was not asked for with this block.`);
  };
  return { firstRow: rows.firstRow, rowCount: rows.rowCount, text: column, values: column };
}

async function refuseChange(frame: CsvFrame): Promise<void> {
  const now = await fileState(frame.path);
  const { bytes, modifiedMs } = frame.openedState;
  if (now.bytes !== bytes) {
    throw inputChanged(
      frame.path,
      `it had ${bytes} bytes when it was opened and has ${now.bytes} now`,
    );
  }
  if (now.modifiedMs !== modifiedMs) {
    throw inputChanged(frame.path, "it was written to after it was opened");
  }
}
