/** An array of objects read as rows, and given new columns. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Cell, NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import type { Block, Frame } from "./frame.ts";
import { checkedRowCount, stayingNames } from "./new-columns.ts";

/** One row: its cells by column. A member that is left out, or `undefined`, is a missing cell. */
export type RowRecord = Readonly<Record<string, unknown>>;

/**
 * Objects as a {@link Frame}; its columns are all their members, in the order of their first coming.
 *
 * Text is as it is, of numbers, bigints and truth values their digits and words, of dates ISO 8601, of lists and
 * objects JSON. Bytes have no text. Its fingerprint is null.
 */
export function recordsFrame(records: readonly RowRecord[]): Frame {
  const names = new Set<string>();
  for (const record of records) for (const name of Object.keys(record)) names.add(name);
  const columns = [...names];
  return {
    name: "records",
    columns,
    blocks: (_names, maxRows, firstRow = 0) => blocksOf(records, maxRows, firstRow),
    fingerprint: () => Promise.resolve(null),
  };
}

async function* blocksOf(
  records: readonly RowRecord[],
  maxRows: number,
  from: number,
): AsyncGenerator<Block> {
  for (let firstRow = from; firstRow < records.length; firstRow += maxRows) {
    const rows = records.slice(firstRow, firstRow + maxRows);
    const cells = (name: string): readonly Cell[] => rows.map((row) => cellIn(row, name));
    yield {
      firstRow,
      rowCount: rows.length,
      text: (name) => cells(name).map((cell) => textOf(cell, name)),
      values: cells,
    };
    await nextTurn();
  }
}

function cellIn(row: RowRecord, name: string): Cell {
  const value = Object.hasOwn(row, name) ? row[name] : null;
  return (value ?? null) as Cell;
}

function textOf(cell: Cell, name: string): string | null {
  if (cell === null || typeof cell === "string") return cell;
  if (cell instanceof Date) return cell.toISOString();
  if (typeof cell !== "object") return String(cell);
  if (!(cell instanceof Uint8Array)) return exactJson(cell);
  throw new InputError(
    "column_type",
    `Column ${JSON.stringify(name)} holds bytes, which have no text. Nothing was sent.`,
    { hint: "Give the template as a function, which gets the bytes." },
  );
}

/** JSON with all the digits of bigints, which JSON.stringify refuses. */
function exactJson(value: Cell): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null || value instanceof Date)
    return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Cell[]).map(exactJson).join(",")}]`;
  const members = Object.entries(value).map(
    ([name, member]) => `${JSON.stringify(name)}:${exactJson(member)}`,
  );
  return `{${members.join(",")}}`;
}

/**
 * New objects: the members of the old ones, then the new columns, which with `replaces` take the place of
 * members that have their names. The old ones are not changed.
 *
 * @throws {InputError} `column_exists`.
 * @throws {InvariantError} `cells_misaligned` or `cells_count` where the cells are not one per row.
 */
export async function recordsWith<R extends RowRecord>(
  records: readonly R[],
  columns: readonly NewColumn[],
  { cells, replaces }: { readonly cells: AsyncIterable<NewCells>; readonly replaces: boolean },
): Promise<(R & Readonly<Record<string, NewCell>>)[]> {
  stayingNames(recordsFrame(records).columns, columns, replaces);
  const names = new Set(replaces ? columns.map(({ name }) => name) : []);
  const made: (R & Readonly<Record<string, NewCell>>)[] = [];
  for await (const block of cells) {
    const due = { columnCount: columns.length, expected: made.length };
    const rowCount = checkedRowCount(block, due);
    for (let at = 0; at < rowCount; at++) {
      const old = records[block.firstRow + at];
      if (old === undefined) throw wrongCount(records.length);
      const added = columns.map(({ name }, c) => [name, block.columns[c]?.[at] ?? null] as const);
      const kept = names.size === 0 ? old : (without(old, names) as R);
      made.push({ ...kept, ...Object.fromEntries(added) });
    }
  }
  if (made.length !== records.length) throw wrongCount(records.length);
  return made;
}

/** Taken out, a name that is there again stands after the others. */
function without(record: RowRecord, names: ReadonlySet<string>): RowRecord {
  return Object.fromEntries(Object.entries(record).filter(([name]) => !names.has(name)));
}

function wrongCount(rows: number): InvariantError {
  return new InvariantError("cells_count", `The new columns do not have ${String(rows)} rows.`);
}
