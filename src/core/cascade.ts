/** The threshold of a cascade: above which confidence a cheap answer may stay, so that enough answers agree. */

import { InputError } from "./errors.ts";
import { atMost } from "./hypergeometric.ts";

/** A cheap answer that was compared with the strong model's, or with a gold label. */
export interface Compared {
  /** From 0 to 1. */
  readonly confidence: number;
  readonly agrees: boolean;
}

/** What a threshold is set from. */
export interface ThresholdInput {
  /** Every row that the cheap model was asked. */
  readonly rows: number;
  /** The rows among them with an answer and a confidence: those the sample was drawn from. */
  readonly candidates: number;
  /** Drawn from the candidates, each as likely as any other, without replacement. */
  readonly sample: readonly Compared[];
  /** Whether sampled rows are treated as all others, and do not have the strong model's answers anyway. */
  readonly sampleStays?: boolean;
  /** The share of all rows whose answers are to agree with the strong model's, or be the strong model's. */
  readonly target: number;
  /** The probability of missing the target that is put up with. */
  readonly delta: number;
}

/** Which cheap answers stay, and what is known of the agreement then. */
export interface Threshold {
  /** Cheap answers with a greater confidence than this stay; null where none may. */
  readonly keepAbove: number | null;
  /** Sampled rows whose answers differ, and those among them whose cheap answer would stay. */
  readonly disagreed: number;
  readonly disagreedKept: number;
  /** The share of all rows in agreement that the sample lets expect. */
  readonly estimatedAgreement: number;
  /** The share that is missed with a probability of at most `delta`. */
  readonly agreementAtLeast: number;
}

/**
 * The lowest threshold at which the sample allows the target to be relied upon.
 *
 * At any threshold the cheap answers that stay and differ are a number of rows, of which the sample shows
 * a hypergeometric count. The sample may show as many as it would show with a probability of at most
 * `delta` if one more row differed than the target permits; the threshold stands just above the next.
 * Since fewer answers stay at a higher threshold, the lowest one that misses the target is the only one
 * that matters, and it passes with a probability of at most `delta`: all thresholds are tried at the
 * price of one. Nothing is assumed of the confidences; useless ones only let fewer answers stay.
 */
export function thresholdOf(input: ThresholdInput): Threshold {
  const { rows, candidates, sample, sampleStays = false, target, delta } = input;
  const permitted = Math.floor(rows * (1 - target) + 1e-9);
  const disagreeing = sample.filter(({ agrees }) => !agrees).map(({ confidence }) => confidence);
  const most = mostDisagreed(input, permitted);
  const none = { disagreed: disagreeing.length, disagreedKept: 0 };
  if (most === null || sample.length === 0)
    return { keepAbove: null, ...none, estimatedAgreement: 1, agreementAtLeast: 1 };
  const descending = disagreeing.toSorted((a, b) => b - a);
  const keepAbove = descending[most] ?? -1;
  const kept = disagreeing.filter((confidence) => confidence > keepAbove).length;
  // Rows that the strong model was asked have its answers in the end; of the others nobody knows.
  const unknown = sampleStays ? candidates : candidates - sample.length;
  const expected = (unknown * kept) / sample.length;
  const draw = { total: candidates, drawn: sample.length };
  const relied = greatest(permitted, (marked) => atMost(most, { ...draw, marked }) > delta);
  return {
    keepAbove,
    ...{ disagreed: disagreeing.length, disagreedKept: kept },
    estimatedAgreement: 1 - expected / rows,
    agreementAtLeast: 1 - relied / rows,
  };
}

/** The greatest number of disagreements a sample may show; null where it is too small to allow even none. */
function mostDisagreed(
  { candidates, sample, delta }: ThresholdInput,
  permitted: number,
): number | null {
  const tooMany = permitted + 1;
  // Where all of them may differ there is nothing to be shown.
  if (tooMany > candidates) return sample.length;
  const draw = { total: candidates, marked: tooMany, drawn: sample.length };
  if (atMost(0, draw) > delta) return null;
  return greatest(sample.length, (most) => atMost(most, draw) <= delta);
}

/** The greatest whole number up to `limit` for which something holds that holds for 0 and for none after it fails. */
function greatest(limit: number, holds: (count: number) => boolean): number {
  let low = 0;
  let high = limit;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** How a cascade is to be set. */
export interface CascadeNumbers {
  readonly target: number;
  readonly delta?: number;
  readonly labelBudget?: number;
}

/** The probability of missing the target when nobody says another. */
export const DEFAULT_DELTA = 0.05;

/**
 * Refuses what is no share, and a budget that is no number of rows.
 *
 * @throws {InputError} `option_invalid`; nothing was sent.
 */
export function checkCascade({
  target,
  delta = DEFAULT_DELTA,
  labelBudget = 1,
}: CascadeNumbers): void {
  if (!(target > 0 && target <= 1)) throw invalid("target", target, "a share above 0, up to 1");
  if (!(delta > 0 && delta < 1)) throw invalid("delta", delta, "a probability between 0 and 1");
  if (!Number.isSafeInteger(labelBudget) || labelBudget < 1)
    throw invalid("labelBudget", labelBudget, "a whole number of rows, 1 or more");
}

function invalid(name: string, value: number, what: string): InputError {
  return new InputError(
    "option_invalid",
    `${name} of a cascade is ${what}; it is ${String(value)}. Nothing was sent.`,
  );
}

/** How many rows are compared when nobody says another number: a twentieth, from 100 to 1,000. */
export function labelBudgetOf(candidates: number): number {
  return Math.min(1000, Math.max(100, Math.ceil(candidates / 20)));
}
