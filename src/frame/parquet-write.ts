/** The input file again with new columns, every byte of the old ones where it was; or a file of its own. */

import { createHash } from "node:crypto";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { WriteCodec } from "./codecs.ts";
import { fileSha256 } from "./csv-bytes.ts";
import { inputChanged } from "./csv-errors.ts";
import { writeWhole } from "./csv-output.ts";
import { fileState } from "./csv.ts";
import type { Frame } from "./frame.ts";
import type { ColumnQueue } from "./new-columns.ts";
import { columnQueue, keptCells, stayingNames } from "./new-columns.ts";
import type { FileColumn } from "./parquet-columns.ts";
import { inParquet, storedColumn } from "./parquet-stored.ts";
import { typedCells, typedColumns, typeNotes, type TypedColumn } from "./typed-columns.ts";
import { bytesOf, groupsOf, savedGroups } from "./parquet-marks.ts";
import type { WriteResume } from "./write-marks.ts";
import { cellsAfter } from "./write-marks.ts";
import { copyGroup } from "./parquet-copy.ts";
import { damaged, encrypted, readRange, withFile } from "./parquet-footer.ts";
import type { Appender } from "./parquet-group.ts";
import { groupEncoder } from "./parquet-group.ts";
import type { ArrowSchemaFate } from "./parquet-metadata.ts";
import { dropColumns } from "./parquet-drop.ts";
import { addColumns, freshMetadata } from "./parquet-metadata.ts";
import type { ParquetFrame } from "./parquet.ts";
import { fieldAt, i64, integerAt, listOf, putField, structsAt } from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";
import { readThrift, thriftType, writeThrift } from "./thrift.ts";

/** What was written. */
export interface ParquetWritten {
  readonly rows: number;
  /** Bytes of the output. */
  readonly bytes: number;
  /**
   * What became of the Arrow schema in the input: merged with the new columns, or dropped because it
   * names a type unknown here, and then readers see plain types where it told of categories and zones.
   */
  readonly arrowSchema: ArrowSchemaFate;
  /** What is to be said of columns that have lost their types, in sentences; left out where none can. */
  readonly notes?: readonly string[];
}

/** Rows of new cells encoded between two turns of the event loop. */
const stepRows = 4096;

/**
 * Writes the input with new columns after its own.
 *
 * The bytes of the input up to its footer are copied: values, types, encodings, compression, page
 * indexes, bloom filters and statistics stay as they are, whatever the types. The chunks of the new
 * columns follow, one for each row group, and a footer that names old and new. Columns that new ones
 * replace are in that footer no more; their bytes stay in the file. `cells` are blocks of any
 * size in row order, one value for every row. Text is UTF-8, integers are 64 bits, vectors lists of
 * 32-bit floats. Compressed with ZSTD where the input is, else with SNAPPY. Memory holds one row group's
 * new columns, compressed. The file appears whole or not at all. Of several files the pages are copied, but
 * no page indexes and bloom filters, and what the first says of itself holds for all.
 *
 * @throws {InputError} `column_exists`, `output_is_input`, `output_unwritable`, `disk_full`,
 * `input_changed`, `file_damaged` or `file_encrypted`.
 * @throws {InvariantError} `cells_misaligned`, `cells_count` or `cells_type` where the cells are not one
 * per row or not of their column's type.
 */
export async function writeParquet(options: {
  readonly input: ParquetFrame;
  /** Files whose rows follow, for which {@link joinableParquet} holds; none when left out. */
  readonly others?: readonly ParquetFrame[];
  readonly output: string;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  /** Whether old columns with the names of new ones are left out; they are refused when left out. */
  readonly replaces?: boolean;
  /** How a write that was killed is gone on with, after the last row group that was whole; it begins anew when left out. */
  readonly resume?: WriteResume;
}): Promise<ParquetWritten> {
  const { input, others = [], columns } = options;
  const staying = new Set(stayingNames(input.columns, columns, options.replaces));
  const inputs = [input, ...others];
  const rowCount = inputs.reduce((sum, one) => sum + one.rowCount, 0);
  const metadata = thriftOf(input);
  let doneRows = 0;
  const target = {
    output: options.output,
    input: input.path,
    doneShare: () => doneRows / rowCount,
    resume: options.resume,
  };
  return await writeWhole(target, async (append, marks) => {
    const { last } = marks;
    const file = counting(append, last === null ? 0 : bytesOf(last.state));
    const groups = last === null ? [] : groupsOf(last.state);
    const { cells, firstRow } = cellsAfter(options, marks);
    const rows = columnQueue(cells, columns.length, firstRow);
    doneRows = firstRow;
    try {
      // Read all the same where it was copied before: whether it is what the run was planned from.
      const copy = last === null ? file : counting(() => Promise.resolve());
      if (others.length === 0) await copyData(input, copy);
      else await copyParts(inputs, metadata, copy);
      const sizes = inputs.flatMap(({ rowGroupSizes }) => rowGroupSizes);
      for (const size of sizes.slice(groups.length)) {
        const group = groupEncoder(columns, file, codecOf(metadata));
        for (let left = size; left > 0;) {
          const count = await fed(group, rows, Math.min(left, stepRows));
          if (count === 0) throw wrongCount(input, "fewer rows than");
          left -= count;
          doneRows += count;
        }
        groups.push({ ...(await group.finish()), rowCount: size });
        await marks.reached(doneRows, () => savedGroups(groups, file.position()));
      }
      if (columns.length > 0 && !(await rows.isDrained()))
        throw wrongCount(input, "more rows than");
      const leftOut = new Set(input.columns.filter((name) => !staying.has(name)));
      dropColumns(metadata, leftOut);
      const merge = mergedArrow(columns, leftOut);
      const arrowSchema = await addColumns(metadata, { columns, groups }, merge);
      await appendFooter(file, metadata);
      return { rows: rowCount, bytes: file.position(), arrowSchema };
    } finally {
      await rows.close();
    }
  });
}

/**
 * Writes the rows of any frame, with new columns after its own, into a new Parquet file.
 *
 * Columns keep their types and values, as {@link typedColumns} has it; those of frames without types, such
 * as CSV, are text. Null stays null. `inputPath` is where the frame comes from,
 * which the output must not be. Row groups have 122,880 rows, or fewer where they would hold more than
 * 64 MB. All else is as with {@link writeParquet}.
 *
 * @throws {InputError} as {@link writeParquet}, and what reading the frame throws.
 * @throws {InvariantError} as {@link writeParquet}.
 */
export async function writeFreshParquet(options: {
  readonly frame: Frame;
  readonly inputPath: string;
  readonly output: string;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  /** How pages are compressed; with SNAPPY when left out. */
  readonly codec?: WriteCodec;
  /** As {@link writeParquet} has it. */
  readonly resume?: WriteResume;
  /** Whether a row is written, by its new cells; asked once for each, all are when left out. */
  readonly keeps?: (row: readonly NewCell[]) => boolean;
}): Promise<ParquetWritten> {
  const { frame, columns, keeps, resume } = options;
  stayingNames(frame.columns, columns);
  const typed = await typedColumns(frame, "parquet");
  // Text as new columns are written, where there are no types to keep.
  const old = typed.map((column): FileColumn =>
    frame.types === undefined ? { name: column.name, type: "text" } : storedColumn(column),
  );
  const all = [...old, ...columns];
  const { codec = "SNAPPY" } = options;
  const target = { output: options.output, input: options.inputPath, doneShare: () => 0, resume };
  return await writeWhole(target, async (append, marks) => {
    const { last } = marks;
    const file = counting(append, last === null ? 0 : bytesOf(last.state));
    const groups = last === null ? [] : groupsOf(last.state);
    const { cells, firstRow } = cellsAfter(options, marks);
    const rows = columnQueue(cells, columns.length, firstRow);
    let taken = firstRow;
    let written = groups.reduce((sum, { rowCount }) => sum + rowCount, 0);
    // An encoder notes where its group begins.
    if (last === null) await file.append(MAGIC);
    let group = groupEncoder(all, file, codec);
    let rowCount = 0;
    const close = async (): Promise<void> => {
      groups.push({ ...(await group.finish()), rowCount });
      written += rowCount;
      await marks.reached(taken, () => savedGroups(groups, file.position()));
      group = groupEncoder(all, file, codec);
      rowCount = 0;
    };
    try {
      for await (const block of frame.blocks(frame.columns, stepRows, firstRow)) {
        if (block.firstRow < firstRow) continue;
        const added = await rows.take(block.rowCount);
        if (added.some(({ length }) => length !== block.rowCount)) {
          throw wrongCount(frame, "fewer rows than");
        }
        const kept = keptCells(added, block.rowCount, keeps);
        const old = typed.map((column) => kept.of(typedCells(block, column)));
        await group.add([...old, ...added.map((column) => kept.of(column))]);
        rowCount += kept.rowCount;
        taken += block.rowCount;
        if (rowCount >= groupRows || group.heldBytes() >= groupBytes) await close();
        await nextTurn();
      }
      if (rowCount > 0) await close();
      if (columns.length > 0 && !(await rows.isDrained()))
        throw wrongCount(frame, "more rows than");
      const arrowSchema = frame.types === undefined ? null : await arrowSchemaOf(typed, columns);
      await appendFooter(file, freshMetadata(all, groups, arrowSchema));
      return {
        rows: written,
        bytes: file.position(),
        arrowSchema: "none",
        ...typeNotes(typed),
      };
    } finally {
      await rows.close();
    }
  });
}

/** What Parquet has no types for and Arrow has; null where it would tell nothing, or a column has a type that Arrow's readers of Parquet do not take. */
async function arrowSchemaOf(
  typed: readonly TypedColumn[],
  columns: readonly NewColumn[],
): Promise<string | null> {
  if (typed.some(({ type }) => type.kind === "interval") || typed.every(isPlain)) return null;
  const { categoriesOf, storedField } = await import("./arrow-stored.ts");
  const { encodedSchema } = await import("./arrow-native.ts");
  const fields = typed.map(({ name, type }, at) =>
    type.kind === "text" && type.isCategory === true
      ? storedField({ name, type }, categoriesOf([], at))
      : storedField({ name, type: inParquet(type) }),
  );
  return encodedSchema(fields, columns);
}

/** Whether Parquet says all there is to a column's type. */
function isPlain({ type }: TypedColumn): boolean {
  if (type.kind === "text") return type.isCategory !== true;
  return type.kind === "boolean" || type.kind === "integer" || type.kind === "float";
}

/** How the pages of a file are compressed, as new ones are: ZSTD for one that uses it, else what every reader has. */
export function codecOfFile(input: ParquetFrame): WriteCodec {
  return codecOf(thriftOf(input));
}

const groupRows = 122_880;
const groupBytes = 64 * 1024 * 1024;
/** What a Parquet file begins and ends with. */
export const MAGIC = Buffer.from("PAR1");

/** Bytes appended after those that stand there, counted. */
export function counting(append: (bytes: Buffer) => Promise<void>, start = 0): Appender {
  let position = start;
  return {
    position: () => position,
    append: async (bytes) => {
      await append(bytes);
      position += bytes.length;
    },
  };
}

/** Encodes the next rows; gives how many there were. */
async function fed(
  group: ReturnType<typeof groupEncoder>,
  rows: ColumnQueue,
  count: number,
): Promise<number> {
  const cells = await rows.take(count);
  await group.add(cells);
  await nextTurn();
  // Without new columns there is nothing to count.
  return cells[0]?.length ?? count;
}

/** The footer of a file, to be changed and written again. @throws {InputError} `file_damaged`, `file_encrypted` */
export function thriftOf(input: ParquetFrame): ThriftStruct {
  let metadata: ThriftStruct;
  try {
    metadata = readThrift(input.footer.struct);
  } catch (error) {
    throw damaged(input.path, "its footer cannot be read", error);
  }
  // Said in the footer, which stays readable, when only columns are encrypted.
  if (fieldAt(metadata, 8) !== undefined) throw encrypted(input.path);
  return metadata;
}

/** ZSTD for a file that uses it, else what every reader has. */
function codecOf(metadata: ThriftStruct): WriteCodec {
  const [group] = structsAt(metadata, 4);
  const [chunk] = group === undefined ? [] : structsAt(group, 1);
  const facts = chunk === undefined ? undefined : fieldAt(chunk, 3);
  const isStruct = typeof facts === "object" && "fields" in facts;
  return isStruct && integerAt(facts, 4) === 6n ? "ZSTD" : "SNAPPY";
}

/** Copied at a time: large enough that the disk and not the loop sets the pace. */
const copyBytes = 4 * 1024 * 1024;

/** Copies all that stands before the footer, and makes sure that it is what was planned from. */
async function copyData(input: ParquetFrame, file: Appender): Promise<void> {
  const planned = input.lastFingerprint();
  const hash = createHash("sha256");
  await withFile(input.path, async (source) => {
    const { start } = input.footer;
    while (file.position() < start) {
      const length = Math.min(copyBytes, start - file.position());
      const bytes = await readRange(source, file.position(), length);
      if (bytes.length < length) throw inputChanged(input.path, "it has become shorter");
      if (planned !== null) hash.update(bytes);
      await file.append(bytes);
    }
    if (planned !== null) hash.update(await readRange(source, start, input.footer.tail.length));
  });
  const sum = hash.digest("hex");
  await refuseChanged(input, () => Promise.resolve(sum));
}

/** Copies the row groups of all files, and puts them into the metadata of the first. */
async function copyParts(
  inputs: readonly ParquetFrame[],
  metadata: ThriftStruct,
  file: Appender,
): Promise<void> {
  const groups: ThriftStruct[] = [];
  await file.append(MAGIC);
  for (const [at, input] of inputs.entries()) {
    const own = structsAt(at === 0 ? metadata : thriftOf(input), 4);
    await withFile(input.path, async (source) => {
      for (const group of own) {
        await copyGroup(group, { at: groups.length, source, file });
        groups.push(group);
      }
    });
    await refuseChanged(input, () => fileSha256(input.path));
  }
  const rows = groups.reduce((sum, group) => sum + (integerAt(group, 3) ?? 0n), 0n);
  putField(metadata, 3, i64(rows));
  putField(metadata, 4, listOf(thriftType.struct, groups));
}

/**
 * Whether files can be put into one with every page as it stands: they have one schema to the byte, the same
 * types beside it, and were written by one program.
 *
 * @throws {InputError} `file_damaged`, `file_encrypted`.
 */
export async function joinableParquet(inputs: readonly ParquetFrame[]): Promise<boolean> {
  let before: string | null = null;
  for (const input of inputs) {
    const saidAlike = markOf(thriftOf(input)).toString("base64");
    const own = JSON.stringify([saidAlike, await input.types?.()]);
    if (before !== null && own !== before) return false;
    before = own;
  }
  return true;
}

/** Version, schema, who wrote it (statistics are read by that), and how values are ordered. */
function markOf(metadata: ThriftStruct): Buffer {
  return writeThrift({ fields: metadata.fields.filter(({ id }) => [1, 2, 6, 7].includes(id)) });
}

/** Makes sure that a file is what was planned from, by its hash where one is known. */
async function refuseChanged(input: ParquetFrame, sha256: () => Promise<string>): Promise<void> {
  const planned = input.lastFingerprint();
  const now = await fileState(input.path);
  const { bytes, modifiedMs } = input.openedState;
  if (planned === null) {
    if (now.bytes === bytes && now.modifiedMs === modifiedMs) return;
    throw inputChanged(input.path, "it was written to after it was opened");
  }
  if (now.bytes === bytes && (await sha256()) === planned) return;
  throw inputChanged(input.path, "its content is not what the run was planned from");
}

function mergedArrow(
  columns: readonly NewColumn[],
  leftOut: ReadonlySet<string>,
): (encoded: string) => Promise<string | null> {
  return async (encoded) => {
    const { withEncodedFields } = await import("./arrow-native.ts");
    return withEncodedFields(encoded, columns, leftOut);
  };
}

/** Ends a file with a footer. */
export async function appendFooter(file: Appender, metadata: ThriftStruct): Promise<void> {
  const footer = writeThrift(metadata);
  const end = Buffer.alloc(4);
  end.writeUInt32LE(footer.length);
  await file.append(Buffer.concat([footer, end, MAGIC]));
}

function wrongCount(frame: Frame, what: string): InvariantError {
  return new InvariantError(
    "cells_count",
    `The new columns have ${what} ${frame.name}. Nothing was written.`,
  );
}
