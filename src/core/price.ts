/** Prices: what tokens cost, and what a usage comes to. */

import type { Lane } from "./lane.ts";
import { PRICE_TABLE, PRICES_AS_OF, type PriceRow } from "./price-table.ts";
import { NO_USAGE, subtractUsage, type Usage } from "./usage.ts";

/** Prices of a model in US dollars per million tokens, without any batch discount. */
export interface TokenPrices {
  readonly inputPerM: number;
  /** Input read from the provider's cache; as other input when left out. */
  readonly cachedInputPerM?: number;
  /** Input written to the provider's cache; as other input when left out. */
  readonly cacheWritePerM?: number;
  /** Input written there for an hour; as other writes when left out. */
  readonly cacheWriteHourPerM?: number;
  readonly outputPerM: number;
}

/** A model's price. */
export interface Price extends TokenPrices {
  /** What a batch costs as a share of that: 0.5 at half price. */
  readonly batchShare: number;
  /** Where prompts longer than so many tokens cost more: the prices of the whole request then. */
  readonly above?: { readonly inputTokens: number; readonly prices: TokenPrices };
  /** Where the figures are from and of which day, for people. */
  readonly source: string;
}

/** Prices given by the user, by `provider/model`; they win over the package's own. */
export type PriceOverrides = Readonly<
  Record<string, TokenPrices & { readonly batchShare?: number }>
>;

// Batch discounts by provider, as their pricing pages and batch guides give them (November 2026).
// Together grants one on listed models only, so none is taken for granted.
const BATCH_SHARES: Readonly<Record<string, number>> = {
  openai: 0.5,
  azure: 0.5,
  anthropic: 0.5,
  google: 0.5,
  vertex: 0.5,
  mistral: 0.5,
  groq: 0.5,
  parasail: 0.5,
  fireworks: 0.5,
  regolo: 0.9,
  together: 1,
};

// A provider that sells another's models at their maker's prices.
const PRICED_AS: Readonly<Record<string, string>> = { vertex: "google" };

/**
 * The price of a model; null when it is not known, which is never the same as free.
 *
 * Names are compared whole: of what follows a name only a date is taken off (`-2026-01-31`,
 * `-20260131`), so that a snapshot is priced as its model and nothing as a model whose name only
 * begins alike.
 */
export function priceOf(
  provider: string,
  model: string,
  overrides: PriceOverrides = {},
): Price | null {
  const own = overrides[`${provider}/${model}`] ?? overrides[model];
  const batchShare = BATCH_SHARES[provider] ?? 1;
  if (own !== undefined)
    return { ...own, batchShare: own.batchShare ?? batchShare, source: "given" };
  const table = PRICE_TABLE[PRICED_AS[provider] ?? provider];
  const row = table?.[model] ?? table?.[model.replace(SNAPSHOT, "")];
  if (row === undefined) return null;
  return { ...priceOfRow(row), batchShare, source: `package table of ${PRICES_AS_OF}` };
}

const SNAPSHOT = /-(?:\d{4}-\d{2}-\d{2}|\d{8})$/;

function priceOfRow(row: PriceRow): Omit<Price, "batchShare" | "source"> {
  const inputTokens = row[5] ?? null;
  const base = pricesAt(row, 0);
  return inputTokens === null
    ? base
    : { ...base, above: { inputTokens, prices: pricesAt(row, 6) } };
}

function pricesAt(row: PriceRow, at: number): TokenPrices {
  const cached = row[at + 1] ?? null;
  const write = row[at + 2] ?? null;
  const writeHour = row[at + 3] ?? null;
  return {
    inputPerM: row[at] ?? 0,
    outputPerM: row[at + 4] ?? 0,
    ...(cached === null ? {} : { cachedInputPerM: cached }),
    ...(write === null ? {} : { cacheWritePerM: write }),
    ...(writeHour === null ? {} : { cacheWriteHourPerM: writeHour }),
  };
}

/** Dollars without the digits that sums of fractions leave behind: twelve that count. */
export function roundedUsd(usd: number): number {
  return Number(usd.toPrecision(12));
}

/** What was used, and the part of it by prompts that are charged as long ones. */
export interface Spent {
  readonly usage: Usage;
  readonly longUsage?: Usage;
}

/** Whether a request's prompt is so long that its price is another. */
export function isLong({ inputTokens }: Usage, { above }: Price): boolean {
  return above !== undefined && inputTokens > above.inputTokens;
}

/** What many requests cost together, in US dollars, each at the price of its own length. */
export function spentUsd(spent: readonly Spent[], price: Price, lane: Lane): number {
  const { above: _above, ...short } = price;
  return spent.reduce((sum, { usage, longUsage = NO_USAGE }) => {
    const rest = subtractUsage(usage, longUsage);
    return sum + costUsd(rest, short, lane) + costUsd(longUsage, price, lane);
  }, 0);
}

/** What one request's usage costs, in US dollars. */
export function costUsd(usage: Usage, price: Price, lane: Lane): number {
  const { above } = price;
  const prices = above !== undefined && isLong(usage, price) ? above.prices : price;
  const { inputPerM, cachedInputPerM = inputPerM, cacheWritePerM = inputPerM, outputPerM } = prices;
  const { cacheWriteHourPerM = cacheWritePerM } = prices;
  const { inputTokens, cachedInputTokens, cacheWriteTokens, cacheWriteHourTokens } = usage;
  const fresh = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const perMillion =
    fresh * inputPerM +
    cachedInputTokens * cachedInputPerM +
    Math.max(0, cacheWriteTokens - cacheWriteHourTokens) * cacheWritePerM +
    cacheWriteHourTokens * cacheWriteHourPerM +
    usage.outputTokens * outputPerM;
  return (perMillion / 1e6) * (lane === "batch" ? price.batchShare : 1);
}
