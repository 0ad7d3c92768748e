import { describe, expect, it } from "vitest";
import { openModel } from "../../src/provider/models.ts";
import { pacingOf, refusePacing } from "../../src/provider/pacing.ts";

describe("the pace that was asked for", () => {
  it("is what was given, and nothing else", () => {
    const other = { concurrency: 3, tokensPerMinute: 9, model: "m" };
    expect(pacingOf(other)).toEqual({ concurrency: 3, tokensPerMinute: 9 });
    expect(pacingOf({})).toEqual({});
  });

  it.each([0, -1, 1.5, NaN, Infinity])("is refused as %d", (requestsPerMinute) => {
    expect(() => pacingOf({ requestsPerMinute })).toThrow("requestsPerMinute");
  });

  it("is refused where batches have their own", async () => {
    expect(() => {
      refusePacing({}, "openai");
    }).not.toThrow();
    for (const provider of ["embedded"]) {
      const spec = { provider, model: "use-lite", apiKey: "sk-000000", concurrency: 2 };
      await expect(openModel(spec), provider).rejects.toMatchObject({ code: "option_unsupported" });
    }
  });

  it("reaches the realtime lane of a host of batches", async () => {
    const spec = { provider: "openai", model: "m", apiKey: "sk-000000", concurrency: 2 };
    const { provider } = await openModel(spec);
    expect(provider.live?.id).toBe("openai");
    await provider.close();
  });

  it("reaches a model that is asked live", async () => {
    const { provider } = await openModel({ provider: "ollama", model: "m", concurrency: 2 });
    expect(provider.id).toBe("ollama");
    await provider.close();
    const bad = { provider: "ollama", model: "m", concurrency: 0 };
    await expect(openModel(bad)).rejects.toMatchObject({ code: "option_invalid" });
  });
});
