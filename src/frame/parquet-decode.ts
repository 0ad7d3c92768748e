/** Parquet's metadata and pages decoded; the only file that loads hyparquet. */

import { parquetMetadata, snappyUncompress } from "hyparquet";
import type { CompressionCodec, DecodedArray, FileMetaData, SchemaTree } from "hyparquet";
import { assembleNested } from "hyparquet/src/assemble.js";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert } from "hyparquet/src/convert.js";
import { getMaxRepetitionLevel } from "hyparquet/src/schema.js";
import { decompressors } from "./codecs.ts";
import { strictText } from "./strict-utf8.ts";

/**
 * The metadata in a footer; the bytes are those of the footer with its length and `PAR1` after it.
 *
 * Throws an Error of no particular kind where the bytes are damaged.
 */
export function decodeMetadata(footer: Uint8Array): FileMetaData {
  // Statistics of a column of bytes are no text.
  const statistics = { ...parsers, stringFromBytes: (bytes: Uint8Array) => bytes };
  return parquetMetadata(footer, { parsers: statistics, geoparquet: false });
}

/** How one leaf column's pages are decoded: `path` leads from the schema's root to the leaf. */
export interface LeafDecoder {
  readonly path: readonly SchemaTree[];
  readonly codec: CompressionCodec;
  /** True where a row can have several values, and so continue on the next page. */
  readonly isRepeated: boolean;
}

/** The decoder of a leaf for chunks of one codec. */
export function leafDecoder(path: readonly SchemaTree[], codec: CompressionCodec): LeafDecoder {
  return { path, codec, isRepeated: getMaxRepetitionLevel([...path]) > 0 };
}

/** The values of a dictionary, or the rows of a data page; null for a page of neither. */
export type Page =
  | { readonly kind: "dictionary"; readonly values: DecodedArray }
  | { readonly kind: "data"; readonly rows: DecodedArray; readonly valueCount: number }
  | null;

/** Where a page's header and body stand: sizes in bytes, the header's measured by reading it. */
export interface PageExtent {
  readonly headerBytes: number;
  readonly bodyBytes: number;
}

/** The extent of the page that begins the bytes; null where they end inside its header. */
export function pageExtent(bytes: Uint8Array): PageExtent | null {
  const reader = readerOf(bytes);
  try {
    const { compressed_page_size: bodyBytes } = parquetHeader(reader);
    return { headerBytes: reader.offset, bodyBytes };
  } catch {
    return null;
  }
}

/**
 * Decodes one whole page.
 *
 * `carried` is the last row of the page before where rows can continue; the rows given back then begin
 * with it, continued or not. Nested values are arrays; text is decoded, all else as stored.
 */
export function decodePage(
  bytes: Uint8Array,
  leaf: LeafDecoder,
  state: { readonly dictionary: DecodedArray | undefined; readonly carried: readonly unknown[] },
): Page {
  const reader = readerOf(bytes);
  const header = parquetHeader(reader);
  const decoder = decoderOf(leaf);
  if (header.type === "DICTIONARY_PAGE") {
    const { data } = readPage(reader, header, decoder, undefined, undefined, 0);
    return { kind: "dictionary", values: convert(data ?? [], decoder) };
  }
  const valueCount = (header.data_page_header ?? header.data_page_header_v2)?.num_values;
  if (valueCount === undefined) return null;
  const carried = [...state.carried];
  // An empty page would decode to one empty row.
  if (valueCount === 0) return { kind: "data", rows: carried, valueCount };
  const previous = leaf.isRepeated ? carried : undefined;
  const { data } = readPage(reader, header, decoder, state.dictionary, previous, 0);
  return { kind: "data", rows: data ?? [], valueCount };
}

/** The rows of a nested column, put together from the rows of its leaves by their paths. */
export function assembleRows(
  column: SchemaTree,
  leaves: ReadonlyMap<string, DecodedArray>,
): DecodedArray {
  const data = new Map(leaves);
  assembleNested(data, column, parsers);
  return data.get(column.path.join(".")) ?? [];
}

function readerOf(bytes: Uint8Array): { view: DataView; offset: number } {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}

function decoderOf({ path, codec }: LeafDecoder): Parameters<typeof readPage>[2] {
  const leaf = path.at(-1);
  const type = leaf?.element.type;
  if (leaf === undefined || type === undefined) throw new Error("a leaf column has no type");
  return {
    pathInSchema: leaf.path,
    type,
    element: leaf.element,
    schemaPath: [...path],
    codec,
    parsers,
    compressors: { ...decompressors, SNAPPY: uncompressSnappy },
    utf8: false,
  };
}

function uncompressSnappy(input: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  // Some writers leave out the bytes of an empty page altogether.
  if (length > 0) snappyUncompress(input, output);
  return output;
}

/** Nothing is turned into a Date or a float on the way: those would be rounded. */
const parsers: Parameters<typeof readPage>[2]["parsers"] = {
  timestampFromMilliseconds: (count) => count,
  timestampFromMicroseconds: (count) => count,
  timestampFromNanoseconds: (count) => count,
  dateFromDays: (days) => days,
  stringFromBytes: strictText,
  jsonFromBytes: (bytes) => bytes,
  geometryFromBytes: (bytes) => bytes,
  geographyFromBytes: (bytes) => bytes,
  uuidFromBytes: (bytes) => bytes,
};
