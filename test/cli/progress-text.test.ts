import { describe, expect, it } from "vitest";
import { colours } from "../../src/cli/colour.ts";
import { widthOf } from "../../src/cli/cells.ts";
import { timeLeftText } from "../../src/cli/format.ts";
import { progressLine, progressPanel } from "../../src/cli/progress-text.ts";
import type { BatchProgress, Progress } from "../../src/index.ts";

const batch = (chunk: number, part: Partial<BatchProgress> = {}): BatchProgress => ({
  chunk,
  origin: "plan",
  lane: "batch",
  id: `batch_${String(chunk)}`,
  phase: "running",
  done: 3120,
  total: 10_000,
  ...part,
});

const RUNNING: Progress = {
  phase: "running",
  requests: 40_000,
  answered: 12_480,
  cached: 0,
  failed: 4,
  underway: 13_120,
  chunks: 4,
  chunksCollected: 1,
  batches: [
    batch(2),
    batch(3, { phase: "downloading", done: 10_000 }),
    batch(4, { phase: "validating", done: null }),
  ],
  spentUsd: 0.124,
  projectedUsd: 0.4,
  timeLeft: { lowMs: 601_000, highMs: 1_440_000 },
};

const plain = (progress: Progress, width: number): string =>
  progressPanel(progress, 125_000, { width, colours: colours(false) });

describe("the panel", () => {
  it("tells phase, batches, counts, money and time in 80 columns", () => {
    expect(plain(RUNNING, 80)).toBe(
      [
        "  running     █████████████████████████▋░░░░░░░░░░░░░░ 64 %",
        "  chunk 2  running     ███████▌░░░░░░░░░░░░░░░░   3,120 of 10,000",
        "  chunk 3  downloading ████████████████████████  10,000 of 10,000",
        "  chunk 4  validating  ░░░░░░░░░░░░░░░░░░░░░░░░            10,000",
        "  12,480 of 40,000 requests answered · 13,120 worked on · 4 failed",
        "  1 of 4 chunks collected · $0.12 of about $0.40 spent · about 10–24 min left",
        "  2 min 5 s",
      ].join("\n"),
    );
  });

  it("takes fewer lines in 120 columns", () => {
    expect(plain(RUNNING, 120).split("\n").slice(4)).toEqual([
      "  12,480 of 40,000 requests answered · 13,120 worked on · 4 failed · 1 of 4 chunks collected",
      "  $0.12 of about $0.40 spent · about 10–24 min left · 2 min 5 s",
    ]);
  });

  it.each([40, 57, 80, 120])("never is wider than a terminal of %i columns", (width) => {
    const many = { ...RUNNING, batches: Array.from({ length: 40 }, (_, at) => batch(at + 1)) };
    const named = { ...RUNNING, batches: [batch(1, { step: "評価".repeat(20) })] };
    for (const progress of [RUNNING, many, named])
      for (const line of plain(progress, width).split("\n"))
        expect(widthOf(line)).toBeLessThanOrEqual(width);
  });

  it("counts many batches by phase instead of drawing each", () => {
    const batches = Array.from({ length: 40 }, (_, at) =>
      batch(at + 1, at < 30 ? {} : { phase: "validating" }),
    );
    const lines = plain({ ...RUNNING, batches }, 80).split("\n");
    expect(lines[1]).toBe("  40 batches under way: 30 running · 10 validating");
    expect(lines).toHaveLength(5);
  });

  it("draws a run of one chunk once, and money only where it is known", () => {
    const one = { ...RUNNING, chunks: 1, chunksCollected: 0, batches: [batch(1)], spentUsd: null };
    const text = plain({ ...one, timeLeft: null }, 80);
    expect(text.split("\n")).toHaveLength(2);
    expect(text).not.toContain("$");
    expect(text).not.toContain("left");
  });
});

describe("a line of progress", () => {
  it("tells the same for logs", () => {
    expect(progressLine(RUNNING, 125_000)).toBe(
      "running     12,480 of 40,000 requests answered, 13,120 worked on, 4 failed, 1 of 4 chunks collected, $0.12 of about $0.40 spent, about 10–24 min left (2 min 5 s)",
    );
  });
});

describe("spending against a cap", () => {
  it("is told in the panel and in lines, from the beginning", () => {
    const capped = { ...RUNNING, capUsd: 5 };
    expect(plain(capped, 120)).toContain("$0.12 of the $5.00 cap spent · about $0.40 in all");
    expect(progressLine(capped, 1000)).toContain("$0.12 of the $5.00 cap spent, about $0.40");
    const begun = { ...capped, spentUsd: 0, projectedUsd: null };
    expect(progressLine(begun, 1000)).toContain("$0.00 of the $5.00 cap spent");
  });
});

describe("time left", () => {
  it.each([
    [0, 800, "up to 1 s left"],
    [12_400, 40_100, "about 12–41 s left"],
    [30_000, 240_000, "up to 4 min left"],
    [299_000, 299_500, "about 4–5 min left"],
    [7_300_000, 7_900_000, "about 2–3 h left"],
    [400_000_000, 500_000_000, "about 4–6 d left"],
  ])("from %i to %i ms", (lowMs, highMs, text) => {
    expect(timeLeftText(lowMs, highMs)).toBe(text);
  });
});
