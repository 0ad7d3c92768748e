/** What a plan says of tokens and money. */

import type { Band, RunPlan } from "../index.ts";
import { count, dollarsText } from "./format.ts";

/** What a plan says of money and tokens, of what was asked and of what it rests on. */
export type PricedPlan = Pick<
  RunPlan,
  "inputTokens" | "outputTokens" | "costUsd" | "realtimeCostUsd" | "estimate"
>;

/** `$0.19 – $0.23, likely $0.21`, or one amount where they are the same. */
export function bandText({ low, expected, high }: Band): string {
  const [least, likely, most] = [low, expected, high].map(dollarsText);
  if (least === most) return String(likely);
  return `${String(least)} – ${String(most)}, likely ${String(likely)}`;
}

/** The tokens in and out, and how they were told; null where nobody has estimated them. */
export function tokensText({ inputTokens, outputTokens, estimate }: PricedPlan): string | null {
  if (inputTokens === null || outputTokens === null || estimate === null) return null;
  const { low, high } = outputTokens;
  const out = low === high ? count(high) : `${count(low)} – ${count(high)}`;
  return `about ${count(inputTokens)} in, ${out} out · ${basisText(estimate)}`;
}

function basisText({
  inputBy,
  outputBy,
  repliesSeen,
}: NonNullable<PricedPlan["estimate"]>): string {
  const input = {
    replies: `measured on ${count(repliesSeen)} answers`,
    tokenizer: "prompts counted on a sample",
    characters: "prompts estimated by their characters",
  }[inputBy];
  return outputBy === "replies" ? input : `${input}, answers by what is asked for`;
}

/** What it costs one way and the other; null where nobody has estimated it. */
export function planCostText(plan: PricedPlan, lane: "batch" | "realtime" | undefined): string {
  const { costUsd, realtimeCostUsd } = plan;
  if (costUsd === null || realtimeCostUsd === null)
    return "unknown: no price for this model (--price in=…,out=…)";
  const same = costUsd.expected === realtimeCostUsd.expected;
  if (same) return bandText(costUsd);
  const batch = `${bandText(costUsd)} in batches`;
  const realtime = `${bandText(realtimeCostUsd)} in realtime`;
  return lane === "realtime" ? `${realtime} (${batch})` : `${batch} (${realtime})`;
}
