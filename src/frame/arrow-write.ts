/** The input Arrow file or stream again with new columns; or a file of its own from any frame. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Data, DataType, Field, RecordBatch, Schema } from "apache-arrow";
import type { Json } from "../core/hash.ts";
import type { ArrowBytes, ArrowContainer } from "./arrow-native.ts";
import { arrowBytes, arrowDataOf, emptyData, widerBatch, widerSchema } from "./arrow-native.ts";
import { categoriesOf, categoryData, storedData, storedField } from "./arrow-stored.ts";
import type { RawCell } from "./cell-type.ts";
import type { ArrowFrame } from "./arrow.ts";
import { batchesOf } from "./arrow.ts";
import { fileSha256 } from "./csv-bytes.ts";
import { inputChanged } from "./csv-errors.ts";
import { writeWhole } from "./csv-output.ts";
import type { Frame } from "./frame.ts";
import { checkCells } from "./new-cells.ts";
import type { ColumnQueue } from "./new-columns.ts";
import { columnQueue, keptCells, stayingNames } from "./new-columns.ts";
import { typedCells, typedColumns, typeNotes, type TypedColumn } from "./typed-columns.ts";
import { cellsAfter, type Marks, type WriteResume } from "./write-marks.ts";

/** What was written. */
export interface ArrowWritten {
  readonly rows: number;
  /** Bytes of the output. */
  readonly bytes: number;
  /** What is to be said of columns that have lost their types, in sentences; left out where none can. */
  readonly notes?: readonly string[];
}

/**
 * Writes the input with new columns after its own, as a file where it is a file and a stream where it
 * is a stream.
 *
 * Types, nulls, values, dictionaries and metadata of the old columns stay; batches longer than 65,536
 * rows are cut, and nothing is compressed. `cells` are blocks of any size in row
 * order, one value for every row. The file appears whole or not at all.
 *
 * @throws {InputError} `column_exists`, `output_is_input`, `output_unwritable`, `disk_full`,
 * `input_changed`, and what reading the input throws.
 * @throws {InvariantError} `cells_misaligned`, `cells_count` or `cells_type` where the cells are not one
 * per row or not of their column's type.
 */
export async function writeArrow(options: {
  readonly input: ArrowFrame;
  /** Files whose rows follow, for which `joinableArrow` holds; none when left out. */
  readonly others?: readonly ArrowFrame[];
  readonly output: string;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  /** Whether old columns with the names of new ones are left out; they are refused when left out. */
  readonly replaces?: boolean;
  /** How a write that was killed is gone on with, after the last batch that was whole; it begins anew when left out. */
  readonly resume?: WriteResume | undefined;
}): Promise<ArrowWritten> {
  const { input, others = [], columns, resume } = options;
  const staying = new Set(stayingNames(input.columns, columns, options.replaces));
  const leftOut = new Set(input.columns.filter((name) => !staying.has(name)));
  const inputs = [input, ...others];
  const target = { output: options.output, input: input.path, doneShare: () => 0, resume };
  return await writeWhole(target, async (append, marks) => {
    const { cells, firstRow } = cellsAfter(options, marks);
    const queue = columnQueue(cells, columns.length, firstRow);
    const from = spotOf(marks);
    const out = counting(append, from);
    let bytes: ReturnType<typeof arrowBytes> | null = null;
    let read = 0;
    try {
      for await (const batch of allBatches(inputs)) {
        const { data, schema, numRows } = batch;
        const wider = widerSchema(schema, columns, leftOut);
        const children = data.children.filter((_, at) => staying.has(schema.names[at] as string));
        const old = { children, rowCount: numRows };
        bytes ??= arrowBytes(input.container, wider, from?.writer);
        read += numRows;
        if (read <= firstRow) {
          bytes.passed(leftOut.size === 0 ? batch : onlyOld(wider, old));
          continue;
        }
        // Not cut into smaller ones: apache-arrow 21.2.0 writes slices of text views without their views.
        const added = await addedData(queue, columns, { rowCount: numRows, name: input.name });
        await out.write(bytes.write(widerBatch(wider, old, added)), numRows);
        await out.reached(marks, read, bytes);
      }
      await refuseRest(queue, columns, input.name);
      await out.write(bytes?.finish() ?? [], 0);
      for (const one of inputs) await refuseChange(one);
      return out.written();
    } finally {
      await queue.close();
    }
  });
}

async function* allBatches(inputs: readonly ArrowFrame[]): AsyncGenerator<RecordBatch> {
  for (const input of inputs) yield* batchesOf(input);
}

/**
 * Writes the rows of any frame, with new columns after its own, into a new Arrow file or stream.
 *
 * Columns keep their types and values, as {@link typedColumns} has it; those of frames without types, such
 * as CSV, are text. Text, bytes and lists get the layout that Arrow has for long ones or for any. Null stays null. `inputPath` is where the frame comes
 * from, which the output must not be. All else is as with {@link writeArrow}.
 *
 * @throws {InputError} as {@link writeArrow}, and what reading the frame throws.
 * @throws {InvariantError} as {@link writeArrow}.
 */
export async function writeFreshArrow(options: {
  readonly frame: Frame;
  readonly inputPath: string;
  readonly output: string;
  readonly container: ArrowContainer;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  /** Whether a row is written, by its new cells; asked once for each, all are when left out. */
  readonly keeps?: (row: readonly NewCell[]) => boolean;
  /** As {@link writeArrow} has it. */
  readonly resume?: WriteResume | undefined;
}): Promise<ArrowWritten> {
  const { frame, columns, resume } = options;
  stayingNames(frame.columns, columns);
  const typed = await typedColumns(frame, "arrow");
  const old = typed.map(arrowColumnOf);
  const schema = widerSchema({ fields: old.map(({ field }) => field) }, columns);
  const target = { output: options.output, input: options.inputPath, doneShare: () => 0, resume };
  return await writeWhole(target, async (append, marks) => {
    const from = spotOf(marks);
    const { cells: given, firstRow } = cellsAfter(options, marks);
    const queue = columnQueue(given, columns.length, firstRow);
    const out = counting(append, from);
    const bytes = arrowBytes(options.container, schema, from?.writer);
    // What texts the categories are was written before the first batch.
    if (from !== null) bytes.passed(emptyBatch(schema, old));
    try {
      for await (const block of frame.blocks(frame.columns, freshRows, firstRow)) {
        if (block.firstRow < firstRow) continue;
        const cells = await takenCells(queue, columns, {
          rowCount: block.rowCount,
          name: frame.name,
        });
        const kept = keptCells(cells, block.rowCount, options.keeps);
        const { rowCount } = kept;
        if (rowCount === 0) continue;
        const added = columns.map(({ type }, at) => arrowDataOf(type, kept.of(cells[at] ?? [])));
        const children = old.map(({ column, dataOf }) =>
          dataOf(kept.of(typedCells(block, column))),
        );
        await out.write(bytes.write(widerBatch(schema, { children, rowCount }, added)), rowCount);
        await out.reached(marks, block.firstRow + block.rowCount, bytes);
      }
      await refuseRest(queue, columns, frame.name);
      await out.write(bytes.finish(), 0);
      return { ...out.written(), ...typeNotes(typed) };
    } finally {
      await queue.close();
    }
  });
}

/** The old columns of a batch, as a batch: what is known of it by its dictionaries. */
function onlyOld(
  { fields }: Schema,
  old: { readonly children: readonly Data[]; readonly rowCount: number },
): RecordBatch {
  return widerBatch(widerSchema({ fields: fields.slice(0, old.children.length) }, []), old, []);
}

function emptyBatch(schema: Schema, old: readonly ArrowColumn[]): RecordBatch {
  const children = old.map(({ dataOf }) => dataOf([]));
  const added = schema.fields.slice(old.length).map(({ type }) => emptyData(type as DataType));
  return widerBatch(schema, { children, rowCount: 0 }, added);
}

interface ArrowColumn {
  readonly column: TypedColumn;
  readonly field: Field;
  readonly dataOf: (cells: readonly RawCell[]) => Data;
}

function arrowColumnOf(column: TypedColumn, at: number): ArrowColumn {
  const { type, categories } = column;
  const known = categories === undefined ? undefined : categoriesOf(categories, at);
  return {
    column,
    field: storedField(column, known),
    dataOf: (cells) => (known === undefined ? storedData(type, cells) : categoryData(known, cells)),
  };
}

const freshRows = 8192;

/** What a mark says of an Arrow output. */
interface Spot extends ArrowWritten {
  readonly writer: Json;
}

function spotOf({ last }: Marks): Spot | null {
  return last === null ? null : (last.state as unknown as Spot);
}

function counting(
  append: (bytes: Buffer) => Promise<void>,
  from: Spot | null,
): {
  write(parts: readonly Uint8Array[], rowCount: number): Promise<void>;
  /** So many rows of the input are written, or left out. */
  reached(marks: Marks, read: number, writer: ArrowBytes): Promise<void>;
  written(): ArrowWritten;
} {
  let rows = from?.rows ?? 0;
  let bytes = from?.bytes ?? 0;
  return {
    reached: async (marks, read, writer) => {
      await marks.reached(read, () => ({ rows, bytes, writer: writer.saved() }));
    },
    write: async (parts, rowCount) => {
      const joined = Buffer.concat(parts);
      await append(joined);
      rows += rowCount;
      bytes += joined.length;
      await nextTurn();
    },
    written: () => ({ rows, bytes }),
  };
}

async function addedData(
  queue: ColumnQueue,
  columns: readonly NewColumn[],
  rows: { readonly rowCount: number; readonly name: string },
): Promise<readonly ReturnType<typeof arrowDataOf>[]> {
  const cells = await takenCells(queue, columns, rows);
  return columns.map(({ type }, at) => arrowDataOf(type, cells[at] ?? []));
}

/** The new cells of the next rows, one for each and of their columns' types. */
async function takenCells(
  queue: ColumnQueue,
  columns: readonly NewColumn[],
  rows: { readonly rowCount: number; readonly name: string },
): Promise<readonly (readonly NewCell[])[]> {
  const cells = await queue.take(rows.rowCount);
  columns.forEach((column, at) => {
    const own: readonly NewCell[] = cells[at] ?? [];
    if (own.length !== rows.rowCount) throw wrongCount(rows.name, "fewer rows than");
    checkCells(column, own);
  });
  return cells;
}

async function refuseRest(
  queue: ColumnQueue,
  columns: readonly NewColumn[],
  name: string,
): Promise<void> {
  if (columns.length > 0 && !(await queue.isDrained())) throw wrongCount(name, "more rows than");
}

/** Read again to be compared: a batch reader does not show the bytes it reads. */
async function refuseChange(input: ArrowFrame): Promise<void> {
  const planned = input.lastFingerprint();
  if (planned === null || (await fileSha256(input.path)) === planned) return;
  throw inputChanged(input.path, "its content is not what the run was planned from");
}

function wrongCount(name: string, what: string): InvariantError {
  return new InvariantError(
    "cells_count",
    `The new columns have ${what} ${name}. Nothing was written.`,
  );
}
