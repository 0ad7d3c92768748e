/** The plan of a run, as those who started it see it. */

import type { PlanCounts, PlanEstimate } from "./core/plan.ts";
import type { PlanCost } from "./core/plan-cost.ts";
import type { Band } from "./core/token-estimate.ts";
import type { Session } from "./session.ts";

/** The plan of a run: counts, and what is worth knowing before it is sent; making it sends nothing. */
export interface RunPlan extends Omit<PlanCounts, "estimate">, PlanCost {
  /** Tokens of the prompts that are to be sent; null where nobody has estimated them. */
  readonly inputTokens: number | null;
  /** Tokens of their answers; null likewise. */
  readonly outputTokens: Band | null;
  /** What the figures rest on; null likewise. */
  readonly estimate: Omit<PlanEstimate, "tokens"> | null;
  /** Sentences for people: what of the schema the provider is not told, and that it has no batches. Empty for most runs. */
  readonly warnings: readonly string[];
}

/** The plan of a session; makes it when there is none. */
export async function runPlan(session: Session): Promise<RunPlan> {
  const { estimate, ...counts } = await session.plan();
  return {
    ...counts,
    ...(await session.cost()),
    inputTokens: estimate?.tokens.inputTokens ?? null,
    outputTokens: estimate?.tokens.outputTokens ?? null,
    estimate: estimate === undefined ? null : restOf(estimate),
    warnings: session.warnings,
  };
}

function restOf({ tokens: _tokens, ...rest }: PlanEstimate): Omit<PlanEstimate, "tokens"> {
  return rest;
}
