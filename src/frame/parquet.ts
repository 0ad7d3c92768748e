/** A Parquet file read as rows: only the columns asked for, page by page, every value as it is stored. */

import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { FileMetaData, RowGroup } from "hyparquet";
import { InputError, InvariantError } from "../core/errors.ts";
import type { CellType, RawCell } from "./cell-type.ts";
import { columnTexts, columnValues } from "./cell-text.ts";
import { fileSha256 } from "./csv-bytes.ts";
import { beforeSending, inputChanged, readFailure } from "./csv-errors.ts";
import type { FileState } from "./csv.ts";
import { fileState } from "./csv.ts";
import type { Block, Frame } from "./frame.ts";
import { decodeMetadata } from "./parquet-decode.ts";
import type { FooterBytes } from "./parquet-footer.ts";
import {
  damaged,
  encrypted,
  isSystemError,
  openForReading,
  readFooter,
  withFile,
} from "./parquet-footer.ts";
import { columnRows, rowQueue } from "./parquet-pages.ts";
import type { ParquetColumn } from "./parquet-schema.ts";
import { parquetColumns } from "./parquet-schema.ts";

/** A Parquet file as a {@link Frame}, with what the writer needs to give its bytes back unaltered. */
export interface ParquetFrame extends Frame {
  readonly path: string;
  readonly rowCount: number;
  /** Rows of each row group, in order. */
  readonly rowGroupSizes: readonly number[];
  /** Size and time of change when the file was opened. */
  readonly openedState: FileState;
  readonly footer: FooterBytes;
  /** What `fingerprint()` gave last; null before it was ever asked for. */
  lastFingerprint(): string | null;
}

/**
 * Opens a Parquet file and reads its footer.
 *
 * Text and values are described at `columnTexts` and `columnValues`. Time zones and durations that only
 * the entry `ARROW:schema` knows of are read from there. Its fingerprint is the SHA-256 of its bytes.
 * Blocks end where row groups end, and the event loop runs between them.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_format`, `file_damaged`,
 * `file_encrypted`, `duplicate_column` or `no_rows`; nothing was sent.
 */
export async function openParquet(path: string): Promise<ParquetFrame> {
  try {
    return await openFrame(path);
  } catch (error) {
    throw beforeSending(error);
  }
}

async function openFrame(path: string): Promise<ParquetFrame> {
  const openedState = await fileState(path);
  const footer = await withFile(path, (file) => readFooter(file, { path, ...openedState }));
  const metadata = metadataOf(path, footer);
  const columns = columnsOf(path, metadata);
  refuseUnreadable(path, metadata, columns);
  let fingerprint: string | null = null;
  const layout = { path, metadata, columns, openedState };
  return {
    path,
    name: basename(path),
    columns: columns.map(({ name }) => name),
    rowCount: Number(metadata.num_rows),
    rowGroupSizes: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    openedState,
    footer,
    blocks: (names, maxRows, firstRow = 0) => blocksOf(layout, { names, maxRows, firstRow }),
    fingerprint: async () => (fingerprint = await fileSha256(path)),
    lastFingerprint: () => fingerprint,
    types: async () => await refinedColumns(columns, metadata),
  };
}

interface Layout {
  readonly path: string;
  readonly metadata: FileMetaData;
  readonly columns: readonly ParquetColumn[];
  readonly openedState: FileState;
}

function metadataOf(path: string, footer: FooterBytes): FileMetaData {
  try {
    return decodeMetadata(footer.tail);
  } catch (error) {
    throw damaged(path, "its footer cannot be read", error);
  }
}

function columnsOf(path: string, metadata: FileMetaData): readonly ParquetColumn[] {
  try {
    return parquetColumns(metadata);
  } catch (error) {
    throw damaged(path, "its schema cannot be read", error);
  }
}

/** The columns with the types that only the entry `ARROW:schema` knows. */
async function withArrowTypes(
  columns: readonly ParquetColumn[],
  metadata: FileMetaData,
): Promise<readonly ParquetColumn[]> {
  const entry = metadata.key_value_metadata?.find(({ key }) => key === "ARROW:schema")?.value;
  // Arrow is loaded where it may know more; for columns of texts it would take longer than reading many rows.
  if (entry === undefined || !columns.some(({ type }) => REFINABLE.has(type.kind))) return columns;
  return await refinedColumns(columns, metadata);
}

async function refinedColumns(
  columns: readonly ParquetColumn[],
  metadata: FileMetaData,
): Promise<readonly ParquetColumn[]> {
  const entry = metadata.key_value_metadata?.find(({ key }) => key === "ARROW:schema")?.value;
  if (entry === undefined) return columns;
  const { encodedSchemaTypes } = await import("./arrow-native.ts");
  const types = encodedSchemaTypes(entry);
  return columns.map((column) => ({
    ...column,
    type: refined(column.type, types.get(column.name) ?? null),
  }));
}

const REFINABLE: ReadonlySet<CellType["kind"]> = new Set([
  "timestamp",
  "integer",
  "list",
  "struct",
]);

/** A type with what Arrow knows of it and Parquet does not: the zone's name, and that a number is a duration. */
function refined(type: CellType, arrow: CellType | null): CellType {
  if (arrow === null) return type;
  if (type.kind === "timestamp" && arrow.kind === "timestamp" && type.zone !== null) {
    return { ...type, zone: arrow.zone ?? type.zone };
  }
  if (type.kind === "integer" && arrow.kind === "duration") return arrow;
  if (type.kind === "text" && arrow.kind === "text" && arrow.isCategory === true)
    return { ...type, isCategory: true };
  if (type.kind === "list" && arrow.kind === "list") {
    const { size } = arrow;
    const sized = size === undefined ? {} : { size };
    return { ...type, ...sized, element: refined(type.element, arrow.element) };
  }
  if (type.kind !== "struct" || arrow.kind !== "struct") return type;
  const fields = type.fields.map(({ name, type: field }) => {
    const known = arrow.fields.find((it) => it.name === name);
    return { name, type: refined(field, known?.type ?? null) };
  });
  return { kind: "struct", fields };
}

function refuseUnreadable(
  path: string,
  metadata: FileMetaData,
  columns: readonly ParquetColumn[],
): void {
  const chunks = metadata.row_groups.flatMap((group) => group.columns);
  if (chunks.some((chunk) => chunk.crypto_metadata !== undefined)) throw encrypted(path);
  if (chunks.some((chunk) => chunk.file_path !== undefined)) {
    throw new InputError(
      "file_format",
      `${path} holds no rows of its own: its columns stand in other files.`,
      { hint: "Give one of the files it names, or one that holds all of them." },
    );
  }
  const leafCount = columns.reduce((sum, { leaves }) => sum + leaves.length, 0);
  const isWhole = metadata.row_groups.every((group) => group.columns.length === leafCount);
  if (!isWhole) throw damaged(path, "a row group lacks the chunk of a column");
  const seen = new Set<string>();
  for (const { name } of columns) {
    if (seen.has(name)) throw duplicateColumn(path, name);
    seen.add(name);
  }
  if (Number(metadata.num_rows) > 0) return;
  throw new InputError("no_rows", `${path} has columns and no rows.`, {
    hint: "Check that the file was written to its end, and that it is the one you mean.",
  });
}

function duplicateColumn(path: string, name: string): InputError {
  return new InputError(
    "duplicate_column",
    `${path} has two columns named ${JSON.stringify(name)}.`,
    { hint: "Rename one of them, so that a template means one column." },
  );
}

async function* blocksOf(
  layout: Layout,
  asked: { readonly names: readonly string[]; readonly maxRows: number; readonly firstRow: number },
): AsyncGenerator<Block> {
  const { path } = layout;
  const { names, maxRows } = asked;
  const stored = names.map((name) => {
    const column = layout.columns.find((it) => it.name === name);
    if (column !== undefined) return column;
    throw new InvariantError("unknown_column", `${path} has no column ${name}.`);
  });
  const columns = await withArrowTypes(stored, layout.metadata);
  await refuseChange(layout);
  const file = await openForReading(path);
  try {
    let firstRow = 0;
    for (const [at, group] of layout.metadata.row_groups.entries()) {
      const groupRows = Number(group.num_rows);
      if (firstRow + groupRows > asked.firstRow)
        yield* groupBlocks({ path, file, columns, group, at, firstRow, maxRows });
      firstRow += groupRows;
    }
  } finally {
    await file.close();
  }
}

interface GroupWork {
  readonly path: string;
  readonly file: FileHandle;
  readonly columns: readonly ParquetColumn[];
  readonly group: RowGroup;
  /** The row group's number, for messages. */
  readonly at: number;
  readonly firstRow: number;
  readonly maxRows: number;
}

async function* groupBlocks(work: GroupWork): AsyncGenerator<Block> {
  const { columns, group, maxRows } = work;
  const queues = columns.map((column) => {
    const chunks = group.columns
      .slice(column.firstLeaf, column.firstLeaf + column.leaves.length)
      .flatMap(({ meta_data }) => meta_data ?? []);
    return rowQueue(columnRows(work.file, column, chunks));
  });
  const groupRows = Number(group.num_rows);
  for (let done = 0; done < groupRows;) {
    const rowCount = Math.min(maxRows, groupRows - done);
    const cells: RawCell[][] = [];
    for (const [at, queue] of queues.entries()) {
      cells.push(await taken(queue, rowCount, { ...work, column: columns[at]?.name ?? "" }));
    }
    yield blockOf({ firstRow: work.firstRow + done, rowCount, columns, cells });
    done += rowCount;
    await nextTurn();
  }
}

async function taken(
  queue: ReturnType<typeof rowQueue<RawCell>>,
  count: number,
  place: { readonly path: string; readonly column: string; readonly at: number },
): Promise<RawCell[]> {
  const where = `row group ${place.at + 1}, column ${JSON.stringify(place.column)}`;
  const cells: RawCell[] = [];
  let left = count;
  try {
    while (left > 0) {
      const ready = await queue.ready();
      if (ready === 0) throw damaged(place.path, `${where} has fewer rows than its group`);
      const rows = queue.take(Math.min(ready, left));
      left -= rows.length;
      // Mostly a page has all of them.
      if (rows.length === count) return rows;
      for (const cell of rows) cells.push(cell);
    }
  } catch (error) {
    if (error instanceof InputError && error.code !== "not_utf8") throw error;
    if (isSystemError(error)) throw readFailure(error, place.path);
    const why = error instanceof Error ? ` (${error.message})` : "";
    throw damaged(place.path, `${where} cannot be decoded${why}`, error);
  }
  return cells;
}

function blockOf(rows: {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly columns: readonly ParquetColumn[];
  readonly cells: readonly (readonly RawCell[])[];
}): Block {
  const column = (name: string): { name: string; type: CellType; cells: readonly RawCell[] } => {
    const at = rows.columns.findIndex((it) => it.name === name);
    const type = rows.columns[at]?.type;
    const cells = rows.cells[at];
    if (type !== undefined && cells !== undefined) return { name, type, cells };
    throw new InvariantError("unknown_column", `Column ${name} was not asked for with this block.`);
  };
  return {
    firstRow: rows.firstRow,
    rowCount: rows.rowCount,
    raw: (name) => column(name).cells,
    text: (name) => columnTexts(column(name)),
    values: (name) => columnValues(column(name)),
  };
}

async function refuseChange({ path, openedState: opened }: Layout): Promise<void> {
  const now = await fileState(path);
  if (now.bytes === opened.bytes && now.modifiedMs === opened.modifiedMs) return;
  throw inputChanged(path, "it was written to after it was opened");
}
