import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mayBePlain, plainRecords, type CsvCell } from "../../src/frame/csv-plain.ts";
import { hasStrayQuote, isSuspect } from "../../src/frame/csv-quotes.ts";
import { CsvFault, recordBatches, type RecordOptions } from "../../src/frame/csv-records.ts";

interface Read {
  readonly records: readonly (readonly CsvCell[])[];
  readonly ends: readonly number[];
  readonly fault: CsvFault | null;
}

async function read(text: Buffer, cuts: readonly number[], options: RecordOptions): Promise<Read> {
  const records: (readonly CsvCell[])[] = [];
  const ends: number[] = [];
  const places = [0, ...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)];
  const chunks = places.map((from, at) => text.subarray(from, places[at + 1]));
  try {
    for await (const batch of recordBatches(ReadableStream.from(chunks), options)) {
      records.push(...batch.records);
      ends.push(...batch.ends);
    }
    return { records, ends, fault: null };
  } catch (error) {
    if (error instanceof CsvFault) return { records, ends, fault: error };
    throw error;
  }
}

/** What csv-parse says of the text, up to where it refuses it or quotes leave open what a cell is. */
function parsed(text: Buffer, { dialect, skipBlankLines, tellsNullFromEmpty }: RecordOptions) {
  const records: CsvCell[][] = [];
  const ends: number[] = [];
  let [isStray, isRefused] = [false, false];
  try {
    parse(text, {
      delimiter: dialect.delimiter,
      record_delimiter: dialect.terminator === "cr" ? ["\r\n", "\n", "\r"] : ["\r\n", "\n"],
      skip_empty_lines: skipBlankLines,
      relax_column_count: true,
      relax_quotes: true,
      cast: (value, { quoting }) => (tellsNullFromEmpty && value === "" && !quoting ? null : value),
      on_record: (record: CsvCell[], context) => {
        const end = context.bytes_records;
        const own = text.subarray(ends.at(-1) ?? 0, end);
        isStray ||= record.some(isSuspect) && hasStrayQuote(own, dialect.delimiter);
        if (isStray) return null;
        records.push(record);
        ends.push(end);
        return null;
      },
    });
  } catch {
    isRefused = true;
  }
  return { records, ends, isRefused: isRefused || isStray };
}

const PIECES = [
  ",",
  ",",
  "\n",
  "\n",
  "\r\n",
  "\r",
  '"',
  '"',
  '""',
  " ",
  "\t",
  ";",
  "a",
  "é",
  "😀",
  "=1",
];
const anyText = fc.array(fc.constantFrom(...PIECES), { maxLength: 60 }).map((all) => all.join(""));
const quoted = anyText.map((text) => `"${text.replaceAll('"', '""')}"`);
const bare = anyText.map((text) => text.replaceAll(/[,"\r\n]/g, "x"));
const row = fc.array(fc.oneof(bare, quoted), { minLength: 1, maxLength: 4 });
const wellFormed = fc
  .array(fc.tuple(row, fc.constantFrom("\n", "\r\n", "\n\n")), { maxLength: 12 })
  .map((rows) => rows.map(([cells, end]) => cells.join(",") + end).join(""));

describe("plain records", () => {
  it("are those that csv-parse gives, whatever stands in the file and however it is cut", async () => {
    const options = fc.record({
      dialect: fc.record({
        delimiter: fc.constantFrom(",", "\t"),
        terminator: fc.constantFrom("lf" as const, "lf" as const, "cr" as const),
      }),
      skipBlankLines: fc.boolean(),
      tellsNullFromEmpty: fc.boolean(),
      takesAnyWidth: fc.constant(true),
    });
    const cuts = fc.array(fc.nat(), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyText, wellFormed), cuts, options, async (text, at, how) => {
        const bytes = Buffer.from(text);
        const { records, ends, fault } = await read(bytes, at, how);
        expect({ records, ends, isRefused: fault !== null }).toEqual(parsed(bytes, how));
      }),
      { numRuns: 2000 },
    );
  });

  it("are all that a file holds whose cells are bare or in quotes from end to end", () => {
    fc.assert(
      fc.property(wellFormed, (text) => {
        const bytes = Buffer.from(`${text}end\n`);
        const how = { delimiter: ",", skipBlankLines: true, tellsNullFromEmpty: true };
        const { ends, isOpen } = plainRecords(bytes, how);
        expect({ end: ends.at(-1), isOpen }).toEqual({ end: bytes.length, isOpen: true });
      }),
    );
  });

  it("are told by their delimiter, which is one byte and ends no line", () => {
    expect([",", "\t", "|", "¦", '"', "\n", "::", ""].map(mayBePlain)).toEqual([
      ...[true, true, true],
      ...[false, false, false, false, false],
    ]);
  });

  it("hold a record with another number of cells than the first for a fault, where it stands", async () => {
    const how: RecordOptions = {
      dialect: { delimiter: ",", terminator: "lf" },
      skipBlankLines: true,
      tellsNullFromEmpty: true,
    };
    for (const [text, offset, found] of [
      ["a,b\n1,2\n\n3\n4,5\n", 8, 1],
      ["a,b\n1,2,3", 4, 3],
      ['a,b\n"1" ,2\n', 4, 0],
      ["a\n1,2\n", 2, 2],
    ] as const)
      for (const cut of [0, 3, 9]) {
        const { fault, records } = await read(Buffer.from(text), [cut], how);
        expect({ offset: fault?.offset, found: fault?.found }).toEqual({ offset, found });
        expect(records.every((record) => record.length === records[0]?.length)).toBe(true);
      }
  });
});
