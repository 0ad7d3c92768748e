import { describe, expect, it } from "vitest";
import type { Reasoning } from "../../src/core/call-settings.ts";
import { generationOf, thinkingConfig } from "../../src/provider/google-thinking.ts";

describe("generationOf", () => {
  it.each([
    ["gemini-2.5-pro", { version: 2.5, isPro: true }],
    ["models/gemini-3-flash-preview", { version: 3, isPro: false }],
    ["publishers/google/models/gemini-3.1-pro-preview", { version: 3.1, isPro: true }],
    ["gemini-2.0-flash", { version: 2, isPro: false }],
    ["gemini-flash-latest", null],
    ["tunedModels/mine", null],
    ["gemini-25", { version: 25, isPro: false }],
  ])("reads %s", (model, expected) => {
    expect(generationOf(model)).toEqual(expected);
  });
});

describe("thinkingConfig", () => {
  it.each<[Reasoning, string, unknown]>([
    [{ budgetTokens: 512 }, "gemini-2.5-flash", { thinkingBudget: 512 }],
    [{ budgetTokens: 512 }, "gemini-3-pro", { thinkingBudget: 512 }],
    ["low", "gemini-2.5-flash", { thinkingBudget: 1024 }],
    ["medium", "gemini-2.5-pro", { thinkingBudget: 8192 }],
    ["high", "gemini-2.5-flash", { thinkingBudget: 24_576 }],
    ["low", "gemini-3-pro", { thinkingLevel: "LOW" }],
    ["minimal", "gemini-3-flash", { thinkingLevel: "MINIMAL" }],
    ["minimal", "gemini-flash-latest", { thinkingLevel: "MINIMAL" }],
    ["none", "gemini-2.5-flash", { thinkingBudget: 0 }],
    ["none", "gemini-flash-latest", { thinkingBudget: 0 }],
    ["none", "gemini-2.0-flash", null],
  ])("asks for %j from %s", (reasoning, model, expected) => {
    expect(thinkingConfig(reasoning, { model, provider: "google" })).toEqual(expected);
  });

  it.each<[Reasoning, string]>([
    ["none", "gemini-2.5-pro"],
    ["none", "gemini-3-flash"],
    ["minimal", "gemini-3.1-pro"],
    ["low", "gemini-2.0-flash"],
    [{ budgetTokens: 512 }, "gemini-1.5-pro"],
  ])("refuses %j for %s, in the provider's name", (reasoning, model) => {
    expect(() => thinkingConfig(reasoning, { model, provider: "vertex" })).toThrow(
      expect.objectContaining({
        code: "setting_unsupported",
        message: expect.stringMatching(/^vertex takes no .*Nothing was sent\.$/) as string,
      }),
    );
  });
});
