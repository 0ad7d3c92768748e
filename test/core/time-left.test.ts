import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { lookedAgain, MOST_MARKS, type Look } from "../../src/core/look.ts";
import { timeLeft } from "../../src/core/time-left.ts";
import { chunkOf } from "./chunks.ts";

/** Looks at a batch that does `perSecond` requests, once a second. */
function watched(seconds: number, perSecond: number): Look {
  let look: Look | null = null;
  for (let second = 0; second <= seconds; second++)
    look = lookedAgain(look, { phase: "running", done: second * perSecond }, 1000 * second);
  if (look === null) throw new Error("no look");
  return look;
}

const running = (number: number): ReturnType<typeof chunkOf> =>
  chunkOf(number, { state: "submitted", requestCount: 1000, submittedAtMs: 0 });

describe("lookedAgain", () => {
  it("keeps few counts of a long batch, its first and its last among them", () => {
    const { marks } = watched(5000, 3);
    expect(marks.length).toBeLessThanOrEqual(MOST_MARKS);
    expect(marks[0]).toEqual({ done: 0, atMs: 0 });
    expect(marks.at(-1)).toEqual({ done: 15_000, atMs: 5_000_000 });
  });

  it("begins anew after a time in which nobody looked", () => {
    const before = watched(10, 5);
    const after = lookedAgain(before, { phase: "running", done: 60 }, 3_600_000);
    expect(after.marks).toEqual([{ done: 60, atMs: 3_600_000 }]);
  });

  it("counts nothing before the batch runs", () => {
    const before = lookedAgain(null, { phase: "validating", done: 0 }, 0);
    expect(before).toEqual({ phase: "validating", done: 0, atMs: 0, marks: [] });
  });
});

describe("timeLeft", () => {
  it("is null while there is nothing to judge by, and when nothing is left", () => {
    const looks = new Map([[1, watched(20, 10)]]);
    expect(timeLeft([running(1)], new Map(), 1000)).toBeNull();
    expect(timeLeft([running(1)], new Map([[1, watched(1, 10)]]), 1000)).toBeNull();
    expect(timeLeft([running(1)], looks, 0)).toBeNull();
    expect(timeLeft([running(1)], looks, 800)).not.toBeNull();
  });

  it("holds the true time of a batch that goes on as it went, in a range that narrows", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 4, max: 400 }),
        fc.integer({ min: 1, max: 50 }),
        (seen, rate) => {
          const range = timeLeft([running(1)], new Map([[1, watched(seen, rate)]]), 60 * rate);
          expect(range?.lowMs).toBeLessThanOrEqual(60_000);
          expect(range?.highMs).toBeGreaterThanOrEqual(60_000);
          const widest = seen >= 16 ? 1.9 : 2.6;
          expect((range?.highMs ?? 0) / (range?.lowMs ?? 1)).toBeLessThan(widest ** 2);
        },
      ),
    );
  });

  it("adds up what batches do at the same time", () => {
    const looks = new Map([
      [1, watched(40, 10)],
      [2, watched(40, 30)],
    ]);
    const range = timeLeft([running(1), running(2)], looks, 4000);
    expect(range?.lowMs).toBeLessThan(100_000);
    expect(range?.highMs).toBeGreaterThan(100_000);
    expect(range?.highMs).toBeLessThan(140_000);
  });

  it("grows when a batch stands still", () => {
    const going = watched(40, 10);
    const still = lookedAgain(going, { phase: "running", done: 400 }, 120_000);
    const before = timeLeft([running(1)], new Map([[1, going]]), 600);
    const after = timeLeft([running(1)], new Map([[1, still]]), 600);
    expect(after?.highMs).toBeGreaterThan(2 * (before?.highMs ?? Number.POSITIVE_INFINITY));
  });

  it("goes by batches that have ended where the provider does not count", () => {
    const ended = [1, 2, 3].map((number) =>
      chunkOf(number, {
        state: "collected",
        requestCount: 100,
        submittedAtMs: (number - 1) * 60_000,
        ending: { outcome: "completed", results: {}, reason: null, seenAtMs: number * 60_000 },
      }),
    );
    const range = timeLeft(ended, new Map(), 500);
    expect(range?.lowMs).toBeLessThan(300_000);
    expect(range?.highMs).toBeGreaterThan(300_000);
    expect(timeLeft(ended.slice(0, 1), new Map(), 500)).toBeNull();
  });
});
