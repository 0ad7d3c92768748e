/** The rows of column chunks, page by page: never more of a chunk in memory than the page being read. */

import type { FileHandle } from "node:fs/promises";
import type { ColumnMetaData, DecodedArray } from "hyparquet";
import type { RawCell } from "./cell-type.ts";
import type { LeafDecoder } from "./parquet-decode.ts";
import { assembleRows, decodePage, leafDecoder, pageExtent } from "./parquet-decode.ts";
import { readRange } from "./parquet-footer.ts";
import type { ParquetColumn } from "./parquet-schema.ts";

/** Rows of one column that follow one another. */
export type Rows = ArrayLike<RawCell>;

/** Read at once; a page that is longer is read alone. */
const windowBytes = 1024 * 1024;

/**
 * The raw cells of a column within one row group, in pieces of any size.
 *
 * `chunks` are the chunks of the column's leaves. Throws an Error of no particular kind where the bytes
 * are damaged.
 */
export async function* columnRows(
  file: FileHandle,
  column: ParquetColumn,
  chunks: readonly ColumnMetaData[],
): AsyncGenerator<Rows> {
  const { toRaw, whenMissing } = column;
  const isFlat = column.tree.children.length === 0;
  const pieces = isFlat ? flatRows(file, column, chunks) : nestedRows(file, column, chunks);
  for await (const rows of pieces) {
    if (toRaw === null) yield rows as Rows;
    else {
      yield Array.from(rows as ArrayLike<unknown>, (value) =>
        value === null || value === undefined ? whenMissing : toRaw(value),
      );
    }
  }
}

async function* flatRows(
  file: FileHandle,
  { leaves }: ParquetColumn,
  [chunk]: readonly ColumnMetaData[],
): AsyncGenerator<DecodedArray> {
  const [path] = leaves;
  if (chunk === undefined || path === undefined) throw new Error("a column chunk is missing");
  yield* leafRows(file, chunk, leafDecoder(path, chunk.codec));
}

/** Rows of a column with several leaves: as many at a time as are at hand of every leaf. */
async function* nestedRows(
  file: FileHandle,
  column: ParquetColumn,
  chunks: readonly ColumnMetaData[],
): AsyncGenerator<DecodedArray> {
  const sources = column.leaves.map((path, at) => {
    const chunk = chunks[at];
    if (chunk === undefined) throw new Error("a column chunk is missing");
    const rows = leafRows(file, chunk, leafDecoder(path, chunk.codec));
    return { key: path.at(-1)?.path.join(".") ?? "", queue: rowQueue(rows) };
  });
  for (;;) {
    const ready = await Promise.all(sources.map(({ queue }) => queue.ready()));
    const count = Math.min(...ready);
    if (count === 0) {
      if (Math.max(...ready) > 0) throw new Error("the leaves of a column have unequal rows");
      return;
    }
    const leaves = sources.map(({ key, queue }) => [key, queue.take(count)] as const);
    yield assembleRows(column.tree, new Map(leaves));
  }
}

/** Rows that come in pieces, taken in pieces of another size. */
interface PieceQueue<Item> {
  /** How many rows can be taken now; 0 only at the end. */
  ready(): Promise<number>;
  /** The next rows; at most as many as `ready` said. */
  take(count: number): Item[];
}

/** Starts a {@link PieceQueue}; it holds the rest of one piece. */
export function rowQueue<Item>(pieces: AsyncGenerator<ArrayLike<Item>>): PieceQueue<Item> {
  let piece: ArrayLike<Item> = [];
  let at = 0;
  return {
    ready: async () => {
      while (at === piece.length) {
        const next = await pieces.next();
        if (next.done === true) return 0;
        piece = next.value;
        at = 0;
      }
      return piece.length - at;
    },
    take: (count) => {
      const end = at + count;
      const taken = Array.isArray(piece)
        ? (piece as Item[]).slice(at, end)
        : Array.from({ length: count }, (_, index) => piece[at + index] as Item);
      at = end;
      return taken;
    },
  };
}

/** The complete rows of one leaf, as decoded, a page's worth at a time. */
async function* leafRows(
  file: FileHandle,
  chunk: ColumnMetaData,
  leaf: LeafDecoder,
): AsyncGenerator<DecodedArray> {
  let dictionary: DecodedArray | undefined;
  let carried: readonly unknown[] = [];
  let left = Number(chunk.num_values);
  for await (const bytes of pagesOf(file, chunk)) {
    const page = decodePage(bytes, leaf, { dictionary, carried });
    if (page === null) continue;
    if (page.kind === "dictionary") {
      dictionary = page.values;
      continue;
    }
    left -= page.valueCount;
    // A row that can continue on the next page is held back until that one has been read.
    const isLast = left <= 0;
    const complete = leaf.isRepeated && !isLast ? page.rows.length - 1 : page.rows.length;
    carried = Array.from(page.rows.slice(Math.max(0, complete))) as unknown[];
    if (complete > 0)
      yield complete === page.rows.length ? page.rows : page.rows.slice(0, complete);
    if (isLast) return;
  }
  if (left > 0) throw new Error(`a column chunk lacks ${left} values`);
}

/** The pages of a chunk, header and body together. */
async function* pagesOf(file: FileHandle, chunk: ColumnMetaData): AsyncGenerator<Buffer> {
  const offsets = [chunk.dictionary_page_offset, chunk.data_page_offset];
  // Some writers say 0 for a dictionary they did not write.
  const start = Math.min(...offsets.map(Number).filter((offset) => offset > 0));
  const end = start + Number(chunk.total_compressed_size);
  let window: Buffer = Buffer.alloc(0);
  for (let at = start; at < end;) {
    const extent = pageExtent(window);
    const size = extent === null ? null : extent.headerBytes + extent.bodyBytes;
    if (size === null || size > window.length) {
      const wanted = Math.max(size ?? 0, size === null ? 2 * window.length : 0, windowBytes);
      const length = Math.min(wanted, end - at);
      if (length <= window.length) throw new Error("a page is longer than its column chunk");
      window = await readRange(file, at, length);
      if (window.length < length) throw new Error("a column chunk ends beyond the file");
      continue;
    }
    yield window.subarray(0, size);
    window = window.subarray(size);
    at += size;
  }
}
