import { describe, expect, it } from "vitest";
import type { Reasoning } from "../../src/core/call-settings.ts";
import { thinkingOf } from "../../src/provider/anthropic-thinking.ts";

const ADAPTIVE = { thinking: { type: "adaptive" }, effort: "medium" };
const BUDGET = { thinking: { type: "enabled", budget_tokens: 4096 }, effort: null };

describe("thinkingOf", () => {
  it.each([
    ["claude-3-7-sonnet-20250219", BUDGET],
    ["claude-opus-4-1-20250805", BUDGET],
    ["claude-haiku-4-5-20251001", BUDGET],
    ["claude-opus-4-6", ADAPTIVE],
    ["claude-opus-4-7", ADAPTIVE],
    ["claude-sonnet-5-5", ADAPTIVE],
    ["claude-mythos-preview", ADAPTIVE],
    ["a-gateways-alias", ADAPTIVE],
  ])("asks %s for a level in the way it knows", (model, expected) => {
    expect(thinkingOf("medium", model)).toMatchObject(expected);
  });

  it("leaves room for thought: the budget, or as much as the highest level has", () => {
    const model = "claude-haiku-4-5";
    expect(thinkingOf("low", model).roomTokens).toBe(1024);
    expect(thinkingOf("high", model).roomTokens).toBe(16_384);
    expect(thinkingOf({ budgetTokens: 3000 }, model)).toEqual({
      thinking: { type: "enabled", budget_tokens: 3000 },
      effort: null,
      roomTokens: 3000,
    });
    expect(thinkingOf("low", "claude-opus-5").roomTokens).toBe(16_384);
  });

  it("says nothing when nothing is asked, and turns it off where it can be on", () => {
    const off = { thinking: null, effort: null, roomTokens: 0 };
    expect(thinkingOf(undefined, "claude-opus-5")).toEqual(off);
    expect(thinkingOf("none", "claude-3-5-haiku-20241022")).toEqual(off);
    expect(thinkingOf("none", "claude-opus-5")).toEqual({ ...off, thinking: { type: "disabled" } });
  });

  it.each<[Reasoning, string, string]>([
    ["minimal", "claude-opus-5", "low"],
    ["low", "claude-3-5-haiku-20241022", "does not think"],
    ["low", "claude-2.1", "does not think"],
    [{ budgetTokens: 2048 }, "claude-3-haiku-20240307", "does not think"],
    [{ budgetTokens: 2048 }, "claude-opus-4-7", "levels"],
    [{ budgetTokens: 1023 }, "claude-haiku-4-5", "1024"],
    [{ budgetTokens: 1024.5 }, "claude-haiku-4-5", "whole number"],
    ["none", "claude-fable-5", "always thinks"],
    ["none", "claude-mythos-preview", "always thinks"],
  ])("refuses %j for %s", (reasoning, model, word) => {
    expect(() => thinkingOf(reasoning, model)).toThrow(
      expect.objectContaining({
        code: "setting_unsupported",
        message: expect.stringContaining(word) as string,
      }),
    );
  });
});
