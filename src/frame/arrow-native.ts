/** Arrow's own structures: new columns built in them, and files of them. */

import type { FileHandle } from "node:fs/promises";
import type { Data, DataType, Field, RecordBatch, Schema, Table } from "apache-arrow";
import type { ColumnType, NewCell, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { arrowCells } from "./arrow-cells.ts";
import { arrow } from "./arrow-kit.ts";
import { noteWritten, restoreWriter, savedWriter, type WriterState } from "./arrow-marks.ts";
import { cellFieldOf } from "./arrow-types.ts";
import type { CellType, RawCell } from "./cell-type.ts";
import { decompressors } from "./codecs.ts";
import { lz4Frame } from "./lz4.ts";
import { dateDays, fieldOf } from "./new-cells.ts";
import { withoutPandas } from "./pandas-columns.ts";

const { makeData } = arrow;

/** The Arrow type of a new column. Text has 64-bit offsets: a batch may hold more than 2 GiB of it. */
export function arrowTypeOf(type: ColumnType): DataType {
  switch (type) {
    case "text":
      return new arrow.LargeUtf8();
    case "float":
      return new arrow.Float64();
    case "integer":
      return new arrow.Int64();
    case "boolean":
      return new arrow.Bool();
    case "date":
      return new arrow.DateDay();
    case "embedding":
      return new arrow.List(new arrow.Field("item", new arrow.Float32(), true));
    default:
      if ("list" in type)
        return new arrow.List(new arrow.Field("item", arrowTypeOf(type.list), true));
      return new arrow.Struct(type.struct.map(arrowField));
  }
}

function arrowField({ name, type }: NewColumn): Field {
  return new arrow.Field(name, arrowTypeOf(type), true);
}

/** The cells of a new column, known to be of its type, as Arrow arrays. */
export function arrowDataOf(type: ColumnType, cells: readonly NewCell[]): Data {
  const base = { length: cells.length, ...validityOf(cells) };
  switch (type) {
    case "text":
      return makeData({
        type: new arrow.LargeUtf8(),
        ...base,
        ...utf8Of(cells as readonly (string | null)[]),
      });
    case "float":
      return makeData({
        type: new arrow.Float64(),
        ...base,
        data: Float64Array.from(cells, numberOf),
      });
    case "integer": {
      const data = BigInt64Array.from(cells, (cell) => BigInt(numberOf(cell)));
      return makeData({ type: new arrow.Int64(), ...base, data });
    }
    case "boolean":
      return makeData({
        type: new arrow.Bool(),
        ...base,
        data: bitsOf(cells, (cell) => cell === true),
      });
    case "date":
      return makeData({ type: new arrow.DateDay(), ...base, data: Int32Array.from(cells, daysOf) });
    case "embedding":
      return embeddingData(cells as readonly (Float32Array | null)[], base);
    default:
      return "list" in type
        ? listData(type.list, cells, base)
        : structData(type.struct, cells, base);
  }
}

interface Base {
  readonly length: number;
  readonly nullCount: number;
  readonly nullBitmap: Uint8Array;
}

function numberOf(cell: NewCell): number {
  return typeof cell === "number" ? cell : 0;
}

function daysOf(cell: NewCell): number {
  return typeof cell === "string" ? (dateDays(cell) ?? 0) : 0;
}

function validityOf(cells: readonly NewCell[]): Pick<Base, "nullCount" | "nullBitmap"> {
  const nullCount = cells.reduce<number>((count, cell) => count + (cell === null ? 1 : 0), 0);
  return { nullCount, nullBitmap: bitsOf(cells, (cell) => cell !== null) };
}

/** A bit for each cell, as Arrow has truth values and what is there. */
export function bitsOf<Cell>(cells: readonly Cell[], isSet: (cell: Cell) => boolean): Uint8Array {
  // Arrow's readers take whole words of 8 bytes.
  const bits = new Uint8Array(Math.ceil(cells.length / 64) * 8);
  cells.forEach((cell, at) => {
    if (isSet(cell)) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
  });
  return bits;
}

function utf8Of(cells: readonly (string | null)[]): {
  valueOffsets: BigInt64Array;
  data: Uint8Array;
} {
  const parts = cells.map((cell) => Buffer.from(cell ?? ""));
  const valueOffsets = new BigInt64Array(parts.length + 1);
  let end = 0;
  parts.forEach((part, at) => {
    end += part.length;
    valueOffsets[at + 1] = BigInt(end);
  });
  return { valueOffsets, data: Buffer.concat(parts) };
}

/** Where each list begins among all elements. */
export function offsetsOf(parts: readonly { readonly length: number }[]): Int32Array {
  const offsets = new Int32Array(parts.length + 1);
  let end = 0;
  parts.forEach((part, at) => {
    end += part.length;
    if (end > 0x7fff_ffff) {
      throw new InvariantError(
        "cells_size",
        "A batch of lists holds more than 2,147,483,647 entries, which Arrow cannot count.",
      );
    }
    offsets[at + 1] = end;
  });
  return offsets;
}

function embeddingData(cells: readonly (Float32Array | null)[], base: Base): Data {
  const vectors = cells.map((cell) => cell ?? new Float32Array(0));
  const valueOffsets = offsetsOf(vectors);
  const data = new Float32Array(valueOffsets.at(-1) ?? 0);
  vectors.forEach((vector, at) => {
    data.set(vector, valueOffsets[at]);
  });
  const child = makeData({ type: new arrow.Float32(), length: data.length, nullCount: 0, data });
  const type = new arrow.List(new arrow.Field("item", new arrow.Float32(), true));
  return makeData({ type, ...base, valueOffsets, child });
}

function listData(element: ColumnType, cells: readonly NewCell[], base: Base): Data {
  const lists = cells.map((cell) => (Array.isArray(cell) ? (cell as readonly NewCell[]) : []));
  const child = arrowDataOf(element, lists.flat(1));
  const type = new arrow.List(new arrow.Field("item", arrowTypeOf(element), true));
  return makeData({ type, ...base, valueOffsets: offsetsOf(lists), child });
}

function structData(fields: readonly NewColumn[], cells: readonly NewCell[], base: Base): Data {
  const children = fields.map(({ name, type }) =>
    arrowDataOf(
      type,
      cells.map((cell) => fieldOf(cell, name)),
    ),
  );
  return makeData({ type: new arrow.Struct(fields.map(arrowField)), ...base, children });
}

/** Rows of new columns, known to be of their types, as one Arrow IPC stream. Positions are the names. */
export function arrowStreamOf(
  columns: readonly NewColumn[],
  cells: readonly (readonly NewCell[])[],
): Uint8Array {
  const schema = new arrow.Schema(
    columns.map(({ type }, at) => new arrow.Field(`c${at}`, arrowTypeOf(type), true)),
  );
  const children = columns.map(({ type }, at) => arrowDataOf(type, cells[at] ?? []));
  const length = cells[0]?.length ?? 0;
  const data = makeData({ type: new arrow.Struct(schema.fields), length, nullCount: 0, children });
  return arrow.RecordBatchStreamWriter.writeAll([new arrow.RecordBatch(schema, data)]).toUint8Array(
    true,
  );
}

/** The one column of an Arrow IPC stream, read whole. */
export function arrowColumn(stream: Uint8Array): { type: CellType; cells: readonly RawCell[] } {
  const reader = arrow.RecordBatchReader.from(stream).open();
  // Once its last batch is read the reader forgets the schema.
  const [field] = reader.schema.fields;
  const type = field === undefined ? ({ kind: "null" } as const) : cellFieldOf(field).type;
  const cells = [...reader].flatMap(({ data }) =>
    data.children.flatMap((it) => arrowCells(it, type)),
  );
  return { type, cells };
}

/**
 * The types of an Arrow schema as Parquet files hold it, by column name; empty where it cannot be read.
 *
 * It is the Base64 text of an IPC message: https://arrow.apache.org/docs/cpp/parquet.html
 */
export function encodedSchemaTypes(encoded: string): ReadonlyMap<string, CellType> {
  const fields = decodedSchema(encoded)?.fields ?? [];
  return new Map(fields.map((field) => [field.name, cellFieldOf(field).type]));
}

/** The same schema without fields of some names, and with those for new columns after its own; null where it cannot be read. */
export function withEncodedFields(
  encoded: string,
  columns: readonly NewColumn[],
  leftOut: ReadonlySet<string>,
): string | null {
  const schema = decodedSchema(encoded);
  if (schema === null) return null;
  const fields = schema.fields.filter(({ name }) => !leftOut.has(name));
  return encodedSchema(fields, columns, withoutPandas(schema.metadata, leftOut));
}

/** A schema as Parquet files hold it: of old fields, and new columns after them. */
export function encodedSchema(
  fields: readonly Field[],
  columns: readonly NewColumn[],
  metadata?: Map<string, string>,
): string {
  const merged = new arrow.Schema([...fields, ...columns.map(arrowField)], metadata);
  const writer = new arrow.RecordBatchStreamWriter();
  writer.reset(undefined, merged).finish();
  const stream = Buffer.from(writer.toUint8Array(true));
  // A stream begins with the schema's message: four bytes of 0xff, its length, itself.
  return stream.subarray(0, 8 + stream.readInt32LE(4)).toString("base64");
}

function decodedSchema(encoded: string): Schema | null {
  try {
    return new arrow.MessageReader(Buffer.from(encoded, "base64")).readSchema() ?? null;
  } catch {
    // A type that only newer versions of Arrow have, or no schema at all.
    return null;
  }
}

/** Of an Arrow file or stream: its schema, and the way to its batches. */
export interface ArrowSource {
  readonly schema: Schema;
  /** Record batches in order; `data.children` are their columns. */
  readonly batches: AsyncIterable<RecordBatch>;
}

/**
 * Reads the schema of an open file; its batches are read when they are asked for, one at a time.
 *
 * Throws an Error of no particular kind where the bytes are damaged or hold a type of newer versions.
 */
export async function arrowSource(file: FileHandle): Promise<ArrowSource> {
  const reader = await arrow.RecordBatchReader.from(file);
  await reader.open();
  return { schema: reader.schema, batches: reader };
}

/** True where a batch has rows; `messages` are the bytes from the first message on. */
export async function hasArrowRows(messages: AsyncIterable<Buffer>): Promise<boolean> {
  const reader = new arrow.AsyncMessageReader(messages);
  for (;;) {
    const message = await reader.readMessage();
    if (message === null) return false;
    if (message.isRecordBatch() && (message.header() as { readonly length: number }).length > 0) {
      return true;
    }
    await reader.readMessageBody(message.bodyLength);
  }
}

/** A schema without fields of some names, and with those for new columns after its own. */
export function widerSchema(
  schema: { readonly fields: readonly Field[]; readonly metadata?: Map<string, string> },
  columns: readonly NewColumn[],
  leftOut: ReadonlySet<string> = new Set(),
): Schema {
  const fields = schema.fields.filter(({ name }) => !leftOut.has(name));
  const metadata = withoutPandas(schema.metadata ?? new Map<string, string>(), leftOut);
  return new arrow.Schema([...fields, ...columns.map(arrowField)], metadata);
}

/** An array of this type without cells. */
export function emptyData(type: DataType): Data {
  return makeData({ type, length: 0 } as never);
}

/** A batch with cells of new columns after its own. */
export function widerBatch(
  schema: Schema,
  old: { readonly children: readonly Data[]; readonly rowCount: number },
  added: readonly Data[],
): RecordBatch {
  const children = [...old.children, ...added];
  const type = new arrow.Struct(schema.fields);
  return new arrow.RecordBatch(
    schema,
    makeData({ type, length: old.rowCount, nullCount: 0, children }),
  );
}

/** The table that batches of one schema make. */
export function tableOf(batches: readonly RecordBatch[]): Table {
  return new arrow.Table([...batches]);
}

/** Batches as bytes of an Arrow file or stream. */
export interface ArrowBytes {
  /** The bytes of one more batch, after those of the schema where it is the first. */
  write(batch: RecordBatch): readonly Uint8Array[];
  /** Notes a batch that was written before; the next one written goes on after those. */
  passed(batch: RecordBatch): void;
  /** What was written so far, to go on after it. */
  saved(): Json;
  /** The bytes that end the file or stream. */
  finish(): readonly Uint8Array[];
}

/**
 * Starts an Arrow file or stream, or goes on with one after what `saved` says of it.
 *
 * Nothing is compressed: what apache-arrow 21.2.0 compresses, polars refuses to read.
 */
export function arrowBytes(
  container: ArrowContainer,
  schema: Schema,
  saved: Json = null,
): ArrowBytes {
  const writer = container === "file" ? new FileBytes() : new StreamBytes();
  const state = writer as unknown as WriterState;
  writer.reset(undefined, schema);
  if (saved !== null) {
    writer.taken();
    restoreWriter(state, saved);
  }
  return {
    passed: (batch) => {
      noteWritten(state, batch);
    },
    saved: () => savedWriter(state),
    write: (batch) => {
      writer.write(batch);
      return writer.taken();
    },
    finish: () => {
      writer.finish();
      return writer.taken();
    },
  };
}

/** Arrow's two forms: with a footer that tells where batches stand, and without. */
export type ArrowContainer = "file" | "stream";

// The writers keep what they write in a queue that does not tell how full it is, and so would hold a
// whole file. What they write passes through this one method.
class StreamBytes extends arrow.RecordBatchStreamWriter {
  #parts: Uint8Array[] = [];

  taken(): readonly Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (chunk.byteLength > 0) this.#parts.push(bytesOf(chunk));
    this._position += chunk.byteLength;
    return this;
  }
}

class FileBytes extends arrow.RecordBatchFileWriter {
  #parts: Uint8Array[] = [];

  taken(): readonly Uint8Array[] {
    const parts = this.#parts;
    this.#parts = [];
    return parts;
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (chunk.byteLength > 0) this.#parts.push(bytesOf(chunk));
    this._position += chunk.byteLength;
    return this;
  }
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

arrow.compressionRegistry.set(arrow.CompressionType.ZSTD, {
  decode: (bytes) => decompressors.ZSTD(bytes),
});
arrow.compressionRegistry.set(arrow.CompressionType.LZ4_FRAME, { decode: lz4Frame });
