import { expect, it } from "vitest";
import { addUsage, NO_USAGE } from "../../src/core/usage.ts";

it("usages add up, each kind of token by itself", () => {
  const one = {
    inputTokens: 1,
    cachedInputTokens: 2,
    cacheWriteTokens: 5,
    cacheWriteHourTokens: 6,
    outputTokens: 3,
    reasoningTokens: 4,
  };
  const other = {
    inputTokens: 10,
    cachedInputTokens: 20,
    cacheWriteTokens: 50,
    cacheWriteHourTokens: 60,
    outputTokens: 30,
    reasoningTokens: 40,
  };
  expect(addUsage(one, other)).toEqual({
    inputTokens: 11,
    cachedInputTokens: 22,
    cacheWriteTokens: 55,
    cacheWriteHourTokens: 66,
    outputTokens: 33,
    reasoningTokens: 44,
  });
  expect(addUsage(one, NO_USAGE)).toEqual(one);
});
