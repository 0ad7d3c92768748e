/** A CSV file read as rows: text only, nothing inferred, nothing rounded. */

import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { InputError, InvariantError } from "../core/errors.ts";
import { textChunks, textSha256 } from "./compression.ts";
import { dialectOf, isUtf16, preambleBytes } from "./csv-dialect.ts";
import { beforeSending, inputChanged, notAFile, readFailure } from "./csv-errors.ts";
import { emptyFile, utf16 } from "./csv-faults.ts";
import type { BadRows, CsvLayout, OnBadRow, RecordFault } from "./csv-judged.ts";
import { badRowsOf, csvRecords } from "./csv-judged.ts";
import type { CsvCell } from "./csv-records.ts";
import type { Block, Frame } from "./frame.ts";

/** Which state of a file was read: enough to notice that it was written to. */
export interface FileState {
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** A CSV file as a {@link Frame}, with what the writer needs to give its bytes back unaltered. */
export interface CsvFrame extends Frame, CsvLayout {
  /** Size and time of change when the file was opened. */
  readonly openedState: FileState;
  /** False where the first record is a row, and the columns are numbered. */
  readonly hasHeader: boolean;
  /** SHA-256 of the text when `fingerprint()` was asked for last; null before it ever was. */
  plannedSha256(): string | null;
  /** The rows left out or passed on unasked; none under `fail`. The file is read for it, once. */
  badRows(): Promise<BadRows>;
}

/** What a caller knows better than the file shows. */
export interface CsvOptions {
  /** One character between cells; found from the file where it is left out. */
  readonly delimiter?: string;
  /** What becomes of rows that cannot be used; `fail` when left out. */
  readonly onBadRow?: OnBadRow;
  /** False where the first record is a row like any other; the columns are then `column_1`, `column_2`, …. */
  readonly header?: boolean;
}

/** As much of the file's beginning as is looked at to tell how it is written. */
const headBytes = 256 * 1024;

/**
 * Opens a CSV file and reads its header and its first row.
 *
 * Cells are text exactly as written: an empty cell is null, a quoted empty cell is "". UTF-8 only; a
 * byte order mark is no part of the first name. Blank lines are not rows, except in a file of one
 * column, where an empty line is a row whose cell is null (a missing last value would be lost else).
 * A file compressed with gzip or zstd is read as the text it holds. A bad row that is kept is `withheld`;
 * its cells are those it has, all null where it is not UTF-8. The fingerprint is a hash of the text, and
 * of the options where they decide which rows there are.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_damaged`, `file_empty`, `no_rows`,
 * `duplicate_column`, `ragged_row`, `not_utf8` or `csv_syntax`; nothing was sent.
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
  const { bytes: head, isWhole } = await headOf(path);
  if (isUtf16(head)) throw utf16(path);
  const preamble = preambleBytes(head);
  if (head.length === preamble) throw emptyFile(path, head.length);
  const found = dialectOf(head.subarray(preamble), { path, isWhole });
  const { delimiter = found.delimiter, onBadRow = "fail", header = true } = options;
  const dialect = { ...found, delimiter };
  const layout = { path, dialect, preambleBytes: preamble, onBadRow };
  const columns = await readHeader(layout, header);
  const isAsFound = delimiter === found.delimiter && onBadRow === "fail" && header;
  let planned: string | null = null;
  let bad: Promise<BadRows> | null = null;
  const frame: CsvFrame = {
    ...layout,
    name: basename(path),
    columns,
    hasHeader: header,
    openedState,
    blocks: (names, maxRows) => blocksOf(frame, names, maxRows),
    fingerprint: async () => {
      planned = await textSha256(path);
      return isAsFound ? planned : withOptions(planned, { delimiter, onBadRow, header });
    },
    plannedSha256: () => planned,
    badRows: () => (bad ??= badRowsOf(layout, columns.length)),
  };
  return frame;
}

/** Read otherwise, the same file has other rows, which must not be taken for those of another run. */
function withOptions(sha256: string, options: CsvOptions): string {
  return createHash("sha256").update(sha256).update(JSON.stringify(options)).digest("hex");
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

/** The beginning of a file's text, and whether that is all of it. */
async function headOf(path: string): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of textChunks(path)) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > headBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: bytes.subarray(0, headBytes), isWhole: length <= headBytes };
}

async function readHeader(layout: CsvLayout, isThere: boolean): Promise<readonly string[]> {
  let columns: readonly string[] | null = null;
  let records = isThere ? -1 : 0;
  // Whether blank lines count depends on the header, so it is read alone and the rows after it anew.
  for await (const batch of csvRecords(layout, { columnCount: 2, tellsNullFromEmpty: false })) {
    columns = (batch.records[0] ?? []).map((name, at) =>
      isThere ? (name ?? "") : `column_${String(at + 1)}`,
    );
    break;
  }
  if (columns === null) throw emptyFile(layout.path, layout.preambleBytes);
  refuseDuplicates(columns, layout.path);
  const options = { columnCount: columns.length, tellsNullFromEmpty: false };
  for await (const batch of csvRecords(layout, options)) {
    const isLeftOut = (fault: RecordFault): boolean => fault !== null && layout.onBadRow === "skip";
    records += batch.records.length - (batch.faults?.filter(isLeftOut).length ?? 0);
    if (records > 0) return columns;
  }
  throw new InputError("no_rows", `${layout.path} has a header and no rows.`, {
    hint: "Check that the file was written to its end; the first line is the header, unless --no-headers (header: false) says otherwise.",
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
  let rows = emptyRows(0, names);
  let isHeader = frame.hasHeader;
  for await (const { records, faults } of csvRecords(frame, options)) {
    for (const [at, record] of records.entries()) {
      const fault = faults?.[at] ?? null;
      if (isHeader || (fault !== null && frame.onBadRow === "skip")) {
        isHeader = false;
        continue;
      }
      const isText = fault !== "not_utf8";
      indices.forEach((index, column) =>
        rows.cells[column]?.push(isText ? (record[index] ?? null) : null),
      );
      if (fault !== null) rows.withheld.add(rows.rowCount);
      rows.rowCount += 1;
      if (rows.rowCount < maxRows) continue;
      yield blockOf(rows);
      rows = emptyRows(rows.firstRow + rows.rowCount, names);
    }
  }
  if (rows.rowCount > 0) yield blockOf(rows);
}

interface Rows {
  readonly firstRow: number;
  rowCount: number;
  readonly names: readonly string[];
  readonly cells: readonly CsvCell[][];
  readonly withheld: Set<number>;
}

function emptyRows(firstRow: number, names: readonly string[]): Rows {
  return { firstRow, rowCount: 0, names, cells: names.map(() => []), withheld: new Set() };
}

function blockOf({ firstRow, rowCount, names, cells, withheld }: Rows): Block {
  const column = (name: string): readonly CsvCell[] => {
    const own = cells[names.indexOf(name)];
    if (own !== undefined) return own;
    throw new InvariantError("unknown_column", `Column ${name} was not asked for with this block.`);
  };
  const withholds = {
    withheld: (row: number) => (withheld.has(row) ? ("bad_row" as const) : null),
  };
  return {
    ...{ firstRow, rowCount, text: column, values: column },
    ...(withheld.size === 0 ? {} : withholds),
  };
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
