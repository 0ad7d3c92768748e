/** The compression codecs of Parquet and Arrow files. */

import { brotliDecompressSync, gunzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { lz4Block, lz4Hadoop } from "./lz4.ts";

/** Decompresses bytes whose decompressed length is known. */
export type Decompress = (input: Uint8Array, length: number) => Uint8Array;

/** How pages are decompressed, by Parquet's names for codecs; SNAPPY and UNCOMPRESSED need nothing here. */
export const decompressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => zstdDecompressSync(input),
  LZ4: lz4Hadoop,
  LZ4_RAW: lz4Block,
} as const satisfies Readonly<Record<string, Decompress>>;

/** The codecs new column chunks are written in, and their numbers in a Parquet file. */
export const codecNumbers = { UNCOMPRESSED: 0, SNAPPY: 1, ZSTD: 6 } as const;

/** A codec new column chunks can be written in. */
export type WriteCodec = keyof typeof codecNumbers;

/** How pages are compressed by Node itself; SNAPPY is compressed by the page writer. */
export const compressors = {
  ZSTD: (input: Uint8Array): Uint8Array => zstdCompressSync(input),
} as const;
