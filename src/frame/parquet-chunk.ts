/** Column chunks of new columns, made from their cells as these come. */

import type { NewCell } from "../core/column.ts";
import type { WriteCodec } from "./codecs.ts";
import { checkCells } from "./new-cells.ts";
import type { RawCell } from "./cell-type.ts";
import type { FileColumn, NewLeaf } from "./parquet-columns.ts";
import { newLeaves, pageCell } from "./parquet-columns.ts";
import { embeddingChunk } from "./parquet-embedding.ts";
import type { Chunk, ColumnEncoder } from "./parquet-encoder.ts";
import type { LeafValue, LeafValues } from "./parquet-encode.ts";
import { dataPage, dictionaryPage, leafValues } from "./parquet-encode.ts";
import { leafStatistics } from "./parquet-statistics.ts";

/** Rows on a page at most, and about as many characters of text. */
const pageRows = 8192;
const pageCharacters = 1024 * 1024;

/**
 * Starts the encoder of a column for one row group.
 *
 * @throws {InvariantError} `cells_type` from `add`, where a cell is not of the column's type.
 */
export function columnEncoder(column: FileColumn, codec: WriteCodec): ColumnEncoder {
  const [leaf] = newLeaves(column);
  if ("type" in column && column.type === "embedding" && leaf !== undefined)
    return embeddingChunk(column, leaf);
  const leaves = newLeaves(column).map((it) => leafChunk(it, codec));
  let pending: unknown[] = [];
  let characters = 0;
  const flush = (): void => {
    leaves.forEach((it) => {
      it.addPage(pending);
    });
    pending = [];
    characters = 0;
  };
  return {
    canStream: false,
    take: () => [],
    heldBytes: () => leaves.reduce((sum, it) => sum + it.heldBytes(), 0),
    add: (cells) => {
      if ("type" in column) checkCells(column, cells as readonly NewCell[]);
      for (const cell of cells) {
        pending.push(
          "type" in column
            ? pageCell(column.type, cell as NewCell)
            : column.pageCell(cell as RawCell),
        );
        characters += sizeOf(cell);
        if (pending.length >= pageRows || characters >= pageCharacters) flush();
      }
    },
    finish: () => {
      // A chunk without rows has an empty page all the same: not every reader takes one without any.
      if (pending.length > 0 || leaves.some((it) => it.isEmpty())) flush();
      return leaves.map((it) => it.finish());
    },
  };
}

function sizeOf(cell: unknown): number {
  if (typeof cell === "string" || cell instanceof Uint8Array) return cell.length;
  if (typeof cell !== "object" || cell === null) return 8;
  const inner: readonly unknown[] = Array.isArray(cell) ? cell : Object.values(cell);
  return inner.reduce<number>((sum, it) => sum + sizeOf(it), 8);
}

interface LeafEncoder {
  addPage(rows: readonly unknown[]): void;
  isEmpty(): boolean;
  heldBytes(): number;
  finish(): Chunk;
}

function leafChunk(leaf: NewLeaf, codec: WriteCodec): LeafEncoder {
  const target = { path: leaf.path, codec };
  const dictionary = leaf.isText ? growingDictionary() : null;
  const statistics = leafStatistics(leaf.type, leaf.isOrdered);
  const pages: Buffer[] = [];
  let valueCount = 0;
  let uncompressedBytes = 0;
  let heldBytes = 0;
  return {
    addPage: (rows) => {
      const values = leafValues(leaf.path, rows);
      const indexed = dictionary?.indexed(values) ?? null;
      const page =
        indexed === null
          ? dataPage(target, values, "PLAIN")
          : dataPage(target, indexed, "RLE_DICTIONARY");
      statistics.add(values);
      valueCount += values.values.length;
      uncompressedBytes += page.uncompressedBytes;
      heldBytes += page.bytes.length;
      pages.push(page.bytes);
    },
    isEmpty: () => pages.length === 0,
    heldBytes: () => heldBytes,
    finish: () => {
      const known = dictionary?.values() ?? [];
      const first = known.length === 0 ? null : dictionaryPage(target, known);
      const facts = {
        leaf,
        codec,
        hasDictionary: first !== null,
        valueCount,
        uncompressedBytes: uncompressedBytes + (first?.uncompressedBytes ?? 0),
        compressedBytes: heldBytes + (first?.bytes.length ?? 0),
        dictionaryBytes: first?.bytes.length ?? 0,
        statistics,
      };
      return { facts, bytes: first === null ? pages : [first.bytes, ...pages] };
    },
  };
}

/** A dictionary grows to this many characters; where most values are new it is given up before. */
const dictionaryCharacters = 256 * 1024;
const mostlyNew = 0.5;

interface GrowingDictionary {
  /** The same values as places in the dictionary; null for a page that is better written plainly. */
  indexed(leaf: LeafValues): LeafValues | null;
  values(): readonly string[];
}

function growingDictionary(): GrowingDictionary {
  const places = new Map<string, number>();
  let characters = 0;
  let isOpen = true;
  const placeOf = (value: string): number => {
    const known = places.get(value);
    if (known !== undefined) return known;
    const place = places.size;
    places.set(value, place);
    characters += value.length;
    return place;
  };
  return {
    indexed: (leaf) => {
      if (!isOpen) return null;
      const before = places.size;
      const isFew = distinctShare(leaf.values, places) <= mostlyNew;
      if (!isFew || characters > dictionaryCharacters) {
        isOpen = false;
        return null;
      }
      const values = leaf.values.map((value) =>
        typeof value === "string" ? placeOf(value) : null,
      );
      // A column of nothing but nulls needs no dictionary, and its page none of the indexes.
      if (before === 0 && places.size === 0) return null;
      return { ...leaf, values };
    },
    values: () => [...places.keys()],
  };
}

/** How many of the values are not in the dictionary and unlike one another, as a share of all. */
function distinctShare(values: readonly LeafValue[], known: ReadonlyMap<string, number>): number {
  const fresh = new Set<string>();
  let count = 0;
  for (const value of values) {
    if (typeof value !== "string") continue;
    count += 1;
    if (!known.has(value)) fresh.add(value);
  }
  return count === 0 ? 0 : fresh.size / count;
}
