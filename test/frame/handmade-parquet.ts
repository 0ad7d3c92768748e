/** Parquet files made byte by byte, for what no writer at hand writes any more, or ever should. */

import {
  binary,
  i32,
  i64,
  listOf,
  nested,
  structList,
  structOf,
} from "../../src/frame/thrift-fields.ts";
import type { Parts } from "../../src/frame/thrift-fields.ts";
import type { ThriftStruct } from "../../src/frame/thrift.ts";
import { thriftType, writeThrift } from "../../src/frame/thrift.ts";

/** An element of a schema: its name and the fields of parquet.thrift beside it. */
export function element(name: string, parts: Parts): ThriftStruct {
  return structOf({ 4: binary(name), ...parts });
}

/** A chunk of one page: what stands on it, and where in the schema. */
export interface HandmadeChunk {
  readonly path: readonly string[];
  readonly type: number;
  readonly valueCount: number;
  /** Levels and values of a version 1 page, PLAIN and uncompressed; null for a chunk without pages. */
  readonly body: Buffer | null;
  /** Pages before that one. */
  readonly before?: readonly { readonly valueCount: number; readonly body: Buffer }[];
  /** More fields of its ColumnChunk. */
  readonly extra?: Parts;
}

/** A row group. */
export interface HandmadeGroup {
  readonly rowCount: number;
  readonly chunks: readonly HandmadeChunk[];
}

/** Levels as one run each: the level and how often it comes. */
export function levels(...runs: readonly (readonly [level: number, count: number])[]): Buffer {
  const body = Buffer.from(runs.flatMap(([level, count]) => [count << 1, level]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

/** The file. `extra` are more fields of its metadata. */
export function handmadeParquet(
  schema: readonly ThriftStruct[],
  groups: readonly HandmadeGroup[],
  extra: Parts = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from("PAR1")];
  let position = 4;
  const add = (bytes: Buffer): void => {
    parts.push(bytes);
    position += bytes.length;
  };
  const chunkOf = (chunk: HandmadeChunk): ThriftStruct => {
    const start = position;
    const last = chunk.body === null ? [] : [{ valueCount: chunk.valueCount, body: chunk.body }];
    const pages = [...(chunk.before ?? []), ...last];
    for (const { valueCount, body } of pages) {
      add(Buffer.from(pageHeader(valueCount, body.length)));
      add(body);
    }
    const names = chunk.path.map((name) => Buffer.from(name));
    return structOf({
      2: i64(start),
      3: nested({
        1: i32(chunk.type),
        2: listOf(thriftType.i32, [0n, 3n]),
        3: listOf(thriftType.binary, names),
        4: i32(0),
        5: i64(pages.reduce((sum, { valueCount }) => sum + valueCount, 0)),
        6: i64(position - start),
        7: i64(position - start),
        9: i64(start),
      }),
      ...chunk.extra,
    });
  };
  const rowGroups = groups.map(({ rowCount, chunks }) =>
    structOf({ 1: structList(chunks.map(chunkOf)), 2: i64(0), 3: i64(rowCount) }),
  );
  const rowCount = groups.reduce((sum, group) => sum + group.rowCount, 0);
  const metadata = structOf({
    1: i32(1),
    2: structList(schema),
    3: i64(rowCount),
    4: structList(rowGroups),
    ...extra,
  });
  const footer = writeThrift(metadata);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([...parts, footer, length, Buffer.from("PAR1")]);
}

function pageHeader(valueCount: number, bytes: number): Buffer {
  return writeThrift(
    structOf({
      1: i32(0),
      2: i32(bytes),
      3: i32(bytes),
      5: nested({ 1: i32(valueCount), 2: i32(0), 3: i32(3), 4: i32(3) }),
    }),
  );
}

/** 32-bit integers as PLAIN values. */
export function int32s(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, at) => bytes.writeInt32LE(value, 4 * at));
  return bytes;
}
