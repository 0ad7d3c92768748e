/** Reviewing, the second half: what people have filled in is kept, and stands before what the model said. */

import { dirname } from "node:path";
import { agreement, labelOf, scoresOf, type Scores } from "./core/agreement.ts";
import { InputError, StoreError } from "./core/errors.ts";
import type { AnswerForm } from "./core/form.ts";
import type { Json } from "./core/hash.ts";
import type { Receipt } from "./core/receipt.ts";
import { didYouMean } from "./core/suggest.ts";
import { exportRun } from "./export.ts";
import { openFile } from "./files/files.ts";
import { checkOutput } from "./frame/csv-output.ts";
import { isFormula } from "./frame/csv-cells.ts";
import { answerText, givenAnswer, readGiven } from "./output/given-answer.ts";
import { openAskedRows, type AskedRow, type AskedRows } from "./runs/asked-rows.ts";
import { fillColumn, REQUEST, requestIdsAt, requestMark, ROW } from "./runs/review-sheet.ts";
import type { RunStatus } from "./runs/run-status.ts";
import { addCorrections } from "./store/corrections.ts";
import { readSqliteRun } from "./store/sqlite-reader.ts";

/** What people have made of a run's answers. */
export interface ReviewImported {
  readonly run: string;
  readonly column: string;
  /** The answers that were filled in, held against the model's; a row without an answer counts as wrong. */
  readonly scores: Scores;
  /** Rows of the file in which nothing was filled in; they count for nothing. */
  readonly blank: number;
  /** Of the output with the right answers in it. */
  readonly receipt: Receipt;
}

/**
 * Reads what people have filled in below `correct_<column>` of a file that {@link exportReview} wrote, keeps
 * it durably for all runs of the directory, and writes the run's output again with it: a person's answer
 * stands wherever the same is asked of the same model, in later runs too.
 *
 * Rows may be missing, moved or left blank, and the file may have been through a spreadsheet. Each answer must be
 * one that the model might have given; where one is not, nothing is changed. To take a correction back, fill in
 * the model's answer. Sends nothing and spends nothing.
 *
 * @throws {InputError} `review_unsupported`, `review_foreign` for a row of another run, `review_answer_invalid`,
 * `review_empty` where nothing is filled in, `unknown_column`, and what reading and writing the files throws.
 * @throws {StoreError} `run_locked` while another process drives the run.
 */
export async function importReview(
  run: RunStatus,
  path: string,
  options: { readonly output?: string } = {},
): Promise<ReviewImported> {
  const asked = await openAskedRows(run);
  let read: ReadReview;
  try {
    const output = options.output ?? asked.spec.output;
    if (output === null)
      throw new InputError(
        "output_missing",
        `Run ${run.id} has no output file of its own to put the right answers in. Nothing was changed.`,
        { hint: "Say where it shall be written: -o FILE." },
      );
    await checkOutput(output, asked.spec.input ?? "", "before writing");
    if (readSqliteRun(run.directory).isDriven)
      throw new StoreError(
        "run_locked",
        `Run ${run.id} is being driven by another process. Nothing was changed.`,
        { hint: "Import once it has ended." },
      );
    read = await readReview(asked, { run, path });
    await addCorrections(dirname(run.directory), read.corrections);
    const receipt = await exportRun(run, output);
    return { run: run.id, column: run.column, ...read.counts, receipt };
  } finally {
    await asked.close();
  }
}

interface ReadReview {
  readonly corrections: ReadonlyMap<string, Json>;
  readonly counts: Pick<ReviewImported, "scores" | "blank">;
}

async function readReview(
  asked: AskedRows,
  { run, path }: { readonly run: RunStatus; readonly path: string },
): Promise<ReadReview> {
  const { filled, blank } = await filledRows(path, run);
  if (filled.size === 0)
    throw new InputError(
      "review_empty",
      `No row of ${path} has anything in the column ${JSON.stringify(fillColumn(run.column))}. Nothing was changed.`,
      {
        hint: "Fill in the right answer of each row you have looked at, also where the model has it.",
      },
    );
  const rows = new Map<number, AskedRow>();
  for await (const row of asked.rows()) if (filled.has(row.row)) rows.set(row.row, row);
  const requests = new Set([...rows.values()].map(({ request }) => request));
  const ids = await requestIdsAt(requests, asked.store.requestIds());
  const counts = agreement();
  const corrections = new Map<string, Json>();
  const saidAt = new Map<string, Filled & { readonly gold: string }>();
  for (const [row, one] of filled) {
    const at = `Line ${String(one.line)} of ${path}`;
    const known = rows.get(row);
    const id = ids.get(known?.request ?? -1) ?? "";
    if (known === undefined || requestMark(id) !== one.mark)
      throw new InputError(
        "review_foreign",
        `${at} is not a row that run ${run.id} has asked and exported. Nothing was changed.`,
        {
          hint: "Name the run that the file was exported from, and leave the columns row and request as they are.",
        },
      );
    const given = givenAnswer(asked.reading.form, one.text);
    const gold = await goldOf(asked, { given, text: one.text, at });
    const before = saidAt.get(id);
    if (before !== undefined && before.gold !== gold)
      throw new InputError(
        "review_answer_invalid",
        `${at} and line ${String(before.line)} are the same question with two answers. Nothing was changed.`,
        { hint: "Leave one of them." },
      );
    saidAt.set(id, { ...one, gold });
    corrections.set(id, given);
    counts.add(gold, "value" in known.outcome ? labelOf(answerText(known.outcome.value)) : null);
  }
  return { corrections, counts: { scores: scoresOf(counts.counts), blank } };
}

/** The text of a given answer as the run would show it. @throws {InputError} `review_answer_invalid` */
async function goldOf(
  { reading }: AskedRows,
  { given, text, at }: { readonly given: Json; readonly text: string; readonly at: string },
): Promise<string> {
  const answer = await readGiven(reading, given);
  if ("value" in answer) return labelOf(answerText(answer.value)) ?? "";
  throw new InputError(
    "review_answer_invalid",
    `${at}: ${JSON.stringify(text)} is no answer that this run asks for. ${answer.invalid.replace(/^The reply/, "It")} Nothing was changed.`,
    { hint: hintFor(reading.form, given) },
  );
}

function hintFor(form: AnswerForm, given: Json): string {
  if (form.kind !== "labels") return "Write it as the model's answers are written in that file.";
  const names = form.labels.map(({ name }) => name);
  const words = (Array.isArray(given) ? (given as readonly Json[]) : [given]).map(String);
  return didYouMean(words.find((word) => !names.includes(word)) ?? "", names);
}

interface Filled {
  readonly text: string;
  readonly mark: string;
  /** Of the file, the header being line 1. */
  readonly line: number;
}

const ROWS_PER_BLOCK = 1000;

/** What is filled in, by the row's position. */
async function filledRows(
  path: string,
  run: RunStatus,
): Promise<{ readonly filled: ReadonlyMap<number, Filled>; readonly blank: number }> {
  const frame = await openFile(path);
  const fill = fillColumn(run.column);
  for (const name of [ROW, REQUEST, fill])
    if (!frame.columns.includes(name))
      throw new InputError(
        "unknown_column",
        `${path} has no column named ${JSON.stringify(name)}, so it is no review of run ${run.id}. Nothing was changed.`,
        { hint: didYouMean(name, frame.columns) },
      );
  const filled = new Map<number, Filled>();
  let blank = 0;
  let line = 1 + breaksIn(frame.columns);
  for await (const block of frame.blocks(frame.columns, ROWS_PER_BLOCK)) {
    const columns = new Map(frame.columns.map((name) => [name, block.text(name)]));
    const cell = (name: string, at: number): string => columns.get(name)?.[at] ?? "";
    for (let at = 0; at < block.rowCount; at++) {
      line += 1;
      const here = line;
      // A cell may hold line breaks of its own.
      line += breaksIn([...columns.values()].map((cells) => cells[at] ?? ""));
      const text = cell(fill, at);
      if (text.trim() === "") {
        blank += 1;
        continue;
      }
      const number = cell(ROW, at).trim();
      const row = /^\d+$/.test(number) ? Number(number) - 1 : -1;
      if (filled.has(row))
        throw new InputError(
          "review_answer_invalid",
          `Lines ${String(filled.get(row)?.line)} and ${String(here)} of ${path} are both row ${number}. Nothing was changed.`,
          { hint: "Leave one of them." },
        );
      filled.set(row, { text: unguarded(text), mark: cell(REQUEST, at).trim(), line: here });
    }
  }
  return { filled, blank };
}

function breaksIn(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g) ?? []).length, 0);
}

/** Without the apostrophe that keeps a spreadsheet from running it. */
function unguarded(text: string): string {
  return text.startsWith("'") && isFormula(text.slice(1)) ? text.slice(1) : text;
}
