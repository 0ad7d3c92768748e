/** An Arrow table in memory read as rows, and given new columns. */

import type { RecordBatch, Table } from "apache-arrow";
import type { NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import { arrowDataOf, tableOf, widerBatch, widerSchema } from "./arrow-native.ts";
import { cellFieldOf } from "./arrow-types.ts";
import { batchBlocks } from "./arrow.ts";
import type { Frame } from "./frame.ts";
import { checkCells } from "./new-cells.ts";
import { columnQueue, stayingNames } from "./new-columns.ts";

/**
 * The table that some record batches make.
 *
 * @throws {InputError} `parts_differ` where they are not of one schema; nothing was sent.
 */
export async function gatheredTable(batches: AsyncIterable<RecordBatch>): Promise<Table> {
  const all = await Array.fromAsync(batches);
  try {
    return tableOf(all);
  } catch (cause) {
    throw new InputError(
      "parts_differ",
      `The ${String(all.length)} record batches are not of one schema. Nothing was sent.`,
      { hint: "Give batches with the same columns of the same types and dictionaries.", cause },
    );
  }
}

/**
 * A table as a {@link Frame}. Nothing is copied: each block converts its own rows when it is read. Its
 * fingerprint is null.
 */
export function tableFrame(table: Table): Frame {
  const fields = table.schema.fields.map(cellFieldOf);
  return {
    name: "table",
    columns: fields.map(({ name }) => name),
    blocks: (names, maxRows) => batchBlocks(table.batches, fields, { names, maxRows }),
    fingerprint: () => Promise.resolve(null),
  };
}

/**
 * A new table: the batches of the old one, with the new columns after their own, and with `replaces`
 * without those that have their names.
 *
 * @throws {InputError} `column_exists`.
 * @throws {InvariantError} `cells_misaligned`, `cells_count` or `cells_type` where the cells are not one
 * per row or not of their column's type.
 */
export async function tableWith(
  table: Table,
  columns: readonly NewColumn[],
  { cells, replaces }: { readonly cells: AsyncIterable<NewCells>; readonly replaces: boolean },
): Promise<Table> {
  const names = table.schema.fields.map(({ name }) => name);
  const staying = new Set(stayingNames(names, columns, replaces));
  const leftOut = new Set(names.filter((name) => !staying.has(name)));
  const schema = widerSchema(table.schema, columns, leftOut);
  const queue = columnQueue(cells, columns.length);
  const batches: RecordBatch[] = [];
  try {
    for (const { data, numRows: rowCount } of table.batches) {
      const taken = await queue.take(rowCount);
      const added = columns.map((column, at) => {
        const own = taken[at] ?? [];
        if (own.length !== rowCount) throw wrongCount(table);
        checkCells(column, own);
        return arrowDataOf(column.type, own);
      });
      const children = data.children.filter((_, at) => staying.has(names[at] ?? ""));
      batches.push(widerBatch(schema, { children, rowCount }, added));
    }
    if (!(await queue.isDrained())) throw wrongCount(table);
  } finally {
    await queue.close();
  }
  return tableOf(batches);
}

function wrongCount({ numRows }: Table): InvariantError {
  return new InvariantError("cells_count", `The new columns do not have ${String(numRows)} rows.`);
}
