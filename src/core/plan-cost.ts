/** What a plan costs: its token estimate at a price, as a band. */

import type { PlanCounts } from "./plan.ts";
import type { Lane } from "./lane.ts";
import { roundedUsd, spentUsd, type Price } from "./price.ts";
import { addBands, mapBand, NO_TOKENS, type Band, type TokenEstimate } from "./token-estimate.ts";
import { NO_USAGE, type Usage } from "./usage.ts";

/** US dollars a plan is expected to cost, sent as batches and asked one by one; null where a price is not known. */
export interface PlanCost {
  readonly costUsd: Band | null;
  readonly realtimeCostUsd: Band | null;
}

/** What an estimate comes to in US dollars. */
export function bandUsd(estimate: TokenEstimate, price: Price, lane: Lane): Band {
  const at = (bound: keyof Band): number => {
    const { long } = estimate;
    const usage = usageAt(estimate, bound);
    const spent = long === undefined ? { usage } : { usage, longUsage: usageAt(long, bound) };
    return roundedUsd(spentUsd([spent], price, lane));
  };
  return { low: at("low"), expected: at("expected"), high: at("high") };
}

const TOWARDS = { low: -1, expected: 0, high: 1 } as const;

function usageAt(
  { inputTokens, inputError, outputTokens, kept }: Omit<TokenEstimate, "long">,
  bound: keyof Band,
): Usage {
  const tokens = inputTokens * Math.max(0, 1 + TOWARDS[bound] * inputError);
  const usage = { ...NO_USAGE, inputTokens: tokens, outputTokens: outputTokens[bound] };
  if (kept === undefined || bound !== "high") return usage;
  // Nobody knows beforehand what is found there, and writing costs more than other input does.
  return { ...usage, cacheWriteTokens: tokens, cacheWriteHourTokens: kept === "hour" ? tokens : 0 };
}

const NOTHING_USD: Band = { low: 0, expected: 0, high: 0 };

/** What a plan costs where it is asked; nothing where the provider charges nothing. */
export function planCost({ estimate }: PlanCounts, free: boolean, price: Price | null): PlanCost {
  if (estimate === undefined && !free) return { costUsd: null, realtimeCostUsd: null };
  return tokensCost(estimate?.tokens ?? NO_TOKENS, free, price);
}

/** What an estimate of tokens comes to either way; nothing where the provider charges nothing. */
export function tokensCost(tokens: TokenEstimate, free: boolean, price: Price | null): PlanCost {
  if (free) return { costUsd: NOTHING_USD, realtimeCostUsd: NOTHING_USD };
  if (price === null) return { costUsd: null, realtimeCostUsd: null };
  return {
    costUsd: bandUsd(tokens, price, "batch"),
    realtimeCostUsd: bandUsd(tokens, price, "realtime"),
  };
}

/** What several plans cost together; null where any one's cost is. */
export function mergedCost(costs: readonly PlanCost[]): PlanCost {
  const together = (bands: readonly (Band | null)[]): Band | null => {
    const known = bands.flatMap((band) => band ?? []);
    if (known.length < bands.length) return null;
    return mapBand(known.reduce(addBands, NOTHING_USD), roundedUsd);
  };
  return {
    costUsd: together(costs.map(({ costUsd }) => costUsd)),
    realtimeCostUsd: together(costs.map(({ realtimeCostUsd }) => realtimeCostUsd)),
  };
}
