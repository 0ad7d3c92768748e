/**
 * Column chunks of vectors: their floats are copied as they are.
 *
 * The general way takes several lists of numbers for each float of each vector, which for vectors of a
 * thousand floats is most of the memory and the time of a run. A vector's levels are two runs.
 */

import type { NewCell, NewColumn } from "../core/column.ts";
import { checkCells } from "./new-cells.ts";
import type { ColumnEncoder } from "./parquet-encoder.ts";
import type { NewLeaf } from "./parquet-columns.ts";
import { leafStatistics } from "./parquet-statistics.ts";
import { i32, nested, structOf } from "./thrift-fields.ts";
import { thriftType, writeThrift } from "./thrift.ts";

const pageBytes = 1024 * 1024;
const dataPageV2 = 3;
const plainEncoding = 0;

/** Definition levels: how much of list, entry and float there is. */
const missing = 0;
const emptyList = 1;
const present = 3;

/** Starts the encoder of a column of vectors for one row group; its pages can be taken as they come. */
export function embeddingChunk(column: NewColumn, leaf: NewLeaf): ColumnEncoder {
  const statistics = leafStatistics("FLOAT");
  let pages: Buffer[] = [];
  let vectors: (Float32Array | null)[] = [];
  let floats = 0;
  let valueCount = 0;
  let bytes = 0;
  let heldBytes = 0;
  const flush = (): void => {
    const page = vectorPage(vectors);
    pages.push(...page.bytes);
    valueCount += page.valueCount;
    statistics.add({
      values: vectors.filter((it) => it === null || it.length === 0).map(() => null),
    });
    const size = page.bytes.reduce((sum, { length }) => sum + length, 0);
    bytes += size;
    heldBytes += size;
    vectors = [];
    floats = 0;
  };
  const take = (): readonly Buffer[] => {
    const taken = pages;
    pages = [];
    heldBytes = 0;
    return taken;
  };
  return {
    canStream: true,
    take,
    heldBytes: () => heldBytes,
    add: (cells: readonly NewCell[]) => {
      checkCells(column, cells);
      for (const cell of cells) {
        const vector = cell instanceof Float32Array ? cell : null;
        vectors.push(vector);
        floats += vector?.length ?? 1;
        if (4 * floats >= pageBytes) flush();
      }
    },
    finish: () => {
      if (vectors.length > 0 || bytes === 0) flush();
      const facts = {
        leaf,
        codec: "UNCOMPRESSED" as const,
        hasDictionary: false,
        valueCount,
        uncompressedBytes: bytes,
        compressedBytes: bytes,
        dictionaryBytes: 0,
        statistics,
      };
      return [{ facts, bytes: take() }];
    },
  };
}

function vectorPage(vectors: readonly (Float32Array | null)[]): {
  readonly bytes: readonly Buffer[];
  readonly valueCount: number;
} {
  const repetition = runs();
  const definition = runs();
  let nulls = 0;
  for (const vector of vectors) {
    const length = vector?.length ?? 0;
    repetition.add(0, 1);
    if (length === 0) nulls += 1;
    else repetition.add(1, length - 1);
    definition.add(
      vector === null ? missing : length === 0 ? emptyList : present,
      Math.max(length, 1),
    );
  }
  const repetitionBytes = repetition.bytes();
  const definitionBytes = definition.bytes();
  // Parquet stores floats with the lowest byte first, as do all machines Node runs on.
  const values = vectors.flatMap((it) =>
    it === null ? [] : [Buffer.from(it.buffer, it.byteOffset, it.byteLength)],
  );
  const body = Buffer.concat([repetitionBytes, definitionBytes, ...values]);
  const valueCount = definition.count();
  const header = writeThrift(
    structOf({
      1: i32(dataPageV2),
      2: i32(body.length),
      3: i32(body.length),
      8: nested({
        1: i32(valueCount),
        2: i32(nulls),
        3: i32(vectors.length),
        4: i32(plainEncoding),
        5: i32(definitionBytes.length),
        6: i32(repetitionBytes.length),
        7: { type: thriftType.isFalse, value: false },
      }),
    }),
  );
  return { bytes: [Buffer.from(header), body], valueCount };
}

interface Runs {
  add(level: number, count: number): void;
  /** Levels in all. */
  count(): number;
  bytes(): Buffer;
}

/** Levels as runs: twice the length as a varint, then the level in one byte. */
function runs(): Runs {
  const bytes: number[] = [];
  let total = 0;
  let last = 0;
  let length = 0;
  const close = (): void => {
    let rest = length * 2;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
    if (length > 0) bytes.push(rest, last);
    length = 0;
  };
  return {
    add: (level, count) => {
      if (count === 0) return;
      if (level !== last) close();
      last = level;
      length += count;
      total += count;
    },
    count: () => total,
    bytes: () => {
      close();
      return Buffer.from(bytes);
    },
  };
}
