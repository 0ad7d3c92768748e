/** Evaluation: a column of answers held against a column of gold labels. */

import { agreement, labelOf, scoresOf, wilson95, type AgreementCounts } from "./core/agreement.ts";
import { InputError } from "./core/errors.ts";
import type { Disagreement, EvalReport, PartScore } from "./core/evaluation.ts";
import { didYouMean } from "./core/suggest.ts";
import { displayed } from "./display/bundle.ts";
import { evaluationBundle } from "./display/evaluation.ts";
import { openFile } from "./files/files.ts";
import type { Frame } from "./frame/frame.ts";

/** What is compared. */
export interface EvaluateOptions {
  /** The column of answers. */
  readonly pred: string;
  /** The column of gold labels; rows where it is blank are left out. */
  readonly gold: string;
  /** A column whose every value gets an accuracy of its own. */
  readonly by?: string;
  /** What the answers cost in all, to tell the cost of a correct one. */
  readonly costUsd?: number;
}

const MOST_DISAGREEMENTS = 100;
const ROWS_PER_BLOCK = 1000;

/**
 * Scores a column of answers against a column of gold labels; labels are compared exactly, outer white
 * space aside.
 *
 * Rows without a gold label are left out. Rows without an answer count as wrong, so that a run does
 * not score better by failing. Reads a file as a stream; memory grows with the labels, not the rows.
 *
 * @throws {InputError} `unknown_column`, `nothing_to_evaluate` when no row has a gold label, and what
 * reading the file throws.
 */
export async function evaluateFile(path: string, options: EvaluateOptions): Promise<EvalReport> {
  return await evaluateFrame(await openFile(path), options);
}

/** Scores the columns of an open frame; see {@link evaluateFile}. */
export async function evaluateFrame(frame: Frame, options: EvaluateOptions): Promise<EvalReport> {
  const confidenceColumn = `${options.pred}_confidence`;
  const hasConfidence = frame.columns.includes(confidenceColumn);
  const { by } = options;
  const columns = [options.pred, options.gold, ...(by === undefined ? [] : [by])];
  for (const column of columns) refuseUnknown(column, frame);
  const whole = agreement();
  const parts = new Map<string, { n: number; correct: number }>();
  const wrong = worstFirst();
  let withoutGold = 0;
  const read = [...new Set([...columns, ...(hasConfidence ? [confidenceColumn] : [])])];
  for await (const block of frame.blocks(read, ROWS_PER_BLOCK)) {
    const preds = block.text(options.pred);
    const golds = block.text(options.gold);
    const groups = by === undefined ? null : block.text(by);
    const confidences = hasConfidence ? block.text(confidenceColumn) : null;
    for (let row = 0; row < block.rowCount; row++) {
      const gold = labelOf(golds[row]);
      if (gold === null) {
        withoutGold += 1;
        continue;
      }
      const pred = labelOf(preds[row]);
      whole.add(gold, pred);
      if (groups !== null) countPart(parts, groups[row] ?? "", pred === gold);
      if (pred === gold) continue;
      const text = labelOf(confidences?.[row]);
      const confidence = text === null || Number.isNaN(Number(text)) ? null : Number(text);
      wrong.add({ row: block.firstRow + row, gold, pred, confidence });
    }
  }
  const { counts } = whole;
  if (counts.rows === 0)
    throw new InputError(
      "nothing_to_evaluate",
      `No row of ${frame.name} has a gold label in the column ${JSON.stringify(options.gold)}.`,
      { hint: "Fill that column for some rows, or name another one." },
    );
  const scores = scoresOf(counts);
  const { costUsd } = options;
  const report: EvalReport = {
    ...scores,
    withoutGold,
    confusion: confusionOf(counts),
    disagreements: wrong.rows(),
    parts: partScores(parts),
    costPerCorrectUsd:
      costUsd === undefined || scores.correct === 0 ? null : costUsd / scores.correct,
  };
  return displayed(report, evaluationBundle);
}

function refuseUnknown(column: string, frame: Frame): void {
  if (frame.columns.includes(column)) return;
  throw new InputError(
    "unknown_column",
    `${frame.name} has no column named ${JSON.stringify(column)}. Nothing was evaluated.`,
    { hint: didYouMean(column, frame.columns) },
  );
}

function countPart(
  parts: Map<string, { n: number; correct: number }>,
  value: string,
  isCorrect: boolean,
): void {
  const part = parts.get(value) ?? { n: 0, correct: 0 };
  parts.set(value, part);
  part.n += 1;
  if (isCorrect) part.correct += 1;
}

function partScores(
  parts: ReadonlyMap<string, { readonly n: number; readonly correct: number }>,
): readonly PartScore[] {
  return [...parts]
    .map(([value, { n, correct }]) => ({
      value,
      n,
      accuracy: correct / n,
      ci95: wilson95(correct, n),
    }))
    .sort((a, b) => b.n - a.n || (a.value < b.value ? -1 : 1));
}

function confusionOf({ pairs }: AgreementCounts): EvalReport["confusion"] {
  return [...pairs].flatMap(([gold, row]) =>
    [...row].map(([pred, rows]) => ({ gold, pred: pred === "" ? null : pred, rows })),
  );
}

/** Keeps the first rows that came, or those with the highest confidence, never more than are shown. */
function worstFirst(): { add(row: Disagreement): void; rows(): readonly Disagreement[] } {
  let kept: Disagreement[] = [];
  const sort = (): void => {
    kept = kept
      .toSorted((a, b) => (b.confidence ?? -1) - (a.confidence ?? -1) || a.row - b.row)
      .slice(0, MOST_DISAGREEMENTS);
  };
  return {
    add: (row) => {
      kept.push(row);
      if (kept.length >= 2 * MOST_DISAGREEMENTS) sort();
    },
    rows: () => {
      sort();
      return kept;
    },
  };
}
