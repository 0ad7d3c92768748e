import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { durationMs } from "../../src/cli/duration.ts";

describe("durationMs", () => {
  it.each([
    ["100ms", 100],
    ["30s", 30_000],
    ["1.5h", 5_400_000],
    [" 5 m ", 300_000],
    ["0s", 0],
    ["168h", 604_800_000],
    ["7d", 604_800_000],
  ])("reads %s", (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  it.each(["", "30", "s", "-1s", "8d", "1w", "1e3s", "169h", "1 s 2", "NaNs"])(
    "refuses %s",
    (text) => {
      expect(durationMs(text)).toBeNull();
    },
  );

  it("reads longer ones where they are asked for", () => {
    expect(durationMs("30d", 31 * 86_400_000)).toBe(2_592_000_000);
    expect(durationMs("32d", 31 * 86_400_000)).toBeNull();
  });

  it("reads every whole number of milliseconds back", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 604_800_000 }), (ms) => {
        expect(durationMs(`${String(ms)}ms`)).toBe(ms);
      }),
    );
  });
});
