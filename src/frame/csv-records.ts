/** Records of a CSV file with the place of each in the file; the only file that knows csv-parse. */

import { Parser } from "csv-parse";
import { parse } from "csv-parse/sync";
import { hasStrayQuote, isSuspect } from "./csv-quotes.ts";

/** How a CSV file is written. */
export interface CsvDialect {
  /** One of `,` `;` TAB `|`, or what the caller said. */
  readonly delimiter: string;
  /**
   * What ends a record. `lf`: LF or CRLF, record by record, while a CR alone is text; `cr`: a CR alone
   * as well, as in files from old Macs.
   */
  readonly terminator: "lf" | "cr";
}

/** What stands in one cell: null when nothing stands there, "" when a pair of quotes does. */
export type CsvCell = string | null;

/** The records that ended within one chunk of the file, in order. */
export interface RecordBatch {
  readonly records: readonly (readonly CsvCell[])[];
  /** `ends[i]` is the offset just past record i and what ends it, in bytes from the first chunk's start. */
  readonly ends: readonly number[];
}

/** How {@link recordBatches} reads. */
export interface RecordOptions {
  readonly dialect: CsvDialect;
  /** True: empty lines are not records and belong to the bytes before the next one. */
  readonly skipBlankLines: boolean;
  /** False where only the offsets matter: an empty cell is then "" either way, and reading is faster. */
  readonly tellsNullFromEmpty: boolean;
  /** True: records of any width are given; else the first one's width is every one's. */
  readonly takesAnyWidth?: boolean;
}

/** A record the parser refused, before it is put into words; `offset` counts as in {@link RecordBatch}. */
export class CsvFault extends Error {
  override readonly name = "CsvFault";
  /** `ragged`: another number of cells than the first record. `size`: longer than {@link maxRecordCharacters}. */
  readonly kind: "ragged" | "unclosed_quote" | "stray_quote" | "size" | "other";
  /** Where the refused record (or, for quotes, the refused cell) begins, in bytes from the first chunk's start. */
  readonly offset: number;
  /** How many cells the record has, for `ragged`; else 0. */
  readonly found: number;

  constructor(kind: CsvFault["kind"], place: { offset: number; found: number }, cause: Error) {
    super(cause.message, { cause });
    this.kind = kind;
    this.offset = place.offset;
    this.found = place.found;
  }
}

/**
 * The longest record taken, in characters: a quote that is never closed makes the rest of the file one
 * record, which would otherwise be held in memory whole.
 */
export const maxRecordCharacters = 128 * 1024 * 1024;

const kinds: Readonly<Record<string, CsvFault["kind"]>> = {
  CSV_RECORD_INCONSISTENT_FIELDS_LENGTH: "ragged",
  CSV_QUOTE_NOT_CLOSED: "unclosed_quote",
  CSV_INVALID_CLOSING_QUOTE: "stray_quote",
  INVALID_OPENING_QUOTE: "stray_quote",
  CSV_MAX_RECORD_SIZE: "size",
};

/**
 * Parses chunks of a CSV file (no byte order mark) into one batch per chunk.
 *
 * @throws {CsvFault} at the first record that cannot be read; all records before it have been given.
 */
export async function* recordBatches(
  chunks: AsyncIterable<Buffer>,
  options: RecordOptions,
): AsyncGenerator<RecordBatch> {
  let records: CsvCell[][] = [];
  let ends: number[] = [];
  let lastEnd = 0;
  let held: Buffer[] = [];
  let heldFrom = 0;
  let stray: number | null = null;
  /** The bytes up to `end` that no record has taken yet. */
  const bytesTo = (end: number): Buffer => {
    const all = held.length === 1 ? held[0] : Buffer.concat(held);
    return (all ?? Buffer.alloc(0)).subarray(lastEnd - heldFrom, end - heldFrom);
  };
  const parser = new Parser({
    ...parserOptions(options),
    // A quote within a bare cell is text; those that are not are found below.
    relax_quotes: true,
    // Taking records here and pushing none spares a stream object per row.
    on_record: (record: CsvCell[], context) => {
      if (stray !== null) return null;
      const end = context.bytes_records;
      if (record.some(isSuspect) && hasStrayQuote(bytesTo(end), options.dialect.delimiter)) {
        stray = lastEnd;
        return null;
      }
      records.push(record);
      lastEnd = end;
      ends.push(lastEnd);
      return null;
    },
  });
  // A failed write reports through its callback; without a listener the event would end the process.
  parser.on("error", () => undefined);
  const takeBatch = (): RecordBatch => {
    const batch = { records, ends };
    records = [];
    ends = [];
    return batch;
  };
  try {
    for await (const chunk of chunks) {
      held.push(chunk);
      const failure = await written((done) => parser.write(chunk, done));
      if (records.length > 0) yield takeBatch();
      refuseStray(stray);
      if (failure !== null) throw faultOf(failure, lastEnd);
      while (held[0] !== undefined && heldFrom + held[0].length <= lastEnd) {
        heldFrom += held[0].length;
        held = held.slice(1);
      }
    }
    const failure = await written((done) => parser.end(done));
    if (records.length > 0) yield takeBatch();
    refuseStray(stray);
    if (failure !== null) throw faultOf(failure, lastEnd);
  } finally {
    parser.destroy();
  }
}

/** @throws {CsvFault} where a record was found, at `offset`, whose quotes leave open what its cells are. */
function refuseStray(offset: number | null): void {
  if (offset !== null)
    throw new CsvFault("stray_quote", { offset, found: 0 }, new Error("a stray quote"));
}

function parserOptions(options: RecordOptions) {
  const { dialect, skipBlankLines, tellsNullFromEmpty, takesAnyWidth = false } = options;
  return {
    delimiter: dialect.delimiter,
    // Left to itself csv-parse takes the first line's ending for all, and a CRLF among LFs would leave
    // its CR in the last cell.
    record_delimiter: dialect.terminator === "cr" ? ["\r\n", "\n", "\r"] : ["\r\n", "\n"],
    skip_empty_lines: skipBlankLines,
    relax_column_count: takesAnyWidth,
    max_record_size: maxRecordCharacters,
    ...(tellsNullFromEmpty
      ? {
          cast: (value: string, context: { readonly quoting: boolean }) =>
            value === "" && !context.quoting ? null : value,
        }
      : {}),
  };
}

/** Resolves to what a stream operation reported: null when all went well. */
function written(operation: (done: (error?: Error | null) => void) => void): Promise<Error | null> {
  return new Promise((resolve) => {
    operation((error) => {
      resolve(error ?? null);
    });
  });
}

function faultOf(error: Error, lastEnd: number): CsvFault {
  const { code, bytes, record } = error as Error & {
    readonly code?: unknown;
    readonly bytes?: unknown;
    readonly record?: unknown;
  };
  const kind = (typeof code === "string" ? kinds[code] : undefined) ?? "other";
  // For quotes `bytes` is the end of the last cell read; for a ragged record it is already its own end.
  const isCell = kind === "unclosed_quote" || kind === "stray_quote";
  const offset = isCell && typeof bytes === "number" ? Math.max(bytes, lastEnd) : lastEnd;
  return new CsvFault(kind, { offset, found: Array.isArray(record) ? record.length : 0 }, error);
}

/**
 * How many cells each of the first 20 records has when the text is cut at `delimiter`; shorter when the
 * text is not valid in that dialect. Unless the text is the whole file, a last record without an end is
 * left out, for it may be cut off.
 */
export function recordWidths(
  text: Buffer,
  options: { readonly dialect: CsvDialect; readonly isWhole: boolean },
): readonly number[] {
  const endsClean = options.isWhole || text.at(-1) === 0x0a;
  const widths: number[] = [];
  try {
    parse(text, {
      ...parserOptions({
        dialect: options.dialect,
        skipBlankLines: true,
        tellsNullFromEmpty: false,
        takesAnyWidth: true,
      }),
      to: 20,
      on_record: (record: string[], context) => {
        const isComplete = endsClean || context.bytes_records < text.length;
        if (isComplete || widths.length === 0) widths.push(record.length);
        return null;
      },
    });
  } catch {
    // A wrong guess at the delimiter may make nonsense of the quotes: what came before still counts.
  }
  return widths;
}
