/** What an encoder of a new column takes and gives, whatever the column's type. */

import type { WriteCodec } from "./codecs.ts";
import type { NewLeaf } from "./parquet-columns.ts";
import type { LeafStatistics } from "./parquet-statistics.ts";

/** What a file's metadata tells of a chunk, but for where it stands. */
export interface ChunkFacts {
  readonly leaf: NewLeaf;
  readonly codec: WriteCodec;
  readonly hasDictionary: boolean;
  /** Values and missing ones. */
  readonly valueCount: number;
  readonly uncompressedBytes: number;
  readonly compressedBytes: number;
  /** The dictionary page at the chunk's start; 0 where there is none. */
  readonly dictionaryBytes: number;
  readonly statistics: LeafStatistics;
}

/** A finished chunk; `bytes` are those not taken before. */
export interface Chunk {
  readonly facts: ChunkFacts;
  readonly bytes: readonly Buffer[];
}

/** One new column of one row group while its cells come. */
export interface ColumnEncoder {
  /** Takes the cells of the next rows, each of the column's type. */
  add(cells: readonly unknown[]): void;
  /** True where finished pages may leave before the chunk is finished. */
  readonly canStream: boolean;
  /** The pages finished since the last call, in order; asked only where `canStream`. */
  take(): readonly Buffer[];
  /** Bytes of pages that are held, to know how much memory is in use. */
  heldBytes(): number;
  /** The chunks of the column's leaves. */
  finish(): readonly Chunk[];
}
