/** What rows have already of the columns that a run would add: which of them are answered, and their cells as new ones. */

import type { Cell, NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import type { Block, Frame } from "./frame.ts";
import { rowQueue } from "./new-columns.ts";
import { isFilledCell, oldCell } from "./old-cell.ts";

/** The columns of a frame that new ones have the names of. */
export interface OldAnswers {
  readonly frame: Frame;
  /** `skip`: rows that are answered are not asked · `overwrite`: they are, where they are chosen. */
  readonly existing: "skip" | "overwrite";
  /** Each with the type that the new one has. */
  readonly columns: readonly NewColumn[];
  /** Those that hold what was answered. */
  readonly answers: ReadonlySet<string>;
  /** The name of the column that says what became of each row, whether the frame has it or not. */
  readonly status: string;
}

/**
 * The same rows, of which with `skip` those that are answered already are withheld as `kept`: a row is when any of its
 * answer's cells holds something, and its status does not say that it failed.
 *
 * Blocks throw `column_type` at the first cell that cannot be one of the new column's type: a run that goes on
 * to its end can keep them all.
 */
export function keepableRows(old: OldAnswers): Frame {
  const { frame: base, columns: own, existing } = old;
  const names = own.map(({ name }) => name);
  return {
    name: base.name,
    columns: base.columns,
    fingerprint: () => base.fingerprint(),
    ...(base.types === undefined ? {} : { types: async () => (await base.types?.()) ?? [] }),
    blocks: async function* (columns, maxRows, firstRow) {
      const read = [...new Set([...columns, ...names])];
      for await (const block of base.blocks(read, maxRows, firstRow)) {
        const cells = oldCells(block, old);
        if (existing === "overwrite") yield block;
        else
          yield {
            ...block,
            withheld: (row) =>
              block.withheld?.(row) ?? (isAnswered(cells, row, old) ? "kept" : null),
          };
      }
    },
  };
}

/** The old cells of a block by column, as cells of the new columns. */
function oldCells(
  block: Block,
  { frame, columns, existing }: OldAnswers,
): ReadonlyMap<string, readonly NewCell[]> {
  const isTyped = bareRows(frame).types !== undefined;
  return new Map(
    columns.map(({ name, type }) => {
      const cells = block.values(name).map((value, row): NewCell => {
        const cell = oldCell(type, value, isTyped);
        if (cell !== undefined) return cell;
        throw new InputError(
          "column_type",
          `Row ${String(block.firstRow + row + 1)} of ${frame.name} has ${shown(value)} in its column ${JSON.stringify(name)}, which cannot be kept in a column of ${typeText(type)}. Nothing was sent.`,
          {
            hint:
              existing === "skip"
                ? 'Choose another name with --column (column in code), or --overwrite to replace the column (existing: "overwrite").'
                : "Choose another name with --column (column in code); or leave out --where, --limit and --sample (where, limit, sample in code) to replace the whole column.",
          },
        );
      });
      return [name, cells] as const;
    }),
  );
}

/** The rows that have the old cells, without the answers of earlier steps beside them: no step has the columns of another. */
function bareRows(frame: Frame): Frame {
  return frame.bare ?? frame;
}

function shown(cell: Cell): string {
  if (typeof cell === "string") return JSON.stringify(cell.slice(0, 40));
  return typeof cell === "object" ? "a value of many parts" : String(cell);
}

function typeText(type: NewColumn["type"]): string {
  return typeof type === "string" ? type : "list" in type ? "lists" : "objects";
}

function isAnswered(
  cells: ReadonlyMap<string, readonly NewCell[]>,
  row: number,
  { answers, status }: OldAnswers,
): boolean {
  if (cells.get(status)?.[row] === "failed") return false;
  return [...answers].some((name) => isFilledCell(cells.get(name)?.[row] ?? null));
}

/**
 * The cells of a run's columns with what the rows had before, wherever a row was not asked: each of its
 * cells is what it was, in columns that were there. Only where there is neither an answer nor a status does it
 * get the new status.
 */
export async function* withOldAnswers(
  cells: AsyncIterable<NewCells>,
  {
    old,
    columns,
    firstRow,
  }: {
    readonly old: OldAnswers;
    readonly columns: readonly NewColumn[];
    readonly firstRow: number;
  },
): AsyncGenerator<NewCells> {
  const queue = rowQueue(cells, columns.length, firstRow);
  const statusAt = columns.findIndex(({ name }) => name === old.status);
  const names = old.columns.map(({ name }) => name);
  const rows = bareRows(old.frame);
  try {
    for await (const block of rows.blocks(names, ROWS_AT_ONCE, firstRow)) {
      const from = Math.max(0, firstRow - block.firstRow);
      if (from >= block.rowCount) continue;
      await queue.fill(block.rowCount - from);
      const before = oldCells(block, old);
      const made = columns.map((): NewCell[] => []);
      for (let row = from; row < block.rowCount; row += 1) {
        const own = queue.take();
        // Whoever writes them tells that there are too few.
        if (own === null) break;
        const isAsked = own[statusAt] !== "skipped";
        const isTold =
          isAnswered(before, row, old) || isFilledCell(before.get(old.status)?.[row] ?? null);
        columns.forEach(({ name }, at) => {
          // Of a row of which nothing was said before, the status says that it was not asked.
          const isKept = !isAsked && (isTold || name !== old.status);
          const kept = isKept ? before.get(name)?.[row] : undefined;
          made[at]?.push(kept === undefined ? (own[at] ?? null) : kept);
        });
      }
      yield { firstRow: block.firstRow + from, columns: made };
    }
    if (!(await queue.isDrained()))
      throw new InvariantError(
        "cells_count",
        `The new columns have more rows than ${old.frame.name}. Nothing was written.`,
      );
  } finally {
    await queue.close();
  }
}

const ROWS_AT_ONCE = 1000;
