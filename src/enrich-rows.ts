/** enrichRows: rows in memory that are no DataFrame, given back as what they came as. */

import type { RecordBatch, Table } from "apache-arrow";
import type { DataFrame, LazyDataFrame } from "nodejs-polars";
import type { NewCell, NewCells, NewColumn } from "./core/column.ts";
import { InputError } from "./core/errors.ts";
import { replacesExisting } from "./core/existing.ts";
import { columnPreview } from "./column-preview.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { EnrichRun } from "./enrich-run.ts";
import { openColumn } from "./open-column.ts";
import { conductOf, refreshMark, settingsOf } from "./enrich-settings.ts";
import { passesOf } from "./passes/passes.ts";
import type { Frame } from "./frame/frame.ts";
import { recordsFrame, recordsWith, type RowRecord } from "./frame/records.ts";
import type { AnswerOf } from "./output/answer-type.ts";
import type { OutputOption } from "./output/form.ts";
import { textTable } from "./previews/preview-tables.ts";
import type { ModelRef } from "./provider/models.ts";
import type { RowFunction } from "./stages/render.ts";

/** Rows in memory: objects, an Arrow table, a LazyFrame of nodejs-polars, or record batches as they come. */
export type RowsGiven = readonly RowRecord[] | Table | LazyDataFrame | AsyncIterable<RecordBatch>;

/** What {@link enrichRows} gives for what it was given; record batches become a table. */
export type RowsEnriched<R extends RowsGiven> = R extends readonly (infer Row)[]
  ? (Row & Readonly<Record<string, NewCell>>)[]
  : R extends LazyDataFrame
    ? DataFrame
    : Table;

/**
 * Adds a column to rows in memory, as `enrichColumn` does to a DataFrame.
 *
 * Objects come back as new objects, an Arrow table as a table with its own columns untouched, a LazyFrame
 * collected, as a DataFrame. Record batches are read once, when the run starts, and held as Arrow holds
 * them until they come back as a table; a preview is a DataFrame of what the template reads, as text; for more than fits into memory write them to a file and use
 * `enrichFile`. Tables and batches must be of the apache-arrow that batchframe uses.
 *
 * @throws {InputError} for anything wrong with the arguments, before anything is sent.
 */
export function enrichRows<const R extends RowsGiven, const O extends OutputOption = undefined>(
  rows: R,
  template: string | RowFunction["prompt"],
  model: ModelRef,
  options: EnrichOptions<string, O> = {},
): EnrichRun<RowsEnriched<R>, AnswerOf<O>> {
  if (options.votes !== undefined)
    throw new InputError(
      "option_unsupported",
      "votes is for DataFrames and files. Nothing was sent.",
      { hint: "Give enrichColumn a DataFrame, or enrichFile a file." },
    );
  const opened = onceOpened(rows);
  const given = { options, memo: {}, refreshed: refreshMark(options) };
  const own = async () => settingsOf((await opened()).frame, template, model, given);
  const passes = passesOf(options, (other, main) => settingsOf(main.frame, template, other, given));
  return new EnrichRun<RowsEnriched<R>, AnswerOf<O>>({
    open: openColumn(own, passes),
    preview: columnPreview(own, passes, textTable),
    finish: async (session) => {
      const enriched = await opened();
      let result: unknown = null;
      const receipt = await session.complete(async (columns, cells) => {
        const replaces = replacesExisting(options.existing);
        result = await enriched.withColumns(columns, { cells, replaces });
        return { output: null, neutralisedCells: 0 };
      });
      return { result: result as RowsEnriched<R>, receipt };
    },
    conduct: conductOf(options),
    signal: options.signal,
    forgets: options.runDir === null,
    isQuiet: options.progress === "none",
    onProgress: options.onProgress,
  });
}

interface OpenedRows {
  readonly frame: Frame;
  withColumns(
    columns: readonly NewColumn[],
    added: { readonly cells: AsyncIterable<NewCells>; readonly replaces: boolean },
  ): Promise<unknown>;
}

/** The rows as a frame, made when first needed: batches can be read once only. */
function onceOpened(rows: RowsGiven): () => Promise<OpenedRows> {
  const open = openerOf(rows);
  let opened: Promise<OpenedRows> | null = null;
  return () => (opened ??= open());
}

function openerOf(rows: RowsGiven): () => Promise<OpenedRows> {
  const members = Object(rows) as Partial<Record<string | symbol, unknown>>;
  if (isRecords(rows))
    return () =>
      Promise.resolve({
        frame: recordsFrame(rows),
        withColumns: (columns, added) => recordsWith(rows, columns, added),
      });
  if (Array.isArray(members["batches"])) return () => openTable(rows as Table);
  if (typeof members["collect"] === "function") return () => openLazy(rows as LazyDataFrame);
  if (typeof members[Symbol.asyncIterator] === "function")
    return async () => {
      const { gatheredTable } = await import("./frame/arrow-table.ts");
      return await openTable(await gatheredTable(rows as AsyncIterable<RecordBatch>));
    };
  throw new InputError(
    "frame_invalid",
    "The first argument of enrichRows is neither objects, nor an Arrow table, a LazyFrame or record batches. Nothing was sent.",
    { hint: "Give an array of objects, or a DataFrame to enrichColumn." },
  );
}

function isRecords(rows: RowsGiven): rows is readonly RowRecord[] {
  return Array.isArray(rows);
}

async function openTable(table: Table): Promise<OpenedRows> {
  const { tableFrame, tableWith } = await import("./frame/arrow-table.ts");
  return {
    frame: tableFrame(table),
    withColumns: (columns, added) => tableWith(table, columns, added),
  };
}

async function openLazy(lazy: LazyDataFrame): Promise<OpenedRows> {
  const { polarsFrame, withNewColumns, withReplacedColumns } = await import("./frame/polars.ts");
  // Runs beside the event loop, which a DataFrame's own methods would hold up.
  const rows = await lazy.collect();
  return {
    frame: polarsFrame(rows),
    withColumns: (columns, { cells, replaces }) =>
      (replaces ? withReplacedColumns : withNewColumns)(rows, columns, cells),
  };
}
