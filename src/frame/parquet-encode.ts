/** Pages of new column chunks; the only file that loads hyparquet-writer. */

import type { SchemaElement, SchemaTree } from "hyparquet";
import { ByteWriter } from "hyparquet-writer";
import { writeDataPageV2 } from "hyparquet-writer/src/datapage.js";
import { writeDictionaryPage } from "hyparquet-writer/src/dictionary.js";
import { encodeNestedValues } from "hyparquet-writer/src/dremel.js";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import type { WriteCodec } from "./codecs.ts";
import { compressors } from "./codecs.ts";

/** A value of a leaf as it is written: `undefined` and null are missing. */
export type LeafValue = string | number | bigint | boolean | Uint8Array | null | undefined;

/** The values of one leaf with the levels that say where rows and lists begin and what is missing. */
export interface LeafValues {
  readonly values: readonly LeafValue[];
  readonly definitionLevels: readonly number[];
  readonly repetitionLevels: readonly number[];
  readonly maxDefinitionLevel: number;
}

/** The values of the leaf that `path` leads to, from rows whose structs have fields named by position. */
export function leafValues(path: readonly SchemaTree[], rows: readonly unknown[]): LeafValues {
  const { values, ...levels } = encodeNestedValues([...path], [...rows]);
  return { values: values as readonly LeafValue[], ...levels };
}

/** A page, header included. */
export interface EncodedPage {
  readonly bytes: Buffer;
  /** Its size before compression, header included. */
  readonly uncompressedBytes: number;
}

/** What a page is written for. */
export interface PageTarget {
  readonly path: readonly SchemaTree[];
  readonly codec: WriteCodec;
}

/** A data page; with `indexes` as values where a dictionary page goes before. */
export function dataPage(
  target: PageTarget,
  leaf: LeafValues,
  encoding: "PLAIN" | "RLE_DICTIONARY",
): EncodedPage {
  const writer = new ByteWriter();
  const pageData = {
    values: [...leaf.values],
    definitionLevels: [...leaf.definitionLevels],
    repetitionLevels: [...leaf.repetitionLevels],
    maxDefinitionLevel: leaf.maxDefinitionLevel,
  };
  const column = columnOf(target);
  const uncompressedBytes = writeDataPageV2({ writer, column, encoding, pageData });
  return { bytes: Buffer.from(writer.getBytes()), uncompressedBytes };
}

/** A dictionary page; a value's index is its place. */
export function dictionaryPage(target: PageTarget, values: readonly string[]): EncodedPage {
  const writer = new ByteWriter();
  const uncompressedBytes = writeDictionaryPage(writer, columnOf(target), [...values]);
  return { bytes: Buffer.from(writer.getBytes()), uncompressedBytes };
}

function columnOf({ path, codec }: PageTarget): Parameters<typeof writeDataPageV2>[0]["column"] {
  const elements: readonly SchemaElement[] = path.map(({ element }) => element);
  const element = elements.at(-1) ?? { name: "" };
  return {
    columnName: element.name,
    element,
    schemaPath: [...elements],
    codec,
    compressors: { ...compressors, SNAPPY: snappyCompress },
    stats: false,
    pageSize: 0,
    columnIndex: false,
    offsetIndex: false,
  };
}
