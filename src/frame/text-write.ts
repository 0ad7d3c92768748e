/** The rows of any frame, with new columns after its own, as a CSV or JSON file of their own. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { NewCell, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { csvText, harmless, isFormula, newCellText, type FormulaSafe } from "./csv-cells.ts";
import { checkOutput, writeWhole } from "./csv-output.ts";
import type { CsvWritten, NewColumnsTo } from "./csv-write.ts";
import { isNeutralised } from "./csv-write.ts";
import type { Block, Frame } from "./frame.ts";
import { cellJson, newCellJson } from "./json-cells.ts";
import type { ColumnQueue } from "./new-columns.ts";
import { columnQueue, stayingNames } from "./new-columns.ts";
import { cellsAfter } from "./write-marks.ts";

/** A text format in which rows are written anew. */
export type FreshFormat = "csv" | "tsv" | "jsonl" | "json";

/**
 * Writes the rows of a frame in a format that is not its own.
 *
 * CSV and TSV: old cells as their exact text, null empty, "" a pair of quotes, lines ending in a line
 * feed. JSON: numbers with all their digits, lists and structs nested, null as null; what JSON has no
 * type for, such as times, is text. New cells are as in files of that format. `inputPaths` are the files
 * that must not be overwritten. The file appears whole or not at all.
 *
 * @throws {InputError} `column_exists`, `column_type` for a column of bytes, `output_is_input`,
 * `output_unwritable`, `disk_full`, and what reading the frame throws.
 * @throws {InvariantError} `cells_misaligned` or `cells_count` where the cells are not one per row.
 */
export async function writeFreshText(
  options: NewColumnsTo & {
    readonly frame: Frame;
    readonly inputPaths: readonly string[];
    readonly format: FreshFormat;
    /** What stands between the cells of CSV; a comma, or a tab in TSV, when left out. */
    readonly delimiter?: string;
    /** False where CSV gets no header. */
    readonly header?: boolean;
  },
): Promise<CsvWritten> {
  const { frame, columns, output, inputPaths, format } = options;
  stayingNames(frame.columns, columns);
  for (const path of inputPaths) await checkOutput(output, path, "before writing");
  const { formulaSafe = "auto", keeps = () => true, resume, compression } = options;
  const counts = { rows: 0, neutralisedCells: 0, bytes: 0, formulaColumns: new Set<string>() };
  const input = inputPaths[0] ?? "";
  const target = { output, input, doneShare: () => 0, resume, compression };
  const isCsv = format === "csv" || format === "tsv";
  await writeWhole(target, async (append, marks) => {
    const { cells, firstRow } = cellsAfter(options, marks);
    const queue = columnQueue(cells, columns.length, firstRow);
    const at = spotOf(marks.last?.state ?? null, counts);
    try {
      const work = { frame, columns, queue, counts, keeps, formulaSafe, at };
      const { delimiter = format === "tsv" ? "\t" : ",", header = true } = options;
      for await (const text of isCsv
        ? csvRows(work, { delimiter, header })
        : jsonRows(work, format === "json")) {
        const bytes = Buffer.from(text);
        counts.bytes += bytes.length;
        await append(bytes);
        if (!at.isEnd) await marks.reached(at.rows, () => savedSpot(at, counts));
      }
    } finally {
      await queue.close();
    }
  });
  return counts;
}

/** How far the frame has been written. */
interface Spot {
  /** Rows whose cells were taken. */
  rows: number;
  /** Whether what follows the last row has been written. */
  isEnd: boolean;
}

interface SavedSpot {
  readonly at: Spot;
  readonly formulaColumns: readonly string[];
  readonly rows: number;
  readonly neutralisedCells: number;
  readonly bytes: number;
}

function savedSpot(at: Spot, { formulaColumns, ...counts }: Work["counts"]): Json {
  return { ...counts, formulaColumns: [...formulaColumns], at: { ...at } };
}

function spotOf(saved: Json, counts: Work["counts"]): Spot {
  if (saved === null) return { rows: 0, isEnd: false };
  const { at, formulaColumns, ...rest } = saved as unknown as SavedSpot;
  Object.assign(counts, rest);
  for (const name of formulaColumns) counts.formulaColumns.add(name);
  return { ...at };
}

interface Work {
  readonly frame: Frame;
  readonly columns: readonly NewColumn[];
  readonly queue: ColumnQueue;
  readonly counts: {
    rows: number;
    neutralisedCells: number;
    bytes: number;
    readonly formulaColumns: Set<string>;
  };
  readonly keeps: (row: readonly NewCell[]) => boolean;
  readonly formulaSafe: FormulaSafe;
  readonly at: Spot;
}

const blockRows = 1000;

/** The frame's blocks with the new cells of their rows, column by column. */
async function* wideBlocks({ frame, columns, queue, counts, at }: Work): AsyncGenerator<{
  readonly block: Block;
  readonly added: readonly (readonly NewCell[])[];
}> {
  for await (const block of frame.blocks(frame.columns, blockRows, at.rows)) {
    if (block.firstRow < at.rows) continue;
    const added = await queue.take(block.rowCount);
    if (added.some(({ length }) => length !== block.rowCount)) {
      throw wrongCount(frame, "fewer rows than");
    }
    counts.rows += block.rowCount;
    at.rows += block.rowCount;
    yield { block, added };
    await nextTurn();
  }
  if (columns.length > 0 && !(await queue.isDrained())) throw wrongCount(frame, "more rows than");
}

async function* csvRows(
  work: Work,
  { delimiter, header }: { readonly delimiter: string; readonly header: boolean },
): AsyncGenerator<string> {
  const { frame, columns, counts, formulaSafe } = work;
  if (header && work.at.rows === 0)
    yield `${csvText([...frame.columns, ...columns.map(({ name }) => name)], delimiter)}\n`;
  for await (const { block, added } of wideBlocks(work)) {
    const old = frame.columns.map((name) => oldTexts(name, block.text(name), work));
    let text = "";
    for (let row = 0; row < block.rowCount; row += 1) {
      const news = added.map((column) => column[row] ?? null);
      if (!isKept(news, work)) continue;
      if (formulaSafe !== "off") counts.neutralisedCells += news.filter(isNeutralised).length;
      const texts = news.map((cell) => newCellText(cell, formulaSafe));
      const cells = [...old.map((column) => column[row] ?? null), ...texts];
      text += `${csvText(cells, delimiter)}\n`;
    }
    yield text;
  }
}

/** A column's cells as they are, or harmless where that is asked for; notes a column that a spreadsheet would run. */
function oldTexts(
  name: string,
  texts: readonly (string | null)[],
  { counts, formulaSafe }: Work,
): readonly (string | null)[] {
  if (!texts.some((text) => text !== null && isFormula(text))) return texts;
  if (formulaSafe !== "all") {
    counts.formulaColumns.add(name);
    return texts;
  }
  return texts.map((text) => {
    if (text === null || !isFormula(text)) return text;
    counts.neutralisedCells += 1;
    return harmless(text);
  });
}

async function* jsonRows(work: Work, isArray: boolean): AsyncGenerator<string> {
  const { frame, columns } = work;
  const oldNames = frame.columns.map((name) => `${JSON.stringify(name)}:`);
  const newNames = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  let isFirst = work.counts.rows === 0;
  for await (const { block, added } of wideBlocks(work)) {
    const old = frame.columns.map((name) => ({
      texts: block.text(name),
      values: block.values(name),
    }));
    const objects: string[] = [];
    for (let row = 0; row < block.rowCount; row += 1) {
      const news = added.map((column) => column[row] ?? null);
      if (!isKept(news, work)) continue;
      const before = old.map(
        ({ texts, values }, at) => (oldNames[at] ?? "") + cellJson(texts[row] ?? null, values[row]),
      );
      const after = news.map((cell, at) => (newNames[at] ?? "") + newCellJson(cell));
      objects.push(`{${[...before, ...after].join(",")}}`);
    }
    if (objects.length === 0) continue;
    if (!isArray) yield `${objects.join("\n")}\n`;
    else yield `${isFirst ? "[\n" : ",\n"}${objects.join(",\n")}`;
    isFirst = false;
  }
  work.at.isEnd = true;
  if (isArray) yield isFirst ? "[]\n" : "\n]\n";
}

/** Whether a row is written; one that is left out was counted with its block. */
function isKept(row: readonly NewCell[], { keeps, counts }: Work): boolean {
  const isKept = keeps(row);
  if (!isKept) counts.rows -= 1;
  return isKept;
}

function wrongCount(frame: Frame, what: string): InvariantError {
  return new InvariantError(
    "cells_count",
    `The new columns have ${what} ${frame.name}. Nothing was written.`,
  );
}
