/** The rows of a run in several passes: for each, what the passes that asked it came to. */

import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { columnQueue } from "../frame/new-columns.ts";
import type { JoinedRows, RowOutcome } from "../stages/join.ts";

const ROWS_AT_ONCE = 1000;

/** What became of some consecutive rows in each pass. */
export interface PassedRows {
  readonly firstRow: number;
  /** By pass, in the order they were made; all of one length. */
  readonly passes: readonly (readonly RowOutcome[])[];
}

/** The outcomes of every row in all passes, side by side, in row order. */
export async function* passedRows(
  passes: readonly { rows(firstRow?: number): AsyncIterable<JoinedRows> }[],
  start = 0,
): AsyncGenerator<PassedRows> {
  const readers = passes.map((pass) => outcomeReader(pass.rows(start)));
  try {
    for (let firstRow = start; ;) {
      const waiting = await Promise.all(readers.map((reader) => reader.waiting()));
      const rows = Math.min(...waiting, ROWS_AT_ONCE);
      if (rows === 0) return;
      yield { firstRow, passes: readers.map((reader) => reader.take(rows)) };
      firstRow += rows;
    }
  } finally {
    for (const reader of readers) await reader.close();
  }
}

function outcomeReader(rows: AsyncIterable<JoinedRows>): {
  waiting(): Promise<number>;
  take(count: number): readonly RowOutcome[];
  close(): Promise<void>;
} {
  const source = rows[Symbol.asyncIterator]();
  let block: readonly RowOutcome[] = [];
  let at = 0;
  return {
    waiting: async () => {
      while (at === block.length) {
        const next = await source.next();
        if (next.done === true) return 0;
        block = next.value.outcomes;
        at = 0;
      }
      return block.length - at;
    },
    take: (count) => {
      at += count;
      return block.slice(at - count, at);
    },
    close: async () => {
      await source.return?.();
    },
  };
}

/** Whether a pass was to ask a row: one it did not is skipped there as another pass's. */
export function wasAsked(outcome: RowOutcome | undefined): outcome is RowOutcome {
  return outcome !== undefined && !(outcome.status === "skipped" && outcome.reason === "pass");
}

/**
 * What became of a row in all passes together: the last answer there is, else how the last pass that
 * asked it failed, else what the first pass says. With `latestDecides` it is what the last pass that
 * asked it says, whether it answered or not.
 */
export function settledOutcome(passes: readonly RowOutcome[], latestDecides: boolean): RowOutcome {
  const asked = passes.filter(wasAsked);
  const latest = asked.findLast(({ status }) => status !== "skipped");
  if (latestDecides && latest !== undefined) return latest;
  return (
    asked.findLast((outcome) => "value" in outcome) ??
    asked.findLast(({ status }) => status === "failed") ??
    asked[0] ?? { status: "skipped", reason: "blank" }
  );
}

/** How the cells of several passes become those of one column. */
export interface MergeInput {
  /** The columns that every pass adds, the same in all. */
  readonly columns: readonly NewColumn[];
  /** The name of the column of answers. */
  readonly column: string;
  readonly passes: readonly AsyncIterable<NewCells>[];
  /** The row at which their cells begin; the first when left out. */
  readonly firstRow?: number;
  /** See {@link settledOutcome}. */
  readonly latestDecides: boolean;
  /** Told of every row: the cells it ends with, which pass they are from, and its status and error in each pass. */
  readonly onRow?: (row: MergedRow) => void;
}

/** One row, merged. */
export interface MergedRow {
  readonly cells: readonly NewCell[];
  /** The position of the pass that the answer, or the last failure, is from. */
  readonly pass: number;
  /** By pass; `skipped` in passes that did not ask the row. */
  readonly statuses: readonly NewCell[];
  readonly errors: readonly NewCell[];
}

/**
 * The cells of every row in order: those of the last pass that answered it, else of the last in which it
 * failed, else of the first. What was paid for a row, and how often it was sent, are sums over its passes.
 */
export async function* mergedCells(input: MergeInput): AsyncGenerator<NewCells> {
  const { columns, column, passes, latestDecides, onRow } = input;
  const at = (end: string): number => columns.findIndex(({ name }) => name === `${column}_${end}`);
  const sums = [at("cost"), at("attempts")].filter((index) => index >= 0);
  const [status, error] = [at("status"), at("error")];
  const queues = passes.map((cells) => columnQueue(cells, columns.length, input.firstRow));
  try {
    for (let firstRow = input.firstRow ?? 0; ;) {
      const taken = await Promise.all(queues.map((queue) => queue.take(ROWS_AT_ONCE)));
      const rows = taken[0]?.[0]?.length ?? 0;
      if (rows === 0) return;
      const merged = columns.map((): NewCell[] => []);
      for (let row = 0; row < rows; row++) {
        const statuses = taken.map((pass) => pass[status]?.[row] ?? null);
        const pass = settledPass(statuses, latestDecides);
        const cells = columns.map((_, index) => taken[pass]?.[index]?.[row] ?? null);
        for (const index of sums)
          cells[index] = summed(
            taken.flatMap((own, of) =>
              of > 0 && statuses[of] === "skipped" ? [] : [own[index]?.[row] ?? null],
            ),
          );
        cells.forEach((cell, index) => merged[index]?.push(cell));
        const errors = taken.map((own) => own[error]?.[row] ?? null);
        onRow?.({ cells, pass, statuses, errors });
      }
      yield { firstRow, columns: merged };
      firstRow += rows;
    }
  } finally {
    for (const queue of queues) await queue.close();
  }
}

/** The pass whose cells a row has; see {@link settledOutcome}. */
function settledPass(statuses: readonly NewCell[], latestDecides: boolean): number {
  const latest = statuses.findLastIndex((status) => status !== "skipped");
  if (latestDecides) return Math.max(0, latest);
  const answered = statuses.findLastIndex((status) => status === "ok" || status === "cached");
  if (answered >= 0) return answered;
  return Math.max(
    0,
    statuses.findLastIndex((status) => status === "failed"),
  );
}

/** A sum of which a part is not known is not known. */
function summed(cells: readonly NewCell[]): number | null {
  let sum = 0;
  for (const cell of cells) {
    if (typeof cell !== "number") return null;
    sum += cell;
  }
  return sum;
}
