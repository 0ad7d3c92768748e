/** A frame of only some rows of another. */

import type { Block, Frame } from "./frame.ts";

/** The rows of `base` at these positions, in their order, as the rows of a frame; its fingerprint is null. */
export function pickedFrame(base: Frame, positions: readonly number[]): Frame {
  return {
    name: base.name,
    columns: base.columns,
    blocks: (columns, maxRows) => pickedBlocks({ base, positions, columns, maxRows }),
    fingerprint: () => Promise.resolve(null),
  };
}

interface Picking {
  readonly base: Frame;
  readonly positions: readonly number[];
  readonly columns: readonly string[];
  readonly maxRows: number;
}

async function* pickedBlocks({
  base,
  positions,
  columns,
  maxRows,
}: Picking): AsyncGenerator<Block> {
  let firstRow = 0;
  for await (const block of base.blocks(columns, maxRows)) {
    const end = block.firstRow + block.rowCount;
    const rows: number[] = [];
    for (let next = firstRow; (positions[next] ?? end) < end; next++)
      rows.push((positions[next] ?? end) - block.firstRow);
    if (rows.length > 0) yield onlyThese(block, rows, firstRow);
    firstRow += rows.length;
    if (firstRow >= positions.length) return;
  }
}

function onlyThese(block: Block, rows: readonly number[], firstRow: number): Block {
  return {
    firstRow,
    rowCount: rows.length,
    text: (column) => {
      const cells = block.text(column);
      return rows.map((row) => cells[row] ?? null);
    },
    values: (column) => {
      const cells = block.values(column);
      return rows.map((row) => cells[row] ?? null);
    },
    withheld: (row) => block.withheld?.(rows[row] ?? 0) ?? null,
  };
}
