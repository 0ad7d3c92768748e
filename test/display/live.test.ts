import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Progress } from "../../src/core/progress.ts";
import { receiptOf, rowTally } from "../../src/core/receipt.ts";
import { liveCard, type Board } from "../../src/display/live.ts";
import { progressAt } from "./progress.ts";

interface Shown {
  readonly atMs: number;
  readonly id: string;
  readonly isUpdate: boolean;
  readonly text: string;
}

/** A board that keeps what it is shown, and refuses from the given number on. */
function board(
  refusesFrom = Infinity,
): Board & { readonly shown: Shown[]; readonly said: string[] } {
  const shown: Shown[] = [];
  const said: string[] = [];
  return {
    shown,
    said,
    show: (bundle, id, isUpdate) => {
      if (shown.length >= refusesFrom) return Promise.reject(new Error("no display"));
      shown.push({ atMs: Date.now(), id, isUpdate, text: bundle["text/plain"] });
      return Promise.resolve();
    },
    say: (line) => said.push(line),
  };
}

const receipt = receiptOf(rowTally(null), [], {
  ...{ run: "r", model: "m/1", free: true, price: null, output: null, neutralisedCells: 0 },
  plan: {
    ...{ rows: 0, requests: 0, cached: 0, duplicates: 0, chunks: 0, bytes: 0, rejected: {} },
    skipped: { blank: 0, limit: 0, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
  },
});

const at = (answered: number): Progress => progressAt({ phase: "running", answered });

describe("a card that changes in place", () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("shows at most two states a second, always the latest, under one id", async () => {
    const seen = board();
    const card = liveCard(seen, "x");
    for (let step = 0; step < 100; step++) {
      card.progress(at(step));
      await vi.advanceTimersByTimeAsync(20);
    }
    // Two seconds of fifty events a second.
    expect(seen.shown.map(({ atMs }) => atMs)).toEqual([0, 500, 1000, 1500, 2000]);
    expect(seen.shown.map(({ isUpdate }) => isUpdate)).toEqual([false, true, true, true, true]);
    expect(new Set(seen.shown.map(({ id }) => id))).toEqual(new Set(["x"]));
    expect(seen.shown.at(-1)?.text).toContain("99 of 100 requests answered");
  });

  it("shows the last state though no other follows", async () => {
    const seen = board();
    const card = liveCard(seen, "x");
    card.progress(at(1));
    card.progress(at(2));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen.shown.map(({ text }) => /\d+ of/.exec(text)?.[0])).toEqual(["1 of", "2 of"]);
  });

  it("ends as the receipt, in the same place, after all else", async () => {
    const seen = board();
    const card = liveCard(seen, "x");
    card.progress(at(1));
    card.progress(at(2));
    await card.end({ receipt });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(seen.shown.map(({ isUpdate }) => isUpdate)).toEqual([false, true]);
    expect(seen.shown.at(-1)?.text).toContain("0 rows = 0 ok");
    expect(seen.said).toEqual([]);
  });

  it("ends with the reason where the run stopped, and how far it came", async () => {
    const seen = board();
    const card = liveCard(seen, "x");
    card.progress(at(40));
    await card.end({ error: new Error("The key was refused.\nMore.") });
    expect(seen.shown.at(-1)?.text).toMatch(/^! Stopped: The key was refused\.\n/);
    expect(seen.shown.at(-1)?.text).toContain("40 of 100 requests answered");
  });

  it("says the end in one line where nothing can be shown, and does not fail", async () => {
    const seen = board(0);
    const card = liveCard(seen, "x");
    card.progress(at(1));
    await vi.advanceTimersByTimeAsync(2000);
    await card.end({ receipt });
    expect(seen.shown).toEqual([]);
    expect(seen.said).toEqual(["✔ 0 rows = 0 ok + 0 skipped + 0 failed"]);
  });
});
