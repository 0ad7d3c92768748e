/** How far two columns of labels agree: predictions with a gold standard, or one run with another. */

/** How often each pair of labels occurs. */
export interface Agreement {
  /** Counts one row; null stands for a row without a label. */
  add(reference: string, other: string | null): void;
  /** Everything counted so far. */
  readonly counts: AgreementCounts;
}

/** Pair counts; `pairs` is reference → other → rows, `null` others under {@link NO_LABEL}. */
export interface AgreementCounts {
  readonly rows: number;
  readonly pairs: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** How a row without a label is shown beside real labels; no label can be this, since labels are never blank. */
export const NO_LABEL = "";

/** The label in a cell, outer white space aside; null where the cell is blank. */
export function labelOf(cell: string | null | undefined): string | null {
  const text = cell?.trim() ?? "";
  return text === NO_LABEL ? null : text;
}

/** Starts an {@link Agreement}; it holds one number per pair of labels that occurs, however many rows. */
export function agreement(): Agreement {
  const pairs = new Map<string, Map<string, number>>();
  let rows = 0;
  return {
    add: (reference, other) => {
      rows += 1;
      const row = pairs.get(reference) ?? new Map<string, number>();
      pairs.set(reference, row);
      const name = other ?? NO_LABEL;
      row.set(name, (row.get(name) ?? 0) + 1);
    },
    get counts() {
      return { rows, pairs };
    },
  };
}

/** One label's share of the evaluation. */
export interface LabelScore {
  readonly label: string;
  /** Rows whose gold label this is. */
  readonly support: number;
  /** Of the rows predicted as this, the share that are; null when none was. */
  readonly precision: number | null;
  /** Of the rows that are this, the share predicted as it; null when none is. */
  readonly recall: number | null;
  /** The harmonic mean of both; 0 when nothing of it was found. */
  readonly f1: number;
}

/** How well predictions match a gold standard. */
export interface Scores {
  /** Rows with a gold label. */
  readonly n: number;
  readonly correct: number;
  /** Rows among them without a prediction; they count as wrong. */
  readonly unanswered: number;
  readonly accuracy: number;
  /** The 95 % interval of the accuracy (Wilson's, which holds for small samples and near 0 and 1). */
  readonly ci95: readonly [low: number, high: number];
  /** Cohen's kappa: agreement beyond what two who guess with these frequencies would reach; null when both always say the same one thing. */
  readonly kappa: number | null;
  /** The mean F1 of every label that occurs in the gold standard. */
  readonly macroF1: number;
  /** In the order of support, then of names. */
  readonly perLabel: readonly LabelScore[];
}

/**
 * The scores of predictions counted against gold labels.
 *
 * Labels that are only predicted have an entry with support 0 and no part in the mean F1, as their
 * recall is undefined. With no rows every share is 0 and the interval is the whole of 0 to 1.
 */
export function scoresOf({ rows, pairs }: AgreementCounts): Scores {
  const predicted = columnTotals(pairs);
  const correct = diagonal(pairs);
  const labels = [...new Set([...pairs.keys(), ...predicted.keys()])].filter(
    (label) => label !== NO_LABEL,
  );
  const perLabel = labels
    .map((label) => labelScore(label, pairs, predicted))
    .sort((a, b) => b.support - a.support || (a.label < b.label ? -1 : 1));
  const inGold = perLabel.filter(({ support }) => support > 0);
  return {
    n: rows,
    correct,
    unanswered: predicted.get(NO_LABEL) ?? 0,
    accuracy: rows === 0 ? 0 : correct / rows,
    ci95: wilson95(correct, rows),
    kappa: kappaOf({ rows, pairs }),
    macroF1: inGold.reduce((sum, { f1 }) => sum + f1, 0) / Math.max(1, inGold.length),
    perLabel,
  };
}

function labelScore(
  label: string,
  pairs: AgreementCounts["pairs"],
  predicted: ReadonlyMap<string, number>,
): LabelScore {
  const row = pairs.get(label);
  const support = row === undefined ? 0 : total(row);
  const found = row?.get(label) ?? 0;
  const said = predicted.get(label) ?? 0;
  return {
    label,
    support,
    precision: said === 0 ? null : found / said,
    recall: support === 0 ? null : found / support,
    f1: found === 0 ? 0 : (2 * found) / (said + support),
  };
}

/**
 * Cohen's kappa of two raters; null when chance alone would agree on every row, which is when both
 * only ever give one and the same label.
 */
export function kappaOf({ rows, pairs }: AgreementCounts): number | null {
  if (rows === 0) return null;
  const others = columnTotals(pairs);
  let chance = 0;
  for (const [label, row] of pairs) chance += (total(row) * (others.get(label) ?? 0)) / rows ** 2;
  const observed = diagonal(pairs) / rows;
  return chance === 1 ? null : (observed - chance) / (1 - chance);
}

/** Wilson's 95 % interval of a share; 0 to 1 when there are no trials. */
export function wilson95(successes: number, trials: number): readonly [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const z = 1.959963984540054;
  const share = successes / trials;
  const scale = 1 + z ** 2 / trials;
  const centre = (share + z ** 2 / (2 * trials)) / scale;
  const spread =
    (z * Math.sqrt((share * (1 - share)) / trials + z ** 2 / (4 * trials ** 2))) / scale;
  return [Math.max(0, centre - spread), Math.min(1, centre + spread)];
}

/** A change of label and how many rows made it; blank names stand for no label. */
export interface Transition {
  readonly from: string;
  readonly to: string;
  readonly rows: number;
}

/** What a comparison found. */
export interface DiffReport {
  readonly rows: number;
  readonly changed: number;
  /** The share of rows with the same answer; two missing answers are the same. */
  readonly agreement: number;
  /** Cohen's kappa; null where it is undefined. */
  readonly kappa: number | null;
  /** From what to what, the most frequent first; blank names stand for rows without an answer. */
  readonly transitions: readonly Transition[];
}

/** Every pair of different labels, the most frequent first, then by name. */
export function transitionsOf({ pairs }: AgreementCounts): readonly Transition[] {
  const changes: Transition[] = [];
  for (const [from, row] of pairs)
    for (const [to, rows] of row) if (from !== to) changes.push({ from, to, rows });
  return changes.sort((a, b) => b.rows - a.rows || compare(a.from, b.from) || compare(a.to, b.to));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function diagonal(pairs: AgreementCounts["pairs"]): number {
  let sum = 0;
  for (const [label, row] of pairs) sum += row.get(label) ?? 0;
  return sum;
}

function columnTotals(pairs: AgreementCounts["pairs"]): ReadonlyMap<string, number> {
  const totals = new Map<string, number>();
  for (const row of pairs.values())
    for (const [label, rows] of row) totals.set(label, (totals.get(label) ?? 0) + rows);
  return totals;
}

function total(row: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const rows of row.values()) sum += rows;
  return sum;
}
