/** A plan beside an earlier run: the rows whose answers are kept, those bought again, and the new ones. */

import type { DedupeIndex } from "./dedupe.ts";
import { mergedCost, type PlanCost } from "./plan-cost.ts";
import { roundedUsd } from "./price.ts";
import { mapBand, type Band } from "./token-estimate.ts";

/** What a plan would buy again that an earlier run has bought; `rows` are those the plan asks, each counted once. */
export interface PlanAgainst extends PlanCost {
  /** The earlier run's id. */
  readonly run: string;
  /**
   * `kept` their answers are in the cache and cost nothing · `again` the earlier run asked as many, under
   * another prompt or without an answer that is kept · `new` beyond what it asked.
   */
  readonly rows: Readonly<Record<"kept" | "again" | "new", number>>;
}

/** The requests that one column of an earlier run has asked. */
export interface EarlierRequests {
  readonly column: string;
  /** Whether it asked this request; notes that the request is asked still. */
  meet(id: string): boolean;
  /** How many of its rows had a request that has not been met. */
  goneRows(): number;
}

/** What is known of the requests of an earlier run, by ordinal. */
export interface EarlierInput {
  readonly column: string;
  readonly index: DedupeIndex;
  /** The rows that each answers; 0 for one that was never sent. */
  readonly rowsOf: Uint32Array;
}

/** The requests of an earlier run, of which none has been met. */
export function earlierRequests({ column, index, rowsOf }: EarlierInput): EarlierRequests {
  const gone = Uint32Array.from(rowsOf);
  return {
    column,
    meet: (id) => {
      const ordinal = index.find(id);
      if (ordinal === null) return false;
      gone[ordinal] = 0;
      return (rowsOf[ordinal] ?? 0) > 0;
    },
    goneRows: () => gone.reduce((sum, rows) => sum + rows, 0),
  };
}

/** The rows a column's plan asks, by what the earlier run had of them, and what asking them costs. */
export interface AgainstTally {
  readonly column: string;
  readonly kept: number;
  /** The earlier run asked the very same, and no answer of it is kept. */
  readonly same: number;
  /** It asked nothing of the kind. */
  readonly fresh: number;
  readonly sameCost: PlanCost;
  readonly freshCost: PlanCost;
}

/**
 * The comparison of a plan's columns with those of an earlier run.
 *
 * Of the rows with requests the earlier run knew nothing of, as many count as bought again as it has
 * rows that are asked no more: these are the edited ones, or all under another prompt. Where some are
 * new besides, nobody can say which, and the cost is divided by their number.
 */
export function comparedWith(
  run: string,
  earlier: readonly EarlierRequests[],
  tallies: readonly AgainstTally[],
): PlanAgainst {
  const sum = (of: (tally: AgainstTally) => number): number =>
    tallies.reduce((total, tally) => total + of(tally), 0);
  const gone = relevantParts(
    earlier,
    tallies.map(({ column }) => column),
  ).reduce((total, part) => total + part.goneRows(), 0);
  const fresh = sum((tally) => tally.fresh);
  const changed = Math.min(fresh, gone);
  const share = fresh === 0 ? 0 : changed / fresh;
  const scaled = (band: Band | null): Band | null =>
    band === null ? null : mapBand(band, (usd) => roundedUsd(usd * share));
  const again = mergedCost(
    tallies.flatMap(({ sameCost, freshCost: { costUsd, realtimeCostUsd } }) => [
      sameCost,
      { costUsd: scaled(costUsd), realtimeCostUsd: scaled(realtimeCostUsd) },
    ]),
  );
  return {
    run,
    rows: {
      kept: sum((tally) => tally.kept),
      again: sum((tally) => tally.same) + changed,
      new: fresh - changed,
    },
    ...again,
  };
}

/** The parts of an earlier run that ask for the columns of a plan; all of them where it knows none of these. */
export function relevantParts(
  earlier: readonly EarlierRequests[],
  columns: readonly string[],
): readonly EarlierRequests[] {
  const own = earlier.filter(({ column }) => columns.includes(column));
  return own.length === 0 ? earlier : own;
}
