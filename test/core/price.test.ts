import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { PRICE_TABLE } from "../../src/core/price-table.ts";
import { costUsd, isLong, priceOf, spentUsd, type Price } from "../../src/core/price.ts";
import { addUsage, NO_USAGE, subtractUsage, type Usage } from "../../src/core/usage.ts";

const usage = (differing: Partial<Usage>): Usage => ({ ...NO_USAGE, ...differing });

describe("a price", () => {
  it("is that of the model and its dated snapshots, at the provider's batch discount", () => {
    expect(priceOf("openai", "gpt-5-mini")).toMatchObject({
      inputPerM: 0.25,
      cachedInputPerM: 0.025,
      outputPerM: 2,
      batchShare: 0.5,
    });
    expect(priceOf("openai", "gpt-5-mini-2027-01-31")).toEqual(priceOf("openai", "gpt-5-mini"));
    expect(priceOf("anthropic", "claude-haiku-4-5-20251001")).toEqual(
      priceOf("anthropic", "claude-haiku-4-5"),
    );
    expect(priceOf("vertex", "gemini-2.5-flash")?.inputPerM).toBe(
      priceOf("google", "gemini-2.5-flash")?.inputPerM,
    );
  });

  it("is never another model's whose name begins alike", () => {
    for (const [provider, models] of Object.entries(PRICE_TABLE))
      for (const name of Object.keys(models).slice(0, 50))
        for (const other of [`${name}-ultra`, `${name}x`, name.slice(0, -1)])
          if (!(other in models)) expect([other, priceOf(provider, other)]).toEqual([other, null]);
    expect(priceOf("anthropic", "claude-sonnet-5-5")).toBeNull();
    expect(priceOf("parasail", "gpt-5-mini")).toBeNull();
  });

  it("is the user's where one is given, by model or by provider and model", () => {
    const own = { inputPerM: 1, outputPerM: 3 };
    expect(priceOf("parasail", "m", { "parasail/m": own })).toEqual({
      ...own,
      batchShare: 0.5,
      source: "given",
    });
    expect(priceOf("openai", "gpt-5-mini", { "gpt-5-mini": { ...own, batchShare: 1 } })).toEqual({
      ...own,
      batchShare: 1,
      source: "given",
    });
  });

  it("has an input and an output price in every line of the table", () => {
    for (const [provider, models] of Object.entries(PRICE_TABLE))
      for (const name of Object.keys(models)) {
        const price = priceOf(provider, name);
        expect([name, price?.inputPerM]).toEqual([name, expect.any(Number)]);
        expect(price?.outputPerM).toBeGreaterThanOrEqual(0);
      }
  });
});

describe("a cost", () => {
  const price: Price = {
    inputPerM: 2,
    cachedInputPerM: 0.5,
    outputPerM: 8,
    batchShare: 0.5,
    above: { inputTokens: 1000, prices: { inputPerM: 4, outputPerM: 16 } },
    source: "test",
  };

  it("counts cached input apart and halves what goes in a batch", () => {
    const used = usage({ inputTokens: 1000, cachedInputTokens: 400, outputTokens: 100 });
    expect(costUsd(used, price, "realtime")).toBeCloseTo((600 * 2 + 400 * 0.5 + 800) / 1e6, 15);
    expect(costUsd(used, price, "batch")).toBeCloseTo((600 * 2 + 400 * 0.5 + 800) / 2e6, 15);
  });

  it("prices what is put into the cache by how long it stays, and as other input where nothing says so", () => {
    const writing = usage({ inputTokens: 1000, cacheWriteTokens: 700, cacheWriteHourTokens: 200 });
    const dear = { ...price, cacheWritePerM: 2.5, cacheWriteHourPerM: 4 };
    const sum = 300 * 2 + 500 * 2.5 + 200 * 4;
    expect(costUsd(writing, dear, "realtime")).toBeCloseTo(sum / 1e6, 15);
    const { cacheWriteHourPerM: _, ...unknown } = dear;
    expect(costUsd(writing, unknown, "realtime")).toBeCloseTo((600 + 700 * 2.5) / 1e6, 15);
    expect(costUsd(writing, price, "realtime")).toBeCloseTo(2000 / 1e6, 15);
    expect(priceOf("anthropic", "claude-haiku-4-5")).toMatchObject({
      inputPerM: 1,
      cacheWritePerM: 1.25,
      cacheWriteHourPerM: 2,
    });
  });

  it("takes the higher prices for the whole of a long request", () => {
    const used = usage({ inputTokens: 1001, outputTokens: 1 });
    expect(costUsd(used, price, "realtime")).toBeCloseTo((1001 * 4 + 16) / 1e6, 15);
  });

  it("never falls with more tokens, and is never negative", () => {
    const tokens = fc.nat({ max: 5000 });
    fc.assert(
      fc.property(tokens, tokens, tokens, (inputTokens, cachedInputTokens, outputTokens) => {
        const used = usage({ inputTokens, cachedInputTokens, outputTokens });
        const more = usage({ ...used, outputTokens: outputTokens + 1 });
        expect(costUsd(used, price, "batch")).toBeGreaterThanOrEqual(0);
        expect(costUsd(more, price, "batch")).toBeGreaterThan(costUsd(used, price, "batch"));
      }),
    );
  });

  it("comes to the same for many requests together, long ones counted apart, as for each", () => {
    const one = fc.record({
      inputTokens: fc.nat({ max: 3000 }),
      cachedInputTokens: fc.nat({ max: 500 }),
      cacheWriteTokens: fc.nat({ max: 500 }),
      cacheWriteHourTokens: fc.constant(0),
      outputTokens: fc.nat({ max: 900 }),
      reasoningTokens: fc.nat({ max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(fc.array(one)), (chunks) => {
        const valid = chunks.map((chunk) =>
          chunk.map((it) => ({
            ...it,
            inputTokens: it.inputTokens + it.cachedInputTokens + it.cacheWriteTokens,
          })),
        );
        const spent = valid.map((chunk) => ({
          usage: chunk.reduce(addUsage, NO_USAGE),
          longUsage: chunk.filter((it) => isLong(it, price)).reduce(addUsage, NO_USAGE),
        }));
        const each = valid.flat().reduce((sum, it) => sum + costUsd(it, price, "batch"), 0);
        expect(spentUsd(spent, price, "batch")).toBeCloseTo(each, 9);
      }),
    );
  });

  it("is that of short requests where none was counted apart, however many they are", () => {
    const used = usage({ inputTokens: 5000, outputTokens: 10 });
    expect(spentUsd([{ usage: used }], price, "batch")).toBeCloseTo((5000 * 2 + 80) / 2e6, 15);
    expect(subtractUsage(addUsage(used, used), used)).toEqual(used);
  });
});
