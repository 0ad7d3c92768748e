/** Difference: two columns of answers to the same rows, from two runs or two files. */

import { agreement, kappaOf, transitionsOf, type DiffReport } from "./core/agreement.ts";
import { InputError } from "./core/errors.ts";
import { didYouMean } from "./core/suggest.ts";
import { displayed } from "./display/bundle.ts";
import { differenceBundle } from "./display/difference.ts";
import { openFile } from "./files/files.ts";
import { writeCsvRows } from "./frame/csv-rows.ts";
import type { Block, Frame } from "./frame/frame.ts";

/** A file and the column of it that is compared. */
export interface AnswerColumn {
  readonly file: string;
  readonly column: string;
}

const ROWS_PER_BLOCK = 1000;

/**
 * Compares two columns of answers row by row, and writes the rows that differ to `changedTo` where it
 * is given: the columns both files share, then the first answer and the second.
 *
 * The files must hold the same rows in the same order; every column that both have, answers and what
 * belongs to them aside, is compared, and the first row that differs there ends it. Streams; memory
 * grows with the labels.
 *
 * @throws {InputError} `unknown_column`, `rows_differ`, and what reading or writing the files throws.
 */
export async function diffFiles(
  before: AnswerColumn,
  after: AnswerColumn,
  options: { readonly changedTo?: string } = {},
): Promise<DiffReport> {
  const a = { ...before, frame: await openColumn(before) };
  const b = { ...after, frame: await openColumn(after) };
  const shared = sharedColumns(a, b);
  const counts = agreement();
  const rows = changedRows({ a, b, shared }, (from, to) => {
    counts.add(from ?? "", to);
  });
  if (options.changedTo === undefined) {
    // Nothing is written; the rows are only counted as they pass.
    while ((await rows.next()).done !== true);
  } else {
    const [first, second] = answerNames(before, after);
    const columns = [...shared, first, second];
    await writeCsvRows({ output: options.changedTo, input: before.file, columns, rows });
  }
  const { counts: counted } = counts;
  const transitions = transitionsOf(counted);
  const changed = transitions.reduce((sum, transition) => sum + transition.rows, 0);
  const report: DiffReport = {
    rows: counted.rows,
    changed,
    agreement: counted.rows === 0 ? 1 : 1 - changed / counted.rows,
    kappa: kappaOf(counted),
    transitions,
  };
  return displayed(report, differenceBundle);
}

interface Side extends AnswerColumn {
  readonly frame: Frame;
}

async function openColumn({ file, column }: AnswerColumn): Promise<Frame> {
  const frame = await openFile(file);
  if (frame.columns.includes(column)) return frame;
  throw new InputError(
    "unknown_column",
    `${file} has no column named ${JSON.stringify(column)}. Nothing was compared.`,
    { hint: didYouMean(column, frame.columns) },
  );
}

/** The columns both files have that are no answers: whatever begins like an answer's name belongs to it. */
function sharedColumns(a: Side, b: Side): readonly string[] {
  const isAnswer = (name: string): boolean =>
    [a.column, b.column].some((column) => name === column || name.startsWith(`${column}_`));
  const inB = new Set(b.frame.columns);
  return a.frame.columns.filter((name) => inB.has(name) && !isAnswer(name));
}

function answerNames(before: AnswerColumn, after: AnswerColumn): readonly [string, string] {
  return before.column === after.column
    ? [`${before.column}_before`, `${after.column}_after`]
    : [before.column, after.column];
}

async function* changedRows(
  { a, b, shared }: { readonly a: Side; readonly b: Side; readonly shared: readonly string[] },
  onRow: (from: string | null, to: string | null) => void,
): AsyncGenerator<readonly (string | null)[]> {
  const left = rowsOf(a, shared);
  const right = rowsOf(b, shared);
  try {
    for (let row = 0; ; row++) {
      const [one, other] = await Promise.all([left.next(), right.next()]);
      if (one.done === true && other.done === true) return;
      if (one.done === true || other.done === true)
        throw rowsDiffer(a, b, `${one.done === true ? a.file : b.file} ends after ${String(row)}`);
      const [from, ...cells] = one.value;
      const [to, ...others] = other.value;
      const at = cells.findIndex((cell, index) => cell !== others[index]);
      if (at >= 0)
        throw rowsDiffer(a, b, `row ${String(row + 1)} differs in ${JSON.stringify(shared[at])}`);
      onRow(from ?? null, to ?? null);
      if (from !== to) yield [...cells, from ?? null, to ?? null];
    }
  } finally {
    await left.return(undefined);
    await right.return(undefined);
  }
}

/** A file's rows, the answer first. */
async function* rowsOf(
  { frame, column }: Side,
  shared: readonly string[],
): AsyncGenerator<readonly (string | null)[], undefined> {
  const names = [column, ...shared];
  for await (const block of frame.blocks([...new Set(names)], ROWS_PER_BLOCK)) {
    const columns = names.map((name) => cellsOf(block, name));
    for (let row = 0; row < block.rowCount; row++) yield columns.map((cells) => cells[row] ?? null);
  }
}

/** A blank answer is none, whichever way the file writes it. */
function cellsOf(block: Block, name: string): readonly (string | null)[] {
  return block.text(name).map((cell) => (cell === "" ? null : cell));
}

function rowsDiffer(a: Side, b: Side, problem: string): InputError {
  return new InputError(
    "rows_differ",
    `${a.file} and ${b.file} do not hold the same rows: ${problem}. Nothing was written.`,
    { hint: "Compare the outputs of two runs over the same input." },
  );
}
