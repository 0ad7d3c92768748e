/** The input file again with new columns at the end of every record, nothing else altered. */

import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import { fileSha256 } from "./csv-bytes.ts";
import { csvText, isFormula, newCellText } from "./csv-cells.ts";
import { inputChanged } from "./csv-errors.ts";
import { writeWhole } from "./csv-output.ts";
import type { Tape } from "./csv-splice.ts";
import { tapeOf, withCells } from "./csv-splice.ts";
import type { CsvFrame } from "./csv.ts";
import { csvRecords, fileState } from "./csv.ts";
import type { RowQueue } from "./new-columns.ts";
import { refuseTakenNames, rowQueue } from "./new-columns.ts";

/** What was written. */
export interface CsvWritten {
  /** Rows, the header not counted. */
  readonly rows: number;
  /** New text cells that began like a formula and got a leading apostrophe. */
  readonly neutralisedCells: number;
  /** Bytes of the output. */
  readonly bytes: number;
}

/**
 * Writes the input's records, byte for byte, each with its new cells before its own line ending.
 *
 * Byte order mark, delimiter, quoting, blank lines, mixed line endings and a missing last one stay as
 * they are. `cells` are blocks of any size in row order, one value for every row. Null is an empty cell,
 * "" a pair of quotes, text that a spreadsheet would run gets a leading apostrophe. The file appears
 * whole or not at all.
 *
 * @throws {InputError} `column_exists`, `output_is_input`, `output_unwritable`, `disk_full`,
 * `input_changed`, and what reading the input throws.
 * @throws {InvariantError} `cells_misaligned` or `cells_count` where the cells are not one per row.
 */
export async function writeCsv(options: {
  readonly input: CsvFrame;
  readonly output: string;
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
}): Promise<CsvWritten> {
  const { input, columns } = options;
  refuseTakenNames(input.columns, columns);
  const tape = tapeOf(input.path, input.preambleBytes);
  const rows = rowQueue(options.cells, columns.length);
  const counts = { rows: 0, neutralisedCells: 0, bytes: 0 };
  const target = {
    output: options.output,
    input: input.path,
    doneShare: () => tape.bytesRead() / input.openedState.bytes,
  };
  try {
    await writeWhole(target, async (append) => {
      for await (const bytes of spliced({ input, columns, tape, rows, counts })) {
        counts.bytes += bytes.length;
        await append(bytes);
      }
      await refuseChange(input, () => Promise.resolve(tape.sha256()));
      if (!(await rows.isDrained())) throw wrongCount(input, "more rows than the file");
    });
  } finally {
    await rows.close();
  }
  return counts;
}

/** The output's bytes, a piece for each chunk of the input. */
async function* spliced(work: {
  readonly input: CsvFrame;
  readonly columns: readonly NewColumn[];
  readonly tape: Tape;
  readonly rows: RowQueue;
  readonly counts: { rows: number; neutralisedCells: number };
}): AsyncGenerator<Buffer> {
  const { input, tape, rows, counts } = work;
  const { dialect } = input;
  const reading = { columnCount: input.columns.length, tellsNullFromEmpty: false };
  let isHeader = true;
  for await (const { ends } of csvRecords(input, { ...reading, chunks: tape.chunks })) {
    await rows.fill(ends.length);
    const parts: Buffer[] = [];
    for (const end of ends) {
      const record = tape.take(end);
      if (isHeader) {
        const names = work.columns.map(({ name }) => name);
        parts.push(
          tape.preamble(),
          ...withCells(record, csvText(names, dialect.delimiter), dialect),
        );
        isHeader = false;
        continue;
      }
      const row = rows.take();
      if (row === null) {
        await refuseChange(input, () => fileSha256(input.path));
        throw wrongCount(input, "fewer rows than the file");
      }
      counts.rows += 1;
      counts.neutralisedCells += row.filter(isNeutralised).length;
      const added = csvText(row.map(newCellText), dialect.delimiter);
      parts.push(...withCells(record, added, dialect));
    }
    yield Buffer.concat(parts);
  }
  yield tape.rest();
}

function isNeutralised(cell: NewCell): boolean {
  return typeof cell === "string" && isFormula(cell);
}

/**
 * Throws `input_changed` where the file is not the one that was planned: by its content where that was
 * asked for earlier, else by its size and time of change.
 */
async function refuseChange(input: CsvFrame, sha256: () => Promise<string>): Promise<void> {
  const planned = input.lastFingerprint();
  if (planned !== null) {
    if ((await sha256()) === planned) return;
    throw inputChanged(input.path, "its content is not what the run was planned from");
  }
  const now = await fileState(input.path);
  const { bytes, modifiedMs } = input.openedState;
  if (now.bytes === bytes && now.modifiedMs === modifiedMs) return;
  throw inputChanged(input.path, "it was written to after it was opened");
}

function wrongCount(input: CsvFrame, what: string): InvariantError {
  return new InvariantError(
    "cells_count",
    `The new columns have ${what} ${input.path}. Nothing was written.`,
  );
}
