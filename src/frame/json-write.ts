/** The input's objects again with new members at the end of every one, nothing else altered but what these replace. */

import { createHash } from "node:crypto";
import type { NewCell, NewColumn } from "../core/column.ts";
import { InvariantError } from "../core/errors.ts";
import type { Json } from "../core/hash.ts";
import { textChunks, textSha256 } from "./compression.ts";
import { inputChanged } from "./csv-errors.ts";
import { checkOutput, writeWhole } from "./csv-output.ts";
import type { NewColumnsTo } from "./csv-write.ts";
import { newCellJson } from "./json-cells.ts";
import type { JsonLayout } from "./json-records.ts";
import type { MemberStyle } from "./json-splice.ts";
import { memberReplacer, onOneLine, styleOf, withMembers } from "./json-splice.ts";
import type { JsonFrame } from "./json.ts";
import { jsonRecords, refuseJsonChange } from "./json.ts";
import type { RowQueue } from "./new-columns.ts";
import { rowQueue, stayingNames } from "./new-columns.ts";
import { isSameJson } from "./old-cell.ts";
import { cellsAfter } from "./write-marks.ts";

/** What was written. */
export interface JsonWritten {
  readonly rows: number;
  /** Bytes of the output's text, before it is compressed. */
  readonly bytes: number;
}

/**
 * Writes the input's objects, character for character, each with its new members before its end, and with
 * `replaces` without the members that have their names.
 *
 * One file written in its own layout, or files of JSON Lines as JSON Lines, keep what stands between the
 * objects as well: blank lines, line endings, byte order mark, indents, a missing last line ending.
 * Otherwise objects are written a line each, and in an array with a comma after each. New members are
 * spaced as the first object's are; vectors are lists of numbers, lists and structs nest, null stays
 * null. The file appears whole or not at all.
 *
 * @throws {InputError} `column_exists`, `output_is_input`, `output_unwritable`, `disk_full`,
 * `input_changed`, and what reading the input throws.
 * @throws {InvariantError} `cells_misaligned` or `cells_count` where the cells are not one per row.
 */
export async function writeJson(
  options: NewColumnsTo & { readonly inputs: readonly JsonFrame[]; readonly layout: JsonLayout },
): Promise<JsonWritten> {
  const { inputs, columns, output, layout } = options;
  const [first] = inputs;
  if (first === undefined) throw new InvariantError("cells_count", "There is nothing to write.");
  for (const input of inputs) {
    stayingNames(input.columns, columns, options.replaces);
    await checkOutput(output, input.path, "before writing");
  }
  const { replaces: removes = false } = options;
  // Between objects that are left out, what stood there would be left over.
  const keepsGaps =
    options.keeps === undefined &&
    inputs.every((input) => input.layout === layout) &&
    (inputs.length === 1 || layout === "jsonl");
  const counts = { rows: 0, bytes: 0, bytesRead: 0, rowsRead: 0 };
  const bytesInAll = inputs.reduce((sum, { openedState }) => sum + openedState.bytes, 0);
  const { resume, compression } = options;
  const doneShare = (): number => counts.bytesRead / bytesInAll;
  const target = { output, input: first.path, doneShare, resume, compression };
  await writeWhole(target, async (append, marks) => {
    const { cells, firstRow } = cellsAfter(options, marks);
    const rows = rowQueue(cells, columns.length, firstRow);
    Object.assign(counts, marks.last?.state);
    try {
      const { keeps = () => true } = options;
      const work = { inputs, columns, removes, rows, counts, layout, keeps, firstRow };
      for await (const { text, endsObject } of keepsGaps ? spliced(work) : joined(work)) {
        const bytes = Buffer.from(text);
        counts.bytes += bytes.length;
        await append(bytes);
        const saved = (): Json => ({ rows: counts.rows, bytes: counts.bytes });
        if (endsObject) await marks.reached(counts.rowsRead, saved);
      }
      if (!(await rows.isDrained())) throw wrongCount(first, "more rows than the file");
    } finally {
      await rows.close();
    }
  });
  return { rows: counts.rows, bytes: counts.bytes };
}

interface Piece {
  readonly text: string;
  /** Whether it ends with an object, or what always follows one, rather than with the file's end. */
  readonly endsObject: boolean;
}

interface Work {
  readonly inputs: readonly JsonFrame[];
  readonly columns: readonly NewColumn[];
  /** Whether objects lose the members that have the names of the new ones, whose values are written as they were where the new ones are the same. */
  readonly removes: boolean;
  readonly rows: RowQueue;
  readonly counts: { rows: number; bytesRead: number; rowsRead: number };
  /** Rows before this one were written before; they are read to be told apart, and not written again. */
  readonly firstRow: number;
  readonly layout: JsonLayout;
  readonly keeps: (row: readonly NewCell[]) => boolean;
}

/** The output's text, what stands between the objects as it is. */
async function* spliced(work: Work): AsyncGenerator<Piece> {
  const widen = widener(work, (text) => text);
  let endsLine = true;
  for (const [at, input] of work.inputs.entries()) {
    const source = hashedText(input, work.counts);
    let isStart = at > 0;
    for await (const { gaps, texts, tail } of jsonRecords(input, source.chunks)) {
      await work.rows.fill(texts.length);
      const parts: string[] = [];
      for (const [index, text] of texts.entries()) {
        const wide = widen(text);
        if (wide === null) throw await tooFewRows(input);
        if (wide === "") {
          isStart = false;
          endsLine = false;
        } else parts.push(gaps[index] ?? "", wide);
      }
      // A mark follows an object, so what follows the last one of a part stands only before later marks.
      if (work.counts.rowsRead < work.firstRow) {
        if (tail !== "") endsLine = tail.endsWith("\n");
        continue;
      }
      parts.push(tail);
      const made = parts.join("");
      // A byte order mark may stand at the beginning of a file only.
      const own = isStart ? made.replace(/^\ufeff/, "") : made;
      if (own === "") continue;
      const endsObject = tail === "" && texts.length > 0;
      yield { text: isStart && !endsLine ? `\n${own}` : own, endsObject };
      isStart = false;
      endsLine = own.endsWith("\n");
    }
    await refuseChange(input, () => Promise.resolve(source.sha256()));
  }
}

/** The output's text, written anew around the objects. */
async function* joined(work: Work): AsyncGenerator<Piece> {
  const isArray = work.layout === "json";
  const widen = widener(work, isArray ? (text) => text : onOneLine);
  let isFirst = work.counts.rows === 0;
  for (const input of work.inputs) {
    const source = hashedText(input, work.counts);
    for await (const { texts } of jsonRecords(input, source.chunks)) {
      await work.rows.fill(texts.length);
      const parts: string[] = [];
      for (const text of texts) {
        const wide = widen(text);
        if (wide === null) throw await tooFewRows(input);
        if (wide === "") continue;
        if (isArray) parts.push(isFirst ? "[\n" : ",\n", wide);
        else parts.push(wide, "\n");
        isFirst = false;
      }
      if (parts.length > 0) yield { text: parts.join(""), endsObject: true };
    }
    await refuseChange(input, () => Promise.resolve(source.sha256()));
  }
  if (isArray) yield { text: isFirst ? "[]\n" : "\n]\n", endsObject: false };
}

/** Gives each object with the cells of the next row; nothing where it is left out or was written before, null where there is no row for it. */
function widener(
  { columns, removes, rows, counts, keeps, firstRow }: Work,
  shape: (text: string) => string,
): (text: string) => string | null {
  let style: MemberStyle | null = null;
  let names: readonly string[] = [];
  const replace = removes ? memberReplacer(new Set(columns.map(({ name }) => name))) : null;
  return (text) => {
    const shaped = shape(text);
    counts.rowsRead += 1;
    if (counts.rowsRead > firstRow) counts.rows += 1;
    if (columns.length === 0) return shaped;
    if (style === null) {
      const { colon } = (style = styleOf(shaped));
      names = columns.map(({ name }) => JSON.stringify(name) + colon);
    }
    if (counts.rowsRead <= firstRow) return "";
    const row = rows.take();
    if (row === null) return null;
    if (!keeps(row)) {
      counts.rows -= 1;
      return "";
    }
    const members = names.map((name, at) => [name, newCellJson(row[at] ?? null)] as const);
    if (replace === null) return withMembers(shaped, members, style);
    const membersFor = (old: ReadonlyMap<string, string>): typeof members =>
      columns.map(({ name, type }, at) => {
        const own = old.get(name);
        const isSame = own !== undefined && isSameJson(type, own, row[at] ?? null);
        const [written = "", value = ""] = members[at] ?? [];
        return [written, isSame ? own : value];
      });
    return replace(shaped, membersFor, style);
  };
}

async function tooFewRows(input: JsonFrame): Promise<InvariantError> {
  await refuseChange(input, () => textSha256(input.path));
  return wrongCount(input, "fewer rows than the file");
}

function hashedText(
  { path }: JsonFrame,
  counts: { bytesRead: number },
): { readonly chunks: AsyncIterable<Buffer>; sha256(): string } {
  const hash = createHash("sha256");
  const onRead = (bytes: number): void => {
    counts.bytesRead += bytes;
  };
  const chunks = async function* (): AsyncGenerator<Buffer> {
    for await (const chunk of textChunks(path, { onRead })) {
      hash.update(chunk);
      yield chunk;
    }
  };
  return { chunks: chunks(), sha256: () => hash.digest("hex") };
}

/** Throws `input_changed` where the file is not the one that was planned, or else not the one opened. */
async function refuseChange(input: JsonFrame, sha256: () => Promise<string>): Promise<void> {
  const planned = input.plannedSha256();
  if (planned === null) await refuseJsonChange(input);
  else if ((await sha256()) !== planned) {
    throw inputChanged(input.path, "its content is not what the run was planned from");
  }
}

function wrongCount(input: JsonFrame, what: string): InvariantError {
  return new InvariantError(
    "cells_count",
    `The new columns have ${what} ${input.path}. Nothing was written.`,
  );
}
