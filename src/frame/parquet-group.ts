/** One row group's new column chunks, put to the end of the file that is being written. */

import type { WriteCodec } from "./codecs.ts";
import { codecNumbers } from "./codecs.ts";
import { columnEncoder } from "./parquet-chunk.ts";
import { typeNumber, type FileColumn } from "./parquet-columns.ts";
import type { Chunk, ChunkFacts, ColumnEncoder } from "./parquet-encoder.ts";
import { binary, i32, i64, listOf, nested, structOf } from "./thrift-fields.ts";
import type { ThriftStruct } from "./thrift.ts";
import { thriftType } from "./thrift.ts";

/** The end of a file being written. */
export interface Appender {
  append(bytes: Buffer): Promise<void>;
  /** Where the next byte will stand. */
  position(): number;
}

/** A row group's new chunks, as its metadata tells of them. */
export interface GroupChunks {
  readonly chunks: readonly ThriftStruct[];
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
}

/** The new columns of a row group while their cells come. */
export interface GroupEncoder {
  add(cells: readonly (readonly unknown[])[]): Promise<void>;
  /** Bytes that wait in memory for the group's end. */
  heldBytes(): number;
  finish(): Promise<GroupChunks>;
}

/**
 * Starts a row group.
 *
 * A chunk stands in one piece in the file, so pages wait in memory, compressed, until the group ends;
 * those of the first column that can be streamed, which is one of vectors, leave at once.
 */
export function groupEncoder(
  columns: readonly FileColumn[],
  file: Appender,
  codec: WriteCodec,
): GroupEncoder {
  const encoders = columns.map((column) => columnEncoder(column, codec));
  const streamed = encoders.findIndex(({ canStream }) => canStream);
  const start = file.position();
  return {
    heldBytes: () => encoders.reduce((sum, it) => sum + it.heldBytes(), 0),
    add: async (cells) => {
      for (const [at, encoder] of encoders.entries()) {
        encoder.add(cells[at] ?? []);
        if (at !== streamed) continue;
        for (const page of encoder.take()) await file.append(page);
      }
    },
    finish: async () => {
      const first = encoders[streamed];
      const written = first === undefined ? [] : await streamedChunks(first, start, file);
      const chunks: ThriftStruct[] = [];
      const sums = { uncompressedBytes: 0, compressedBytes: 0 };
      for (const [at, encoder] of encoders.entries()) {
        const own = at === streamed ? written : await writtenChunks(encoder.finish(), file);
        for (const { facts, position } of own) {
          chunks.push(chunkMetadata(facts, position));
          sums.uncompressedBytes += facts.uncompressedBytes;
          sums.compressedBytes += facts.compressedBytes;
        }
      }
      return { chunks, ...sums };
    },
  };
}

interface Written {
  readonly facts: ChunkFacts;
  readonly position: number;
}

/** The streamed column began where the group did, and no other chunk may come between its pages. */
async function streamedChunks(
  encoder: ColumnEncoder,
  position: number,
  file: Appender,
): Promise<readonly Written[]> {
  const written: Written[] = [];
  for (const { facts, bytes } of encoder.finish()) {
    for (const page of bytes) await file.append(page);
    written.push({ facts, position });
  }
  return written;
}

async function writtenChunks(
  chunks: readonly Chunk[],
  file: Appender,
): Promise<readonly Written[]> {
  const written: Written[] = [];
  for (const { facts, bytes } of chunks) {
    const position = file.position();
    for (const page of bytes) await file.append(page);
    written.push({ facts, position });
  }
  return written;
}

const encodings = { plain: 0n, rle: 3n, dictionary: 8n } as const;

/** A ColumnChunk of parquet.thrift. */
function chunkMetadata(facts: ChunkFacts, position: number): ThriftStruct {
  const { leaf, statistics } = facts;
  const bounds = statistics.bounds();
  const used = [
    encodings.plain,
    encodings.rle,
    ...(facts.hasDictionary ? [encodings.dictionary] : []),
  ];
  const names = leaf.names.map((name) => Buffer.from(name));
  return structOf({
    2: i64(position),
    3: nested({
      1: i32(leaf.typeNumber ?? typeNumber(leaf.type)),
      2: listOf(thriftType.i32, used),
      3: listOf(thriftType.binary, names),
      4: i32(codecNumbers[facts.codec]),
      5: i64(facts.valueCount),
      6: i64(facts.uncompressedBytes),
      7: i64(facts.compressedBytes),
      9: i64(position + facts.dictionaryBytes),
      11: facts.hasDictionary ? i64(position) : null,
      12: nested({
        3: i64(statistics.nullCount()),
        5: bounds === null ? null : binary(bounds.greatest),
        6: bounds === null ? null : binary(bounds.least),
      }),
    }),
  });
}
