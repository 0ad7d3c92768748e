/** The records of a CSV file, each with whether it can be used. */

import { textChunks } from "./compression.ts";
import { faultInWords } from "./csv-faults.ts";
import type { CsvDialect, RecordBatch } from "./csv-records.ts";
import { CsvFault, recordBatches } from "./csv-records.ts";
import { linesAt, strictUtf8 } from "./text-bytes.ts";

/**
 * What becomes of a row with more or fewer cells than the header, or with bytes that are not UTF-8:
 * `fail` refuses the file, `skip` leaves the row out, `keep` passes it on unasked.
 */
export type OnBadRow = "fail" | "skip" | "keep";

/** Where the records of a file begin and how they are written. */
export interface CsvLayout {
  readonly path: string;
  readonly dialect: CsvDialect;
  /** Bytes before the header: byte order mark and blank lines. */
  readonly preambleBytes: number;
  readonly onBadRow: OnBadRow;
}

/** Why a record cannot be used; null for one that can. */
export type RecordFault = "ragged" | "not_utf8" | null;

/** A batch with its records judged, the header's own entry always null. */
export interface JudgedBatch extends RecordBatch {
  /** One entry for each record; null where all of them can be used. */
  readonly faults: readonly RecordFault[] | null;
}

/**
 * The records of a file, the header first, with faults put into words.
 *
 * `chunks` are the file's bytes after its preamble; the writer passes its own to keep a hold of them.
 * Under `fail` no batch has faults. A quote that is never closed or stands where none may stand is
 * refused always, since it leaves unknown where its record ends.
 *
 * @throws {InputError} `ragged_row`, `not_utf8` or `csv_syntax`; the header's own faults always.
 */
export async function* csvRecords(
  layout: CsvLayout,
  options: {
    readonly columnCount: number;
    readonly tellsNullFromEmpty: boolean;
    readonly chunks?: AsyncIterable<Buffer>;
    /** True where the chunks begin after the header, whose width every record must have then. */
    readonly isContinued?: boolean;
  },
): AsyncGenerator<JudgedBatch> {
  const { path, dialect, preambleBytes: start } = layout;
  const isLenient = layout.onBadRow !== "fail";
  const width = options.isContinued === true ? options.columnCount : null;
  const judge = isLenient ? recordJudge(layout, width) : null;
  const chunks = strictUtf8(options.chunks ?? textChunks(path, { start }), {
    path,
    start,
    onBad: judge?.onBad,
  });
  try {
    const batches = recordBatches(chunks, {
      dialect,
      skipBlankLines: options.columnCount > 1,
      tellsNullFromEmpty: options.tellsNullFromEmpty,
      takesAnyWidth: isLenient,
    });
    for await (const batch of batches) {
      yield { ...batch, faults: judge === null ? null : await judge.faultsOf(batch) };
    }
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    throw await faultInWords(error, { ...layout, columnCount: options.columnCount });
  }
}

function recordJudge(
  layout: CsvLayout,
  knownWidth: number | null,
): {
  readonly onBad: (offset: number) => void;
  faultsOf(batch: RecordBatch): Promise<readonly RecordFault[] | null>;
} {
  const badBytes: number[] = [];
  let next = 0;
  let width = knownWidth;
  return {
    onBad: (offset) => badBytes.push(offset - layout.preambleBytes),
    faultsOf: async ({ records, ends }) => {
      const isHeader = width === null;
      width ??= records[0]?.length ?? 0;
      const faults = records.map((record, at): RecordFault => {
        const end = ends[at] ?? 0;
        const isBad = (badBytes[next] ?? Infinity) < end;
        while ((badBytes[next] ?? Infinity) < end) next += 1;
        if (isBad) return "not_utf8";
        return record.length === width ? null : "ragged";
      });
      if (isHeader && faults[0] === "not_utf8") await refuseHeader(layout);
      return faults.every((fault) => fault === null) ? null : faults;
    },
  };
}

/** Reads strictly up to the first byte that is not UTF-8, which is known to stand in the header. */
async function refuseHeader({ path, preambleBytes: start }: CsvLayout): Promise<void> {
  const strict = strictUtf8(textChunks(path, { start }), { path, start });
  while ((await strict.next()).done !== true);
}

/** A row that could not be used. */
export interface BadRow {
  /** The physical line on which it begins, counted from 1. */
  readonly line: number;
  readonly why: "ragged" | "not_utf8";
  /** How many cells it has. */
  readonly cells: number;
}

/** The rows of a file that could not be used. */
export interface BadRows {
  readonly count: number;
  /** The first 100 of them. */
  readonly first: readonly BadRow[];
}

const mostListed = 100;

/**
 * The rows of a file that were left out or passed on unasked; the file is read for it.
 *
 * @throws {InputError} as {@link csvRecords} does.
 */
export async function badRowsOf(layout: CsvLayout, columnCount: number): Promise<BadRows> {
  const first: { offset: number; why: "ragged" | "not_utf8"; cells: number }[] = [];
  let count = 0;
  let begin = layout.preambleBytes;
  const reading = { columnCount, tellsNullFromEmpty: false };
  for await (const { records, ends, faults } of csvRecords(layout, reading)) {
    faults?.forEach((why, at) => {
      if (why === null) return;
      count += 1;
      if (first.length === mostListed) return;
      const offset = at === 0 ? begin : layout.preambleBytes + (ends[at - 1] ?? 0);
      first.push({ offset, why, cells: records[at]?.length ?? 0 });
    });
    begin = layout.preambleBytes + (ends.at(-1) ?? 0);
  }
  const offsets = first.map(({ offset }) => offset);
  const lines = await linesAt(layout.path, offsets);
  return {
    count,
    first: first.map(({ why, cells }, at) => ({ line: lines[at] ?? 1, why, cells })),
  };
}
