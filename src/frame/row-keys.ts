/** Keys of rows, read from their frame: looked through, found, and named. */

import { dedupeIndex } from "../core/dedupe.ts";
import { rollingHash, writeContentHash } from "../core/hash.ts";
import type { KeyCheck, RepeatedKey } from "../core/row-key.ts";
import type { Frame } from "./frame.ts";

/** The cells of a key, in the order of its columns; null where one is missing. */
export type KeyCells = readonly (string | null)[];

const ROWS_PER_BLOCK = 1000;
const HASH_BYTES = 16;
const MOST_EXAMPLES = 3;

/** The keys of the rows from `firstRow` on, in blocks. */
async function* keyBlocks(
  frame: Frame,
  columns: readonly string[],
  firstRow = 0,
): AsyncGenerator<{ readonly firstRow: number; readonly keys: readonly KeyCells[] }> {
  for await (const block of frame.blocks(columns, ROWS_PER_BLOCK, firstRow)) {
    const texts = columns.map((name) => block.text(name));
    const keys = Array.from({ length: block.rowCount }, (_, row) =>
      texts.map((cells) => cells[row] ?? null),
    );
    yield { firstRow: block.firstRow, keys };
  }
}

/**
 * Looks through the keys of all rows. Reads the frame once, and once more as far as the second row of a
 * key where there are such; holds some twenty bytes for each key.
 */
export async function checkedKeys(frame: Frame, columns: readonly string[]): Promise<KeyCheck> {
  const index = dedupeIndex();
  const id = new Uint8Array(HASH_BYTES);
  const view = new DataView(id.buffer);
  const all = rollingHash();
  const again = new Map<string, number>();
  let [repeated, missing] = [0, 0];
  let firstMissing: number | null = null;
  for await (const { firstRow, keys } of keyBlocks(frame, columns))
    for (const [at, cells] of keys.entries()) {
      const text = JSON.stringify(cells);
      all.add(text);
      if (cells.includes(null)) {
        missing += 1;
        firstMissing ??= firstRow + at;
        continue;
      }
      writeContentHash(Buffer.from(text), id, 0);
      if (index.findOrAdd(view, 0) === null) continue;
      repeated += 1;
      if (again.size < MOST_EXAMPLES && !again.has(text)) again.set(text, firstRow + at);
    }
  const examples = await firstRowsOf(again, frame, columns);
  return { columns, repeated, missing, firstMissing, examples, digest: all.digest() };
}

/** The first rows of keys of which the second ones are known. */
async function firstRowsOf(
  again: ReadonlyMap<string, number>,
  frame: Frame,
  columns: readonly string[],
): Promise<readonly RepeatedKey[]> {
  const found = new Map<string, RepeatedKey>();
  if (again.size === 0) return [];
  for await (const { firstRow, keys } of keyBlocks(frame, columns)) {
    for (const [at, cells] of keys.entries()) {
      const text = JSON.stringify(cells);
      const second = again.get(text);
      if (second === undefined || found.has(text)) continue;
      found.set(text, { cells: cells as readonly string[], rows: [firstRow + at, second] });
    }
    if (found.size === again.size) break;
  }
  return [...found.values()];
}

/** The hash of all keys in their order, as {@link checkedKeys} gives it. */
export async function keyDigest(frame: Frame, columns: readonly string[]): Promise<string> {
  const all = rollingHash();
  for await (const { keys } of keyBlocks(frame, columns))
    for (const cells of keys) all.add(JSON.stringify(cells));
  return all.digest();
}

/** The first row with a key, counted from 0, and how many have it; null where none has. */
export async function rowsWithKey(
  frame: Frame,
  columns: readonly string[],
  sought: KeyCells,
): Promise<{ readonly row: number; readonly count: number } | null> {
  const text = JSON.stringify(sought);
  let first: number | null = null;
  let count = 0;
  for await (const { firstRow, keys } of keyBlocks(frame, columns))
    for (const [at, cells] of keys.entries())
      if (JSON.stringify(cells) === text) {
        first ??= firstRow + at;
        count += 1;
      }
  return first === null ? null : { row: first, count };
}

/** Gives each of some rows its key. Rows in order are read once; one before the last begins the reading anew. */
export async function* withKeys<R extends { readonly row: number }>(
  rows: AsyncIterable<R>,
  frame: Frame,
  columns: readonly string[],
): AsyncGenerator<R & { readonly key: KeyCells | null }> {
  let blocks: ReturnType<typeof keyBlocks> | null = null;
  let [start, keys]: [number, readonly KeyCells[]] = [0, []];
  try {
    for await (const one of rows) {
      if (blocks === null || one.row < start) {
        await blocks?.return(undefined);
        blocks = keyBlocks(frame, columns, one.row);
        [start, keys] = [0, []];
      }
      while (one.row >= start + keys.length) {
        const next = await blocks.next();
        if (next.done === true) break;
        [start, keys] = [next.value.firstRow, next.value.keys];
      }
      yield { ...one, key: keys[one.row - start] ?? null };
    }
  } finally {
    await blocks?.return(undefined);
  }
}
