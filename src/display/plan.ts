/** A plan as it is shown in a notebook. */

import type { PlanAgainst } from "../core/against.ts";
import type { PlanCost } from "../core/plan-cost.ts";
import type { PlanCounts } from "../core/plan.ts";
import type { Band } from "../core/token-estimate.ts";
import type { Bundle } from "./bundle.ts";
import { cardBundle } from "./card.ts";
import { SKIPPED } from "./receipt.ts";
import { count, counted, dollars } from "./text.ts";

/** What a plan says beside its counts. */
interface ToldPlan extends Omit<PlanCounts, "estimate">, PlanCost {
  readonly inputTokens: number | null;
  readonly outputTokens: Band | null;
  readonly against?: PlanAgainst;
  readonly warnings: readonly string[];
}

/** What would be sent, and what of the rows would not. */
export function planBundle(plan: ToldPlan): Bundle {
  const toSend = plan.requests - plan.cached;
  const skipped = Object.entries(plan.skipped).filter(([, rows]) => rows > 0);
  const rejected = Object.entries(plan.rejected);
  return cardBundle({
    title: `Plan: ${counted(plan.rows, "row")}, ${counted(toSend, "request")} to send`,
    facts: [
      ["requests", `${count(plan.requests)} distinct${shared(plan.duplicates)}`],
      ...sampleFact(plan),
      ["cost", costText(plan)],
      ...againstFact(plan),
      ...tokensFact(plan),
      ...(plan.cached === 0
        ? []
        : [["kept", `${counted(plan.cached, "answer")} from before, for nothing`] as const]),
      ...skipped.map(
        ([reason, rows]) => ["skipped", `${count(rows)} ${SKIPPED[reason] ?? reason}`] as const,
      ),
      ...rejected.map(([code, rows]) => ["failing", `${count(rows)} ${code}`] as const),
      ["chunks", `${count(plan.chunks)} (${size(plan.bytes)})`],
    ],
    notes: [...plan.warnings, "Nothing has been sent."],
  });
}

function sampleFact({ sample }: ToldPlan): readonly (readonly [string, string])[] {
  if (sample === undefined) return [];
  const by = sample.by === null ? "at random" : `by ${sample.by}`;
  return [["sample", `${counted(sample.rows, "row")} drawn ${by}, seed ${String(sample.seed)}`]];
}

function againstFact({ against }: ToldPlan): readonly (readonly [string, string])[] {
  if (against === undefined) return [];
  const { kept, again, new: fresh } = against.rows;
  const cost = again === 0 ? "" : ` for ${costText(against)}`;
  return [
    [
      "again",
      `${counted(again, "row")}${cost}, ${count(kept)} kept, ${count(fresh)} new, beside ${against.run}`,
    ],
  ];
}

function costText({ costUsd, realtimeCostUsd }: PlanCost): string {
  if (costUsd === null) return dollars(null);
  const batch = bandText(costUsd, dollars);
  const isSame = realtimeCostUsd === null || realtimeCostUsd.high === costUsd.high;
  return isSame ? batch : `${batch} as batches, ${bandText(realtimeCostUsd, dollars)} at once`;
}

function tokensFact({
  inputTokens,
  outputTokens,
}: ToldPlan): readonly (readonly [string, string])[] {
  if (inputTokens === null || outputTokens === null || inputTokens === 0) return [];
  return [["tokens", `${count(inputTokens)} in, ${bandText(outputTokens, count)} out`]];
}

function bandText({ low, expected, high }: Band, say: (figure: number) => string): string {
  const [least, most] = [say(low), say(high)];
  return least === most ? most : `${say(expected)} (${least} to ${most})`;
}

function shared(duplicates: number): string {
  return duplicates === 0 ? "" : `, shared by ${counted(duplicates, "more row")}`;
}

function size(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
