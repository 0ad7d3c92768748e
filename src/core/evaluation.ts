/** The report of an evaluation. */

import type { Scores } from "./agreement.ts";

/** A row whose answer is not its gold label. */
export interface Disagreement {
  /** The row's position, counted from 0. */
  readonly row: number;
  readonly gold: string;
  /** Null where there is no answer. */
  readonly pred: string | null;
  /** The answer's confidence where the file has `<pred>_confidence`; else null. */
  readonly confidence: number | null;
}

/** How one part of the rows did. */
export interface PartScore {
  readonly value: string;
  readonly n: number;
  readonly accuracy: number;
  readonly ci95: readonly [low: number, high: number];
}

/** An evaluation; see {@link Scores} for its figures. */
export interface EvalReport extends Scores {
  /** Rows left out because they have no gold label. */
  readonly withoutGold: number;
  /** How often each gold label was answered by each answer; rows without an answer under `pred: null`. */
  readonly confusion: readonly {
    readonly gold: string;
    readonly pred: string | null;
    readonly rows: number;
  }[];
  /** At most 100 rows: the most confidently wrong first, or, without confidences, in row order. */
  readonly disagreements: readonly Disagreement[];
  /** One entry for each value of `by`, the largest first; empty without `by`. */
  readonly parts: readonly PartScore[];
  /** Null when the cost is not known, or nothing is correct. */
  readonly costPerCorrectUsd: number | null;
}
