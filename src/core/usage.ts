/** Tokens, as providers bill them. */

/**
 * Tokens of one or many requests. `cachedInputTokens` (read from the provider's cache) and
 * `cacheWriteTokens` (put there) are part of `inputTokens`, `cacheWriteHourTokens` (kept for an hour) of
 * `cacheWriteTokens`, `reasoningTokens` of `outputTokens`.
 */
export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly cacheWriteTokens: number;
  readonly cacheWriteHourTokens: number;
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** No tokens at all. */
export const NO_USAGE: Usage = {
  inputTokens: 0,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** A usage without a part of it. */
export function subtractUsage(whole: Usage, part: Usage): Usage {
  return {
    inputTokens: whole.inputTokens - part.inputTokens,
    cachedInputTokens: whole.cachedInputTokens - part.cachedInputTokens,
    cacheWriteTokens: whole.cacheWriteTokens - part.cacheWriteTokens,
    cacheWriteHourTokens: whole.cacheWriteHourTokens - part.cacheWriteHourTokens,
    outputTokens: whole.outputTokens - part.outputTokens,
    reasoningTokens: whole.reasoningTokens - part.reasoningTokens,
  };
}

/** A usage that grows, for those who add up millions. */
export type UsageSum = { -readonly [Kind in keyof Usage]: number };

/** Adds a usage to a sum, in its place. */
export function addToUsage(sum: UsageSum, usage: Usage): void {
  sum.inputTokens += usage.inputTokens;
  sum.cachedInputTokens += usage.cachedInputTokens;
  sum.cacheWriteTokens += usage.cacheWriteTokens;
  sum.cacheWriteHourTokens += usage.cacheWriteHourTokens;
  sum.outputTokens += usage.outputTokens;
  sum.reasoningTokens += usage.reasoningTokens;
}

/** The sum of two usages. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    cachedInputTokens: a.cachedInputTokens + b.cachedInputTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
    cacheWriteHourTokens: a.cacheWriteHourTokens + b.cacheWriteHourTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    reasoningTokens: a.reasoningTokens + b.reasoningTokens,
  };
}
