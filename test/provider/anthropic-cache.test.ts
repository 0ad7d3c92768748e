import { describe, expect, it } from "vitest";
import type { PromptCache } from "../../src/core/call-settings.ts";
import { cacheMark, markedLast } from "../../src/provider/anthropic-cache.ts";

describe("cacheMark", () => {
  it("is made where something is to be marked, with the lifetime asked for", () => {
    expect(cacheMark(null)).toBeNull();
    expect(cacheMark({})).toBeNull();
    expect(cacheMark({ system: false, lastUserMessages: 0 })).toBeNull();
    expect(cacheMark({ system: true })).toEqual({ type: "ephemeral" });
    expect(cacheMark({ lastUserMessages: 1, ttl: "1h" })).toEqual({ type: "ephemeral", ttl: "1h" });
    expect(cacheMark({ system: true, tools: true, lastUserMessages: 2 })).not.toBeNull();
  });

  it.each<PromptCache>([
    { lastUserMessages: 5 },
    { system: true, lastUserMessages: 4 },
    { system: true, tools: true, lastUserMessages: 3 },
    { lastUserMessages: -1 },
    { lastUserMessages: 1.5 },
    { ttl: "1h" },
  ])("is refused for %j", (cache) => {
    expect(() => cacheMark(cache)).toThrow(
      expect.objectContaining({ code: "setting_unsupported" }),
    );
  });
});

describe("markedLast", () => {
  it("leaves no blocks, and blocks without a mark, as they are", () => {
    expect(markedLast([], { type: "ephemeral" })).toEqual([]);
    expect(markedLast([{ type: "text" }], null)).toEqual([{ type: "text" }]);
  });
});
