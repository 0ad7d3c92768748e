/** A frame with the answers of earlier steps as further columns, so that a later template may name them. */

import type { Cell, NewCell, NewCells, NewColumn } from "../core/column.ts";
import type { Block, Frame } from "./frame.ts";
import { rowQueue, type RowQueue } from "./new-columns.ts";

/** The columns one step has added, readable as often as needed. */
export interface Answers {
  readonly columns: readonly NewColumn[];
  /** The name of its status column; rows in which that says `failed`, or were kept back before, are kept back here. */
  readonly status: string;
  cells(): AsyncIterable<NewCells>;
}

/**
 * The base frame with the columns of `steps` after its own, in the place of those that have their names.
 *
 * A row that failed one of the steps is `withheld`: it has nothing to be asked about. Every read goes
 * through the answers anew, block by block; the fingerprint is null, since the answers decide what the
 * rows say.
 */
export function frameWithAnswers(base: Frame, steps: readonly Answers[]): Frame {
  const added = steps.flatMap(({ columns }) => columns.map(({ name }) => name));
  return {
    name: base.name,
    columns: [...base.columns.filter((name) => !added.includes(name)), ...added],
    blocks: (columns, maxRows) => blocks({ base, steps, columns, maxRows }),
    fingerprint: () => Promise.resolve(null),
    bare: base,
  };
}

interface Reading {
  readonly base: Frame;
  readonly steps: readonly Answers[];
  readonly columns: readonly string[];
  readonly maxRows: number;
}

async function* blocks({ base, steps, columns, maxRows }: Reading): AsyncGenerator<Block> {
  const queues = steps.map((step) => rowQueue(step.cells(), step.columns.length));
  const own = columns.filter((name) => base.columns.includes(name));
  try {
    for await (const block of base.blocks(own, maxRows)) {
      const taken = new Map<string, NewCell[]>();
      const withheld = new Uint8Array(block.rowCount);
      for (const [at, step] of steps.entries())
        await take(step, queues[at], { block, taken, withheld });
      yield {
        firstRow: block.firstRow,
        rowCount: block.rowCount,
        text: (name) => taken.get(name)?.map(textOf) ?? block.text(name),
        values: (name) => taken.get(name)?.map(valueOf) ?? block.values(name),
        withheld: (row) => block.withheld?.(row) ?? (withheld[row] === 1 ? "step" : null),
      };
    }
  } finally {
    for (const queue of queues) await queue.close();
  }
}

async function take(
  { columns, status }: Answers,
  queue: RowQueue | undefined,
  {
    block,
    taken,
    withheld,
  }: {
    readonly block: Block;
    readonly taken: Map<string, NewCell[]>;
    readonly withheld: Uint8Array;
  },
): Promise<void> {
  await queue?.fill(block.rowCount);
  const arrays = columns.map(({ name }) => {
    const cells: NewCell[] = [];
    taken.set(name, cells);
    return cells;
  });
  const statusAt = columns.findIndex(({ name }) => name === status);
  const errorAt = columns.findIndex(({ name }) => name === status.replace(/_status$/, "_error"));
  for (let row = 0; row < block.rowCount; row++) {
    const cells = queue?.take() ?? [];
    arrays.forEach((array, at) => array.push(cells[at] ?? null));
    // A row that was itself kept back carries the code `skipped`.
    if (cells[statusAt] === "failed" || cells[errorAt] === "skipped") withheld[row] = 1;
  }
}

function textOf(cell: NewCell): string | null {
  if (cell === null || typeof cell === "string") return cell;
  if (typeof cell === "object") return JSON.stringify(valueOf(cell));
  return String(cell);
}

function valueOf(cell: NewCell): Cell {
  if (cell === null || typeof cell !== "object") return cell;
  if (cell instanceof Float32Array) return Array.from(cell);
  if (isList(cell)) return cell.map(valueOf);
  return Object.fromEntries(Object.entries(cell).map(([field, value]) => [field, valueOf(value)]));
}

function isList(cell: object): cell is readonly NewCell[] {
  return Array.isArray(cell);
}
