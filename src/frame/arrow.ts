/** An Arrow IPC file or stream read as rows, batch by batch, every value as it is stored. */

import { createReadStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Data, RecordBatch, Schema } from "apache-arrow";
import { InputError, InvariantError } from "../core/errors.ts";
import { arrowCells } from "./arrow-cells.ts";
import type { ArrowContainer, ArrowSource } from "./arrow-native.ts";
import { arrowSource, hasArrowRows } from "./arrow-native.ts";
import { cellFieldOf } from "./arrow-types.ts";
import type { CellField } from "./cell-type.ts";
import { columnTexts, columnValues } from "./cell-text.ts";
import { fileSha256 } from "./csv-bytes.ts";
import { beforeSending, inputChanged } from "./csv-errors.ts";
import type { FileState } from "./csv.ts";
import { fileState } from "./csv.ts";
import type { Block, Frame } from "./frame.ts";
import { damaged, isSystemError, openForReading, readRange, withFile } from "./parquet-footer.ts";

/** An Arrow file or stream as a {@link Frame}, with what the writer needs to write it again. */
export interface ArrowFrame extends Frame {
  readonly path: string;
  readonly container: ArrowContainer;
  /** Size and time of change when the file was opened. */
  readonly openedState: FileState;
  /** What `fingerprint()` gave last; null before it was ever asked for. */
  lastFingerprint(): string | null;
}

/**
 * Opens an Arrow IPC file or stream (Feather files of version 2 are such files) and reads its schema.
 *
 * Text and values are described at `columnTexts` and `columnValues`. A batch is read whole, all of its
 * columns, so the largest batch sets how much memory is needed. Compressed buffers (LZ4, ZSTD) are read.
 * Its fingerprint is the SHA-256 of its bytes. Blocks end where batches end, and the event loop runs
 * between them.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_format`, `file_damaged`,
 * `duplicate_column` or `no_rows`; nothing was sent.
 */
export async function openArrow(path: string): Promise<ArrowFrame> {
  try {
    return await openFrame(path);
  } catch (error) {
    throw beforeSending(error);
  }
}

async function openFrame(path: string): Promise<ArrowFrame> {
  const openedState = await fileState(path);
  const { container, fields } = await withFile(path, async (file) => {
    const container = await containerOf(file, path, openedState.bytes);
    const { schema } = await openedSource(file, path);
    return { container, fields: schema.fields.map(cellFieldOf) };
  });
  const names = fields.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new InputError(
      "duplicate_column",
      `${path} has two columns named ${JSON.stringify(twice)}.`,
      { hint: "Rename one of them, so that a template means one column." },
    );
  }
  if (!(await hasRows(path, container))) {
    throw new InputError("no_rows", `${path} has columns and no rows.`, {
      hint: "Check that the file was written to its end, and that it is the one you mean.",
    });
  }
  let fingerprint: string | null = null;
  const frame: ArrowFrame = {
    path,
    container,
    name: basename(path),
    columns: names,
    openedState,
    blocks: (columns, maxRows) => blocksOf(frame, fields, { names: columns, maxRows }),
    fingerprint: async () => (fingerprint = await fileSha256(path)),
    lastFingerprint: () => fingerprint,
    types: () => Promise.resolve(fields),
  };
  return frame;
}

const magic = "ARROW1";

/** Told by the first bytes; a file must end with them too, or was cut short. */
async function containerOf(file: FileHandle, path: string, bytes: number): Promise<ArrowContainer> {
  const head = await readRange(file, 0, Math.min(magic.length, bytes));
  if (head.toString("latin1") !== magic) return "stream";
  const tail = await readRange(file, Math.max(0, bytes - magic.length), magic.length);
  if (bytes > 2 * magic.length && tail.toString("latin1") === magic) return "file";
  throw damaged(path, "it ends without a footer, so it was cut short or is still being written");
}

async function openedSource(file: FileHandle, path: string): Promise<ArrowSource> {
  let source: ArrowSource;
  try {
    source = await arrowSource(file);
    // A file that is no Arrow at all is taken for a stream without a schema.
    if ((source.schema as unknown) !== undefined) return source;
  } catch (error) {
    if (isSystemError(error)) throw error;
    throw notArrow(path, error);
  }
  throw notArrow(path);
}

function notArrow(path: string, cause?: unknown): InputError {
  return new InputError(
    "file_format",
    `${path} is not an Arrow file or stream, or has a column of a type that is not known here: its schema cannot be read.`,
    {
      hint: "Check the path, and that the name's ending says what the file is; Parquet holds what cannot be read here.",
      ...(cause === undefined ? {} : { cause }),
    },
  );
}

/** The first message of a file stands after its magic and two bytes. */
const fileStart = 8;

async function hasRows(path: string, container: ArrowContainer): Promise<boolean> {
  const start = container === "file" ? fileStart : 0;
  const stream = createReadStream(path, { start });
  try {
    return await hasArrowRows(stream as AsyncIterable<Buffer>);
  } catch (error) {
    throw damaged(path, "its first batch cannot be read", error);
  } finally {
    stream.destroy();
  }
}

/** The schema of a file, as it stands there now. */
export async function schemaOf({ path }: ArrowFrame): Promise<Schema> {
  return await withFile(path, async (file) => (await openedSource(file, path)).schema);
}

/**
 * The batches of a file that is still as it was opened.
 *
 * @throws {InputError} `input_changed`, `file_damaged`.
 */
export async function* batchesOf(frame: ArrowFrame): AsyncGenerator<RecordBatch> {
  const { path, openedState: opened } = frame;
  const now = await fileState(path);
  if (now.bytes !== opened.bytes || now.modifiedMs !== opened.modifiedMs) {
    throw inputChanged(path, "it was written to after it was opened");
  }
  let at = 0;
  const file = await openForReading(path);
  try {
    const { batches } = await openedSource(file, path);
    const iterator = batches[Symbol.asyncIterator]();
    for (;;) {
      at += 1;
      const next = await iterator.next().catch((error: unknown) => {
        throw damaged(path, `batch ${at} cannot be read`, error);
      });
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // The reader closes the file itself when it comes to the end.
    await file.close().catch(() => undefined);
  }
}

async function* blocksOf(
  frame: ArrowFrame,
  fields: readonly CellField[],
  asked: { readonly names: readonly string[]; readonly maxRows: number },
): AsyncGenerator<Block> {
  for (const name of asked.names) {
    if (frame.columns.includes(name)) continue;
    throw new InvariantError("unknown_column", `${frame.name} has no column ${name}.`);
  }
  yield* batchBlocks(batchesOf(frame), fields, asked);
}

/** The rows of record batches whose columns are these fields, in blocks of at most `maxRows`. */
export async function* batchBlocks(
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
  fields: readonly CellField[],
  asked: { readonly names: readonly string[]; readonly maxRows: number },
): AsyncGenerator<Block> {
  let firstRow = 0;
  for await (const { data, numRows } of batches) {
    for (let from = 0; from < numRows; from += asked.maxRows) {
      const rowCount = Math.min(asked.maxRows, numRows - from);
      const column = (name: string): { name: string; type: CellField["type"]; data: Data } => {
        const at = asked.names.includes(name) ? fields.findIndex((it) => it.name === name) : -1;
        const field = fields[at];
        const child = data.children[at];
        if (field !== undefined && child !== undefined) {
          return { ...field, data: child.slice(from, rowCount) };
        }
        throw new InvariantError(
          "unknown_column",
          `Column ${name} was not asked for with this block.`,
        );
      };
      const raw = (name: string) => {
        const { type, data: own } = column(name);
        return { name, type, cells: arrowCells(own, type) };
      };
      yield {
        firstRow: firstRow + from,
        rowCount,
        raw: (name) => raw(name).cells,
        text: (name) => columnTexts(raw(name)),
        values: (name) => columnValues(raw(name)),
      };
      await nextTurn();
    }
    firstRow += numRows;
  }
}
