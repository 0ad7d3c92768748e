import { describe, expect, it } from "vitest";
import { planWatch } from "../../src/core/plan-look.ts";
import type { NewRequest } from "../../src/core/plan.ts";

function requestOf(ordinal: number, content: string): NewRequest {
  const messages = [{ role: "user", content }] as const;
  return { ordinal, id: String(ordinal), prompt: { messages, cells: [] } };
}

const PLACE = { column: "c", host: "example.com", columns: ["text"] };

describe("a look at a plan", () => {
  it("shows the first, the shortest and the longest prompt, each once and cut", () => {
    const watch = planWatch();
    const texts = ["middle", "a", "x".repeat(5000), "b"];
    texts.forEach((text, at) => {
      watch.see(requestOf(at, text));
    });
    expect(watch.look(PLACE).samples).toEqual([
      { which: "first", text: "middle", characters: 6 },
      { which: "shortest", text: "a", characters: 1 },
      { which: "longest", text: "x".repeat(400), characters: 5000 },
    ]);
  });

  it("counts every prompt in at most eight bins, whatever the lengths are", () => {
    const watch = planWatch();
    const lengths = [0, 1, 2, 3, 4, 100, 1000, 70_000, 3_000_000];
    lengths.forEach((length, at) => {
      watch.see(requestOf(at, "y".repeat(length)));
    });
    const bins = watch.look(PLACE).lengths;
    expect(bins.length).toBeLessThanOrEqual(8);
    for (const { from, to, requests } of bins)
      expect(requests).toBe(lengths.filter((length) => length >= from && length <= to).length);
    expect(bins.reduce((sum, { requests }) => sum + requests, 0)).toBe(lengths.length);
  });

  it("is empty where nothing was planned, and names what was blank", () => {
    const watch = planWatch();
    watch.blank("text");
    watch.blank("text");
    expect(watch.look(PLACE)).toEqual({
      ...PLACE,
      samples: [],
      lengths: [],
      blankRows: { text: 2 },
    });
  });
});
