/** A file of JSON objects read as rows: JSON Lines, or one array. Every value is its own text. */

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { InputError, InvariantError } from "../core/errors.ts";
import { textChunks, textSha256 } from "./compression.ts";
import { beforeSending, inputChanged } from "./csv-errors.ts";
import { emptyFile } from "./csv-faults.ts";
import type { FileState } from "./csv.ts";
import { fileState } from "./csv.ts";
import type { CellType } from "./cell-type.ts";
import type { Block, Frame } from "./frame.ts";
import { jsonText, jsonValue } from "./json-cells.ts";
import { duplicateName, jsonFaultInWords, notJson } from "./json-faults.ts";
import type { JsonBatch, JsonLayout } from "./json-records.ts";
import { jsonBatches, JsonFault, lineOf } from "./json-records.ts";
import { jsonField, jsonRaw, jsonSeen, type JsonSeen } from "./json-types.ts";
import type { Members } from "./json-scan.ts";
import { memberScanner, ScanFault } from "./json-scan.ts";
import { strictUtf8 } from "./text-bytes.ts";

/** A file of JSON objects as a {@link Frame}, with what the writer needs to give its text back unaltered. */
export interface JsonFrame extends Frame {
  readonly path: string;
  readonly layout: JsonLayout;
  /** Size and time of change when the file was opened. */
  readonly openedState: FileState;
  /** SHA-256 of the text when `fingerprint()` was asked for last; null before it ever was. */
  plannedSha256(): string | null;
  /** What was seen of each column's values, in the order of the columns; null where not all rows were looked at. */
  readonly seen: readonly JsonSeen[] | null;
}

/** How a file of JSON objects is opened. */
export interface JsonOptions {
  readonly layout: JsonLayout;
  /**
   * Looks at this many rows only, for a first sight of a file: columns that come later are not known, and
   * what is wrong with later rows may not be found. All rows when left out.
   */
  readonly rowsSeen?: number;
}

/**
 * Opens a file of JSON objects and reads it once, to know its columns and that it is valid.
 *
 * Columns are all names that any object has, in the order in which they first come. A name that an
 * object lacks is null there, as is JSON's null. Text is a string's characters and any other value's own
 * text: no digit is rounded, and lists and objects are JSON as they stand in the file. Values: integers
 * that a number would round are bigints. UTF-8 only; gzip and zstd are read as the text they hold. The
 * fingerprint is a hash of the text, taken from the first reading while the file stays as it was. A column
 * whose values are all booleans, all integers of 64 bits, or all numbers that 64-bit floats keep has that
 * type; any other is text.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`, `file_damaged`, `file_empty`, `no_rows`,
 * `json_syntax`, `duplicate_column` or `not_utf8`, naming the line; nothing was sent.
 */
export async function openJson(path: string, options: JsonOptions): Promise<JsonFrame> {
  try {
    return await openFrame(path, options);
  } catch (error) {
    throw beforeSending(error);
  }
}

async function openFrame(path: string, { layout, rowsSeen }: JsonOptions): Promise<JsonFrame> {
  const openedState = await fileState(path);
  const seen = await survey(path, { layout, maxRows: rowsSeen ?? Infinity });
  if (seen.rowCount === 0) {
    if (seen.isBlank) throw emptyFile(path, openedState.bytes);
    throw new InputError("no_rows", `${path} holds an array without objects.`, {
      hint: "Check that the file was written to its end, and that it is the one you mean.",
    });
  }
  const fields = seen.columns.map((name, at) => jsonField(name, seen.kinds[at] ?? 0));
  const types = new Map(fields.map(({ name, type }) => [name, type]));
  let planned: string | null = null;
  const frame: JsonFrame = {
    path,
    layout,
    name: basename(path),
    columns: seen.columns,
    openedState,
    seen: seen.sha256 === null ? null : seen.kinds,
    ...(seen.sha256 === null ? {} : { types: () => Promise.resolve(fields) }),
    blocks: (names, maxRows) => blocksOf(frame, { names, maxRows, types }),
    fingerprint: async () => {
      const isUnchanged = seen.sha256 !== null && (await changeOf(frame)) === null;
      return (planned = isUnchanged ? seen.sha256 : await textSha256(path));
    },
    plannedSha256: () => planned,
  };
  return frame;
}

/** What a first reading finds. */
interface Survey {
  readonly columns: readonly string[];
  /** What was seen of the values of each. */
  readonly kinds: readonly JsonSeen[];
  readonly rowCount: number;
  /** True where there is nothing but white space. */
  readonly isBlank: boolean;
  /** Null where the reading did not come to the end. */
  readonly sha256: string | null;
}

async function survey(
  path: string,
  { layout, maxRows }: { readonly layout: JsonLayout; readonly maxRows: number },
): Promise<Survey> {
  const hash = createHash("sha256");
  const hashed = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of textChunks(path)) {
      hash.update(chunk);
      yield chunk;
    }
  };
  const columns = columnIndex();
  const scan = memberScanner();
  let rowCount = 0;
  let isBlank = true;
  for await (const batch of jsonRecords({ path, layout }, hashed())) {
    for (const [at, text] of batch.texts.entries()) {
      const twice = columns.addRow(text, validMembers(scan, text, { path, batch, at }));
      if (twice !== null) throw duplicateName({ path, line: lineOf(batch, at) }, twice);
      rowCount += 1;
      if (rowCount === maxRows) return { ...columns.found, rowCount, isBlank, sha256: null };
    }
    isBlank &&= batch.texts.length === 0 && /^\ufeff?\s*$/.test(batch.tail);
  }
  return { ...columns.found, rowCount, isBlank, sha256: hash.digest("hex") };
}

/** The objects of a file, with faults put into words. @throws {InputError} `json_syntax`, `not_utf8`. */
export async function* jsonRecords(
  { path, layout }: Pick<JsonFrame, "path" | "layout">,
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<JsonBatch> {
  try {
    yield* jsonBatches(strictUtf8(chunks, { path, start: 0 }), layout);
  } catch (error) {
    if (error instanceof JsonFault) throw jsonFaultInWords(error, path);
    throw error;
  }
}

/** All names in the order of their first coming, what their values are, and a check of each row for a name that stands twice. */
function columnIndex(): {
  readonly found: { readonly columns: string[]; readonly kinds: JsonSeen[] };
  addRow(text: string, members: Members): string | null;
} {
  const columns: string[] = [];
  const kinds: JsonSeen[] = [];
  const positions = new Map<string, number>();
  const lastRow: number[] = [];
  let row = 0;
  return {
    found: { columns, kinds },
    addRow: (text, { names, starts, ends }) => {
      row += 1;
      for (let at = 0; at < names.length; at += 1) {
        const name = names[at] ?? "";
        let position = positions.get(name);
        if (position === undefined) {
          position = columns.push(name) - 1;
          positions.set(name, position);
        }
        if (lastRow[position] === row) return name;
        lastRow[position] = row;
        kinds[position] = (kinds[position] ?? 0) | jsonSeen(text, starts[at] ?? 0, ends[at] ?? 0);
      }
      return null;
    },
  };
}

/** What is read of a file. */
interface Reading {
  readonly names: readonly string[];
  readonly maxRows: number;
  readonly types: ReadonlyMap<string, CellType>;
}

async function* blocksOf(
  frame: JsonFrame,
  { names, maxRows, types }: Reading,
): AsyncGenerator<Block> {
  const unknown = names.find((name) => !frame.columns.includes(name));
  if (unknown !== undefined) {
    throw new InvariantError("unknown_column", `${frame.name} has no column ${unknown}.`);
  }
  await refuseJsonChange(frame);
  const { path } = frame;
  const scan = memberScanner(new Set(names));
  const places: number[] = [];
  let firstRow = 0;
  let cells: (string | null)[][] = names.map(() => []);
  let rowCount = 0;
  for await (const batch of jsonRecords(frame, textChunks(path))) {
    for (const [at, text] of batch.texts.entries()) {
      const { names: own, starts, ends } = scannedMembers(scan, text, { path, batch, at });
      for (const [column, name] of names.entries()) {
        // Mostly where it stood in the row before; a search for each would make wide rows slow.
        const before = places[column] ?? 0;
        const member = own[before] === name ? before : own.indexOf(name);
        places[column] = Math.max(0, member);
        cells[column]?.push(member < 0 ? null : text.slice(starts[member], ends[member]));
      }
      rowCount += 1;
      if (rowCount < maxRows) continue;
      yield blockOf({ firstRow, rowCount, names, cells, types });
      firstRow += rowCount;
      rowCount = 0;
      cells = names.map(() => []);
    }
  }
  if (rowCount > 0) yield blockOf({ firstRow, rowCount, names, cells, types });
}

interface Place {
  readonly path: string;
  readonly batch: JsonBatch;
  readonly at: number;
}

function validMembers(scan: (text: string) => Members, text: string, place: Place): Members {
  try {
    // Only to be judged: the values are taken from the text, where no digit is lost.
    JSON.parse(text);
  } catch (error) {
    throw notJson({ path: place.path, line: lineOf(place.batch, place.at) }, error);
  }
  return scannedMembers(scan, text, place);
}

function scannedMembers(scan: (text: string) => Members, text: string, place: Place): Members {
  try {
    return scan(text);
  } catch (error) {
    if (!(error instanceof ScanFault)) throw error;
    throw notJson({ path: place.path, line: lineOf(place.batch, place.at) }, error);
  }
}

function blockOf(rows: {
  readonly firstRow: number;
  readonly rowCount: number;
  readonly names: readonly string[];
  readonly cells: readonly (readonly (string | null)[])[];
  readonly types: ReadonlyMap<string, CellType>;
}): Block {
  const raw = (name: string): readonly (string | null)[] => {
    const cells = rows.cells[rows.names.indexOf(name)];
    if (cells !== undefined) return cells;
    throw new InvariantError("unknown_column", `Column ${name} was not asked for with this block.`);
  };
  return {
    firstRow: rows.firstRow,
    rowCount: rows.rowCount,
    text: (name) => raw(name).map(jsonText),
    values: (name) => raw(name).map(jsonValue),
    raw: (name) => {
      const type = rows.types.get(name) ?? { kind: "text" };
      return raw(name).map((cell) => jsonRaw(cell, type));
    },
  };
}

/** How a file differs from the one that was opened; null where it does not. */
async function changeOf({ path, openedState: opened }: JsonFrame): Promise<string | null> {
  const now = await fileState(path);
  if (now.bytes === opened.bytes && now.modifiedMs === opened.modifiedMs) return null;
  return "it was written to after it was opened";
}

/** Refuses a file that is not as it was when it was opened. @throws {InputError} `input_changed` */
export async function refuseJsonChange(frame: JsonFrame): Promise<void> {
  const change = await changeOf(frame);
  if (change !== null) throw inputChanged(frame.path, change);
}
