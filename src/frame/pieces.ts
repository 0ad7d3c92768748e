/** A frame whose long texts are several rows each, so that every piece of them is asked about. */

import type { Cell } from "../core/column.ts";
import { piecesOf } from "../core/cut.ts";
import { contentHash } from "../core/hash.ts";
import type { PlannedSkip } from "../core/result.ts";
import type { Block, Frame } from "./frame.ts";

/** How a frame is cut into pieces. */
export interface PiecesOptions {
  /** The columns whose texts go into the prompt; the longest text of a row is the one that is cut. */
  readonly columns: readonly string[];
  /** The most characters of a piece. */
  readonly maxChars: number;
  /** Rows of the base frame past this many are not asked; null asks all. */
  readonly limit: number | null;
}

/** A frame of pieces. */
export interface PiecesFrame extends Frame {
  /** How many pieces each row of the base frame has, from `firstRow` on, in blocks; the same at every reading. */
  counts(firstRow?: number): AsyncIterable<Uint32Array>;
}

const ROWS_PER_BLOCK = 1000;

/**
 * The base frame with a row for each piece of a row's longest text; every other cell is repeated.
 *
 * A block holds whole rows of the base frame, so one of a very long text may hold more than `maxRows`.
 */
export function piecesFrame(base: Frame, options: PiecesOptions): PiecesFrame {
  return {
    name: base.name,
    columns: base.columns,
    blocks: async function* (columns, maxRows) {
      let firstRow = 0;
      for await (const cut of cutBlocks(base, { ...options, read: columns, maxRows })) {
        yield blockOf(cut, firstRow);
        firstRow += cut.rows.length;
      }
    },
    fingerprint: async () => {
      const print = await base.fingerprint();
      const { maxChars, limit } = options;
      return print === null ? null : contentHash(JSON.stringify([print, maxChars, limit]));
    },
    counts: async function* (firstRow = 0) {
      const { columns } = options;
      const reading = { ...options, read: columns, maxRows: ROWS_PER_BLOCK, firstRow };
      for await (const { counts, block } of cutBlocks(base, reading)) {
        const before = Math.max(0, firstRow - block.firstRow);
        if (before < counts.length) yield counts.subarray(before);
      }
    },
  };
}

interface Cut {
  readonly block: Block;
  /** The row within the block that each piece belongs to. */
  readonly rows: readonly number[];
  /** The column that is cut in each row, and the piece; null where nothing is. */
  readonly pieces: readonly ({ readonly column: string; readonly text: string } | null)[];
  readonly counts: Uint32Array;
  readonly withheld: readonly (PlannedSkip | null)[];
}

interface Reading extends PiecesOptions {
  readonly read: readonly string[];
  readonly maxRows: number;
  /** Blocks that end before this row may be left out. */
  readonly firstRow?: number;
}

async function* cutBlocks(base: Frame, reading: Reading): AsyncGenerator<Cut> {
  const { columns, maxChars, limit, read, maxRows, firstRow } = reading;
  const needed = [...new Set([...read, ...columns])];
  for await (const block of base.blocks(needed, maxRows, firstRow)) {
    if (block.firstRow + block.rowCount <= (firstRow ?? 0)) continue;
    const texts = columns.map((column) => [column, block.text(column)] as const);
    const rows: number[] = [];
    const pieces: Cut["pieces"][number][] = [];
    const withheld: (PlannedSkip | null)[] = [];
    const counts = new Uint32Array(block.rowCount);
    for (let row = 0; row < block.rowCount; row++) {
      const isPastLimit = limit !== null && block.firstRow + row >= limit;
      const why = isPastLimit ? "limit" : (block.withheld?.(row) ?? null);
      const [column, text] = longest(texts, row);
      const cut = why !== null || text.length <= maxChars ? [] : piecesOf(text, maxChars);
      counts[row] = Math.max(1, cut.length);
      for (let at = 0; at < Math.max(1, cut.length); at++) {
        const piece = cut.length < 2 ? undefined : cut[at];
        rows.push(row);
        pieces.push(piece === undefined ? null : { column, text: piece });
        withheld.push(why);
      }
    }
    yield { block, rows, pieces, counts, withheld };
  }
}

function longest(
  texts: readonly (readonly [string, readonly (string | null)[]])[],
  row: number,
): readonly [column: string, text: string] {
  let found: readonly [string, string] = ["", ""];
  for (const [column, cells] of texts) {
    const text = cells[row] ?? "";
    if (text.length > found[1].length) found = [column, text];
  }
  return found;
}

function blockOf({ block, rows, pieces, withheld }: Cut, firstRow: number): Block {
  const spread = <T>(column: string, cells: readonly T[], piece: (text: string) => T): T[] =>
    rows.map((row, at) => {
      const cut = pieces[at];
      return cut?.column === column ? piece(cut.text) : (cells[row] as T);
    });
  return {
    firstRow,
    rowCount: rows.length,
    text: (column) => spread<string | null>(column, block.text(column), (text) => text),
    values: (column) => spread<Cell>(column, block.values(column), (text) => text),
    withheld: (row) => withheld[row] ?? null,
  };
}
