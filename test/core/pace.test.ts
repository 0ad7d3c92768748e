import { describe, expect, it } from "vitest";
import type { Chunk, ChunkState } from "../../src/core/chunk.ts";
import { paceOf, type Pace } from "../../src/core/pace.ts";
import { chunkOf } from "./chunks.ts";

const NOTHING = { maxBatchesInFlight: null, maxRequestsPerBatch: null };

function chunk(number: number, state: ChunkState): Chunk {
  return chunkOf(number, { state });
}

interface Watch {
  readonly pace: Pace;
  at: number;
}

/** A pace by a clock that is moved by hand, without jitter. */
function watch(pollEveryMs = 1000, random = 0.5): Watch {
  const self: { at: number; pace?: Pace } = { at: 0 };
  self.pace = paceOf({ pollEveryMs, learnt: NOTHING, now: () => self.at, random: () => random });
  return self as Watch;
}

const numbers = (chunks: readonly Chunk[]): readonly number[] => chunks.map(({ number }) => number);

describe("a pace", () => {
  it("lets no more planned chunks go than there is room for beside those under way", () => {
    const { pace } = watch();
    const open = [
      chunk(1, "submitted"),
      chunk(2, "planned"),
      chunk(3, "planned"),
      chunk(4, "ended"),
    ];
    expect(numbers(pace.due(open, 2))).toEqual([1, 2, 4]);
    expect(numbers(pace.due(open, 1))).toEqual([1, 4]);
    expect(numbers(pace.due(open, Infinity))).toEqual([1, 2, 3, 4]);
  });

  it("looks less and less often, at most ten times the base, while nothing changes", () => {
    const timer = watch();
    const waits: number[] = [];
    for (let look = 0; look < 60; look++) {
      timer.pace.looked(1, { moved: false, ageMs: 60_000 });
      const restMs = timer.pace.restMs([chunk(1, "submitted")], 9);
      waits.push(restMs);
      timer.at += restMs;
    }
    expect(waits[0]).toBe(1000);
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(Math.max(...waits)).toBe(10_000);
  });

  it("looks soon at a batch that was just made, and a dozen times before it is as patient as ever", () => {
    const timer = watch(30_000);
    const waits: number[] = [];
    do {
      timer.pace.looked(1, { moved: false, ageMs: timer.at });
      const restMs = timer.pace.restMs([chunk(1, "submitted")], 9);
      waits.push(restMs);
      timer.at += restMs;
    } while ((waits.at(-1) ?? 0) < 30_000);
    expect(waits.slice(0, 3)).toEqual([250, 250, 250]);
    expect(waits.length).toBeLessThan(16);
    // A look is never later than half the time that the batch has taken by then.
    expect(timer.at - (waits.at(-1) ?? 0)).toBeGreaterThan((waits.at(-1) ?? 0) * 1.9);
  });

  it("looks as often as it is told to where that is more often", () => {
    const { pace } = watch(20);
    pace.looked(1, { moved: false, ageMs: 10 });
    expect(pace.restMs([chunk(1, "submitted")], 9)).toBe(20);
  });

  it("spreads waits by a fifth either way", () => {
    const [early, late] = [watch(1000, 0), watch(1000, 1)];
    for (const { pace } of [early, late]) pace.waitToResolve(1);
    expect(early.pace.restMs([chunk(1, "submitting")], 9)).toBeCloseTo(800);
    expect(late.pace.restMs([chunk(1, "submitting")], 9)).toBeCloseTo(1200);
  });

  it("tells how long a batch stands still, from when it was sent, and anew once it moves", () => {
    const timer = watch();
    expect(timer.pace.looked(1, { moved: true, ageMs: 7000 })).toBe(7000);
    timer.at = 500;
    expect(timer.pace.looked(1, { moved: false, ageMs: 7500 })).toBe(7500);
    timer.at = 600;
    expect(timer.pace.looked(1, { moved: true, ageMs: 7600 })).toBe(0);
    timer.at = 900;
    expect(timer.pace.looked(1, { moved: false, ageMs: 7900 })).toBe(300);
  });

  it("doubles the wait with every trouble in a row up to five minutes, and honours what was asked for", () => {
    const { pace } = watch();
    const open = [chunk(1, "submitted")];
    const waits = Array.from({ length: 12 }, () => {
      pace.trouble(1, undefined);
      return pace.restMs(open, 9);
    });
    expect(waits.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(waits.at(-1)).toBe(300_000);
    pace.moved(1);
    expect(pace.due(open, 9)).toHaveLength(1);
    expect(pace.trouble(1, 60_000)).toBe(1);
    expect(pace.restMs(open, 9)).toBe(60_000);
  });

  it("sends nothing while the provider takes no batch, and goes on with those under way", () => {
    const timer = watch();
    timer.pace.hold(5000);
    const open = [chunk(1, "planned"), chunk(2, "submitted")];
    expect(numbers(timer.pace.due(open, 9))).toEqual([2]);
    expect(timer.pace.restMs([chunk(1, "planned")], 9)).toBe(5000);
    timer.at = 5000;
    expect(numbers(timer.pace.due(open, 9))).toEqual([1, 2]);
  });

  it("learns how many batches there is room for, and lets one more go after as many successes", () => {
    const { pace } = watch();
    pace.refused(2, 100);
    expect(pace.learnt()).toEqual({ maxBatchesInFlight: 2, maxRequestsPerBatch: null });
    pace.succeeded();
    expect(pace.learnt().maxBatchesInFlight).toBe(2);
    pace.succeeded();
    expect(pace.learnt().maxBatchesInFlight).toBe(3);
  });

  it("halves a batch that was refused though it was alone, down to one request", () => {
    const { pace } = watch();
    for (const [requests, half] of [
      [9, 5],
      [5, 3],
      [1, 1],
    ] as const) {
      pace.refused(0, requests);
      expect(pace.learnt()).toEqual({ maxBatchesInFlight: 1, maxRequestsPerBatch: half });
    }
    expect(pace.refusals()).toBe(3);
    pace.succeeded();
    expect(pace.refusals()).toBe(0);
  });
});
