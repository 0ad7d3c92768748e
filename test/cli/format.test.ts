import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { ago, bar, count, counted, percent, span } from "../../src/cli/format.ts";

describe("numbers", () => {
  it("have thousands separators", () => {
    expect(count(1_234_567)).toBe("1,234,567");
    expect(count(999)).toBe("999");
  });

  it("agree with their noun", () => {
    expect([counted(0, "row"), counted(1, "row"), counted(12_480, "row")]).toEqual([
      "0 rows",
      "1 row",
      "12,480 rows",
    ]);
    expect(counted(2, "reply", "replies")).toBe("2 replies");
  });

  it("become shares, of nothing too", () => {
    expect(percent(1, 3)).toBe("33.3 %");
    expect(percent(0, 0)).toBe("0.0 %");
  });
});

describe("bar", () => {
  it("is as long as its share, and never longer than its room", () => {
    expect(bar(0, 10)).toBe("");
    expect(bar(0.5, 10)).toBe("█████");
    expect(bar(1, 10)).toBe("██████████");
    expect(bar(7, 10)).toBe("██████████");
    expect(bar(0.0001, 10)).toBe("▏");
  });

  it("grows with the share", () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 60 }), (a, b, width) => {
        const [small, large] = [bar(Math.min(a, b), width), bar(Math.max(a, b), width)];
        expect(small.length).toBeLessThanOrEqual(large.length);
        expect(large.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe("span", () => {
  it.each([
    [-5, "0 s"],
    [4_400, "4 s"],
    [125_000, "2 min 5 s"],
    [3_600_000, "1 h"],
    [12_000_000, "3 h 20 min"],
    [187_200_000, "2 d 4 h"],
  ])("of %d ms is %s", (ms, text) => {
    expect(span(ms)).toBe(text);
  });

  it("tells how long ago in one unit", () => {
    expect(ago(new Date(1000), 126_000)).toBe("2 min ago");
  });
});
