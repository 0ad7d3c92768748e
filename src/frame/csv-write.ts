/** The input's records again with new columns at the end of every one, nothing else altered but what these replace. */

import type { NewCell, NewCells, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import type { Compression } from "./compression.ts";
import { textSha256 } from "./compression.ts";
import { csvText, isFormula, newCellText, type FormulaSafe } from "./csv-cells.ts";
import { terminatorLength } from "./csv-dialect.ts";
import { inputChanged } from "./csv-errors.ts";
import { csvRecords } from "./csv-judged.ts";
import { checkOutput, writeWhole } from "./csv-output.ts";
import type { LeftOut, Tape } from "./csv-splice.ts";
import { tapeOf, withCells } from "./csv-splice.ts";
import type { CsvFrame } from "./csv.ts";
import { fileState } from "./csv.ts";
import type { RowQueue } from "./new-columns.ts";
import { rowQueue, stayingNames } from "./new-columns.ts";
import type { WriteResume } from "./write-marks.ts";
import { isSameText } from "./old-cell.ts";
import { cellsAfter } from "./write-marks.ts";

/** What was written. */
export interface CsvWritten {
  /** Rows, the header not counted. */
  readonly rows: number;
  /** New text cells that began like a formula and got a leading apostrophe. */
  readonly neutralisedCells: number;
  /** Columns of the input with text that a spreadsheet would run, written as it was. */
  readonly formulaColumns: ReadonlySet<string>;
  /** Bytes of the output's text, before it is compressed. */
  readonly bytes: number;
}

/** New columns on their way into an output. */
export interface NewColumnsTo {
  readonly output: string;
  readonly columns: readonly NewColumn[];
  /** Blocks of any size in row order, one value for every row. */
  readonly cells: AsyncIterable<NewCells>;
  /** How the output is compressed; not at all when left out. */
  readonly compression?: Compression;
  /** Whether a row is written, by its new cells; asked once for each, all are when left out. */
  readonly keeps?: (row: readonly NewCell[]) => boolean;
  /** Which cells that a spreadsheet would run are made harmless; those that are new when left out. */
  readonly formulaSafe?: FormulaSafe;
  /**
   * Whether old columns with the names of new ones are left out; they are refused when left out. Such an old cell
   * is written as it was where the new one has its value.
   */
  readonly replaces?: boolean;
  /** How a write that was killed is gone on with; it begins anew when left out. */
  readonly resume?: WriteResume;
}

/**
 * Writes the input's records, byte for byte, each with its new cells before its own line ending, and with
 * `replaces` without the cells of columns that have their names.
 *
 * Byte order mark, delimiter, quoting, blank lines, mixed line endings and a missing last one stay as
 * they are. Null is an empty cell, "" a pair of quotes, lists and structs are JSON, text that a
 * spreadsheet would run gets a leading apostrophe. A bad row that is kept gets the cells it lacks, empty,
 * before the new ones; one with too many stays longer than the header. The file appears whole or not at
 * all.
 *
 * @throws {InputError} `column_exists`, `output_is_input`, `output_unwritable`, `disk_full`,
 * `input_changed`, and what reading the input throws.
 * @throws {InvariantError} `cells_misaligned` or `cells_count` where the cells are not one per row.
 */
export async function writeCsv(
  options: NewColumnsTo & { readonly input: CsvFrame },
): Promise<CsvWritten> {
  return await writeCsvParts({ ...options, inputs: [options.input] });
}

/**
 * The same for files that are parts of one: the first one's header, if it has one, and the records of all, in order.
 *
 * The parts must have the same columns and delimiter. Where the last record of a part but the last has
 * no line ending, it gets the one that the first record has.
 *
 * @throws {InputError} and {InvariantError} as {@link writeCsv} does.
 */
export async function writeCsvParts(
  options: NewColumnsTo & { readonly inputs: readonly CsvFrame[] },
): Promise<CsvWritten> {
  const { inputs, columns, output } = options;
  const [first] = inputs;
  if (first === undefined) throw new InvariantError("cells_count", "There is nothing to write.");
  const leftOut = leftOutOf(first.columns, stayingNames(first.columns, columns, options.replaces));
  const sameAt =
    options.replaces === true ? columns.map(({ name }) => first.columns.indexOf(name)) : undefined;
  for (const { path } of inputs) await checkOutput(output, path, "before writing");
  const tapes = inputs.map((input) => ({ input, tape: tapeOf(input.path, input.preambleBytes) }));
  const { formulaSafe = "auto", keeps = () => true } = options;
  const counts = { rows: 0, neutralisedCells: 0, bytes: 0, formulaColumns: new Set<string>() };
  const { resume, compression } = options;
  const doneShare = (): number => shareOf(tapes);
  const target = { output, input: first.path, doneShare, resume, compression };
  await writeWhole(target, async (append, marks) => {
    const { cells, firstRow } = cellsAfter(options, marks);
    const rows = rowQueue(cells, columns.length, firstRow);
    const at = spotOf(marks.last?.state ?? null, counts);
    try {
      const work = { tapes, columns, leftOut, sameAt, rows, counts, keeps, formulaSafe, at };
      for await (const { bytes, endsAtSpot } of splicedParts(work)) {
        counts.bytes += bytes.length;
        await append(bytes);
        if (endsAtSpot) await marks.reached(firstRow + at.rowsTaken, () => savedSpot(at, counts));
      }
      if (!(await rows.isDrained())) throw wrongCount(first, "more rows than the file");
    } finally {
      await rows.close();
    }
  });
  return counts;
}

/** How far the input has been written. */
interface Spot {
  part: number;
  /** Where the next record of the part begins, in bytes of its text; null before its first. */
  offset: number | null;
  /** What ends the header, which a record without an ending is given when another part follows. */
  lineEnd: string;
  /** The last two bytes written. */
  lastBytes: string;
  /** Rows of new cells taken in this write. */
  rowsTaken: number;
}

function spotOf(saved: Json, counts: Work["counts"]): Spot {
  const from = { part: 0, offset: null, lineEnd: "\n", lastBytes: "\n", rowsTaken: 0 };
  if (saved === null) return from;
  const { spot, formulaColumns, ...rest } = saved as unknown as SavedSpot;
  Object.assign(counts, rest);
  for (const name of formulaColumns) counts.formulaColumns.add(name);
  return { ...spot, rowsTaken: 0 };
}

interface SavedSpot {
  readonly spot: Spot;
  readonly formulaColumns: readonly string[];
  readonly rows: number;
  readonly neutralisedCells: number;
  readonly bytes: number;
}

function savedSpot(at: Spot, { formulaColumns, ...counts }: Work["counts"]): Json {
  return { ...counts, formulaColumns: [...formulaColumns], spot: { ...at } };
}

interface OpenTape {
  readonly input: CsvFrame;
  readonly tape: Tape;
}

function shareOf(tapes: readonly OpenTape[]): number {
  const all = tapes.reduce((sum, { input }) => sum + input.openedState.bytes, 0);
  return tapes.reduce((sum, { tape }) => sum + tape.bytesRead(), 0) / all;
}

/** Null where all cells stay, which need not be told apart then. */
function leftOutOf(columns: readonly string[], staying: readonly string[]): LeftOut | null {
  if (staying.length === columns.length) return null;
  const stays = new Set(staying);
  const positions = columns.flatMap((name, at) => (stays.has(name) ? [] : [at]));
  return { positions: new Set(positions), columnCount: columns.length };
}

interface Work {
  readonly columns: readonly NewColumn[];
  readonly leftOut: LeftOut | null;
  /** Where the old cell stands that each new one would replace, -1 where there is none; undefined where all are written anew. */
  readonly sameAt: readonly number[] | undefined;
  readonly rows: RowQueue;
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

async function* splicedParts(
  work: Work & { readonly tapes: OpenTape[] },
): AsyncGenerator<{ readonly bytes: Buffer; readonly endsAtSpot: boolean }> {
  const { at, tapes } = work;
  const from = { ...at };
  for (const [part, { input, tape }] of tapes.entries()) {
    // What stands in the file up to the mark was compared with its input when it was written.
    if (part < from.part) continue;
    at.part = part;
    const isContinued = part === from.part && from.offset !== null;
    const start = isContinued ? (from.offset ?? 0) : input.preambleBytes;
    const own = isContinued ? tapeOf(input.path, start, false) : tape;
    tapes[part] = { input, tape: own };
    const opened = { ...work, input, tape: own, start, isContinued, isFirst: part === 0 };
    for await (const { bytes, first, endsRecord } of spliced(opened)) {
      const length = first === null ? 0 : terminatorLength(first, input.dialect);
      if (part === 0 && first !== null && length > 0)
        at.lineEnd = first.subarray(-length).toString("latin1");
      if (bytes.length > 0) at.lastBytes = bytes.subarray(-2).toString("latin1");
      yield { bytes, endsAtSpot: endsRecord };
    }
    const isLast = part === tapes.length - 1;
    const last = Buffer.from(at.lastBytes, "latin1");
    if (!isLast && terminatorLength(last, input.dialect) === 0)
      yield { bytes: Buffer.from(at.lineEnd, "latin1"), endsAtSpot: false };
    await refuseChange(input, () => Promise.resolve(own.sha256()));
    at.offset = null;
  }
}

interface Piece {
  readonly bytes: Buffer;
  /** The first record, which is the header's where there is one; null in other pieces than the one that holds it. */
  readonly first: Buffer | null;
  /** Whether the piece ends with a record, rather than with what follows the last one. */
  readonly endsRecord: boolean;
}

/** The output's bytes, a piece for each chunk of the input. */
async function* spliced(work: Work & OpenTape & Place): AsyncGenerator<Piece> {
  const { input, tape, rows, start, isContinued, at: spot } = work;
  const reading = { columnCount: input.columns.length, tellsNullFromEmpty: false, isContinued };
  const layout = { ...input, preambleBytes: start };
  let isFirstRecord = !isContinued;
  for await (const batch of csvRecords(layout, { ...reading, chunks: tape.chunks })) {
    await rows.fill(batch.ends.length);
    const parts: Buffer[] = [];
    let first: Buffer | null = null;
    for (const [at, end] of batch.ends.entries()) {
      const record = tape.take(end);
      if (isFirstRecord) {
        isFirstRecord = false;
        first = record;
        if (work.isFirst) parts.push(tape.preamble());
        if (work.isFirst && input.hasHeader) parts.push(...withNames(record, work));
        if (input.hasHeader) continue;
      }
      if (input.onBadRow === "skip" && (batch.faults?.[at] ?? null) !== null) continue;
      noteFormulas(batch.records[at] ?? [], work);
      const wide = withNewRow(record, batch.records[at] ?? [], work);
      if (wide === null) {
        await refuseChange(input, () => textSha256(input.path));
        throw wrongCount(input, "fewer rows than the file");
      }
      parts.push(...wide);
    }
    spot.offset = start + (batch.ends.at(-1) ?? 0);
    yield { bytes: Buffer.concat(parts), first, endsRecord: true };
  }
  yield { bytes: tape.rest(), first: null, endsRecord: false };
}

/** Where in a part its records begin. */
interface Place {
  readonly start: number;
  /** Whether the header, and records after it, were written before. */
  readonly isContinued: boolean;
  readonly isFirst: boolean;
}

/** Notes the columns with a cell that a spreadsheet would run; most cells are told by their first character. */
function noteFormulas(
  record: readonly (string | null)[],
  { input, leftOut, sameAt, counts: { formulaColumns } }: Work & OpenTape,
): void {
  const gone = sameAt === undefined ? leftOut?.positions : undefined;
  for (const [at, text] of record.entries())
    if (text !== null && isFormula(text) && gone?.has(at) !== true)
      formulaColumns.add(input.columns[at] ?? "");
}

function withNames(
  record: Buffer,
  { columns, leftOut, input: { dialect } }: Work & OpenTape,
): readonly Buffer[] {
  const names = columns.map(({ name }) => name);
  if (names.length === 0) return [record];
  return withCells(record, csvText(names, dialect.delimiter), { dialect, leftOut });
}

/** A record of these cells with those of the next row, after as many empty ones as it lacks; nothing where that is left out, null where there is no row. */
function withNewRow(
  record: Buffer,
  old: readonly (string | null)[],
  { columns, leftOut, sameAt, rows, counts, input, keeps, formulaSafe, at }: Work & OpenTape,
): readonly Buffer[] | null {
  counts.rows += 1;
  if (columns.length === 0) return [record];
  const row = rows.take();
  if (row === null) return null;
  at.rowsTaken += 1;
  if (!keeps(row)) {
    counts.rows -= 1;
    return [];
  }
  const { dialect } = input;
  const isMissing = (position: number): boolean => position >= old.length;
  const gone = [...(leftOut?.positions ?? [])].filter(isMissing);
  const missing = input.columns.length - old.length - gone.length;
  const padding = dialect.delimiter.repeat(Math.max(0, missing));
  const isSame = sameAt?.map((position, c) => {
    const text = old[position];
    return text !== undefined && isSameText(columns[c]?.type ?? "text", text, row[c] ?? null);
  });
  const fresh = isSame === undefined ? row : row.filter((_, c) => isSame[c] !== true);
  if (formulaSafe !== "off") counts.neutralisedCells += fresh.filter(isNeutralised).length;
  const texts = row.map((cell) => newCellText(cell, formulaSafe));
  if (isSame?.includes(true) !== true)
    return withCells(record, padding + csvText(texts, dialect.delimiter), { dialect, leftOut });
  const added = (cells: readonly Buffer[]): Buffer => {
    const made = texts.map((text, c) => {
      const own = isSame[c] === true ? cells[sameAt?.[c] ?? -1] : undefined;
      return own ?? Buffer.from(csvText([text], dialect.delimiter));
    });
    const delimiter = Buffer.from(dialect.delimiter);
    const rest = made.flatMap((cell, c) => (c === 0 ? [cell] : [delimiter, cell]));
    return Buffer.concat([Buffer.from(padding), ...rest]);
  };
  return withCells(record, added, { dialect, leftOut });
}

/** True for a new cell that gets a leading apostrophe in a CSV file. */
export function isNeutralised(cell: NewCell): boolean {
  return typeof cell === "string" && isFormula(cell);
}

/**
 * Throws `input_changed` where the file is not the one that was planned: by its text where that was
 * asked for earlier, else by its size and time of change.
 */
async function refuseChange(input: CsvFrame, sha256: () => Promise<string>): Promise<void> {
  const planned = input.plannedSha256();
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
