/** The plan of a run, as those who started it see it. */

import { dirname } from "node:path";
import { compareWith } from "./earlier-run.ts";
import type { PlanAgainst } from "./core/against.ts";
import type { PlanCounts, PlanEstimate } from "./core/plan.ts";
import type { PlanCost } from "./core/plan-cost.ts";
import type { PlanLook } from "./core/plan-look.ts";
import { keyWarnings } from "./core/row-key.ts";
import { roundedUsd } from "./core/price.ts";
import type { Band } from "./core/token-estimate.ts";
import { DEFAULT_RUN_DIR } from "./session/settings.ts";
import type { Session } from "./session/session.ts";

/** The plan of a run: counts, and what is worth knowing before it is sent; making it sends nothing. */
export interface RunPlan extends Omit<PlanCounts, "estimate">, PlanCost {
  /** Tokens of the prompts that are to be sent; null where nobody has estimated them. */
  readonly inputTokens: number | null;
  /** Tokens of their answers; null likewise. */
  readonly outputTokens: Band | null;
  /** What the figures rest on; null likewise. */
  readonly estimate: Omit<PlanEstimate, "tokens"> | null;
  /** US dollars not spent because rows with one prompt share a request, as a batch; null where a price is not known. */
  readonly savedUsd: number | null;
  /** What of it an earlier run has bought; left out where none was named. */
  readonly against?: PlanAgainst;
  /** What is asked and where it goes, one for each planned column; empty where an earlier process made the plan. */
  readonly looks: readonly PlanLook[];
  /**
   * Sentences for people: what of the schema the provider is not told, that it has no batches, and which
   * columns of the input lose their types in the output. Empty for most runs.
   */
  readonly warnings: readonly string[];
}

/** What a plan tells besides itself. */
export interface PlanHow {
  /**
   * An earlier run to compare with: its id, the beginning of it, or `latest`, the newest one that
   * asked anything. The plan then says in `against` how many rows would be bought again, and for how much.
   */
  readonly against?: string;
  /** Where that run is; where this one is when left out, `.batchframe` for one without a directory. */
  readonly runDir?: string | undefined;
}

/**
 * The plan of a session; makes it when there is none. A session with a private memory has no runs beside it;
 * `notes` is what else is to be said of it.
 *
 * @throws {InputError} `run_unknown`, `run_ambiguous`, `nothing_to_compare`.
 */
export async function runPlan(
  session: Session,
  { against, runDir }: PlanHow,
  { isPrivate, notes }: { readonly isPrivate: boolean; readonly notes: readonly string[] },
): Promise<RunPlan> {
  const { estimate, ...counts } = await session.plan();
  const cost = await session.cost();
  const compared =
    against === undefined
      ? null
      : await compareWith(
          {
            ref: against,
            runDir: runDir ?? (isPrivate ? DEFAULT_RUN_DIR : dirname(session.directory)),
          },
          session.compare,
        );
  const keys = counts.key === undefined ? [] : keyWarnings(counts.key);
  const blanks = session.looks.flatMap((look) => blankWarnings(look, counts));
  return {
    ...counts,
    ...cost,
    ...(compared === null ? {} : { against: compared }),
    savedUsd: savedUsd(counts, cost),
    looks: session.looks,
    inputTokens: estimate?.tokens.inputTokens ?? null,
    outputTokens: estimate?.tokens.outputTokens ?? null,
    estimate: estimate === undefined ? null : restOf(estimate),
    // Votes look at the same rows and would say the same.
    warnings: [...new Set([...session.warnings, ...blanks, ...keys, ...notes])],
  };
}

/** What duplicates would have cost at the price of a mean request of the plan. */
function savedUsd(
  { requests, cached, duplicates }: Omit<PlanCounts, "estimate">,
  { costUsd }: PlanCost,
): number | null {
  if (costUsd === null) return null;
  const sent = requests - cached;
  return sent === 0 ? 0 : roundedUsd((costUsd.expected / sent) * duplicates);
}

function restOf({ tokens: _tokens, ...rest }: PlanEstimate): Omit<PlanEstimate, "tokens"> {
  return rest;
}

/** That a column the prompts need is blank in many rows, half of them or more. */
function blankWarnings({ blankRows }: PlanLook, { rows }: Pick<PlanCounts, "rows">): string[] {
  return Object.entries(blankRows).flatMap(([column, blank]) => {
    if (blank * 2 < rows) return [];
    const many = blank === rows ? "every row" : `${String(blank)} of ${String(rows)} rows`;
    return [`${JSON.stringify(column)} is blank in ${many}, and such rows are not asked.`];
  });
}
