import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { lowest, rowRanks, rowSample, sharesOf } from "../../src/core/sample.ts";

describe("the ranks of rows", () => {
  it("are no two alike, the same for the same seed, and others for another", () => {
    for (const seed of [0, 1, 2 ** 40]) {
      const [rankOf, again] = [rowRanks(seed), rowRanks(seed)];
      const ranks = new Set<number>();
      for (let row = 0; row < 50_000; row++) {
        const rank = rankOf(row);
        expect(Number.isInteger(rank) && rank >= 0 && rank < 2 ** 32 && rank === again(row)).toBe(
          true,
        );
        ranks.add(rank);
      }
      expect(ranks.size).toBe(50_000);
    }
    expect(rowRanks(0)(7)).not.toBe(rowRanks(1)(7));
    // Written down: a seed that is named in a paper draws the same rows years later.
    expect([0, 1, 2].map(rowRanks(0))).toEqual(RANKS_OF_SEED_0);
  });

  it("are as likely low as high, for any row and for any two", () => {
    const seeds = 4000;
    const low = new Uint32Array(8);
    const both = new Map<string, number>();
    for (let seed = 0; seed < seeds; seed++) {
      const rankOf = rowRanks(seed);
      const isLow = [...low.keys()].map((row) => rankOf(row) < 2 ** 30);
      isLow.forEach((is, a) => {
        if (is) low[a] = (low[a] ?? 0) + 1;
        isLow.forEach((other, b) => {
          if (is && other && a < b)
            both.set(`${String(a)} ${String(b)}`, (both.get(`${String(a)} ${String(b)}`) ?? 0) + 1);
        });
      });
    }
    // Five standard deviations either way: a quarter of the seeds, and a sixteenth.
    for (const count of low)
      expect(Math.abs(count - seeds / 4)).toBeLessThan(5 * Math.sqrt((seeds * 3) / 16));
    expect(both.size).toBe(28);
    for (const count of both.values())
      expect(Math.abs(count - seeds / 16)).toBeLessThan(5 * Math.sqrt((seeds * 15) / 256));
  });
});

const RANKS_OF_SEED_0 = [3908391168, 88869968, 4217832834];

describe("the lowest of many numbers", () => {
  it("are those that sorting would put first", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.nat(2 ** 32 - 1), { maxLength: 300 }),
        fc.integer({ min: 1, max: 40 }),
        (numbers, count) => {
          const kept = lowest(count);
          for (const number of numbers) kept.add(number);
          const first = numbers.toSorted((a, b) => a - b).slice(0, count);
          const bound = kept.bound();
          expect(numbers.filter((number) => number <= bound).sort((a, b) => a - b)).toEqual(first);
        },
      ),
    );
  });

  it("are found among more than are held at once", () => {
    const kept = lowest(2000);
    const rankOf = rowRanks(3);
    for (let row = 0; row < 100_000; row++) kept.add(rankOf(row));
    const all = Array.from({ length: 100_000 }, (_, row) => rankOf(row)).sort((a, b) => a - b);
    expect(kept.bound()).toBe(all[1999]);
  });
});

const groups = fc.array(
  fc.record({ weight: fc.integer({ min: 1, max: 400 }), most: fc.integer({ min: 0, max: 400 }) }),
  { minLength: 1, maxLength: 12 },
);

describe("the shares of groups", () => {
  it("add up, give every group one as far as they go round, and are nearest to the weights", () => {
    fc.assert(
      fc.property(groups, fc.integer({ min: 1, max: 600 }), (some, rows) => {
        const given = some.map(({ weight, most }) => ({ weight, most: Math.min(weight, most) }));
        const shares = sharesOf(given, rows);
        const all = given.reduce((sum, { most }) => sum + most, 0);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.min(rows, all));
        const able = given.filter(({ most }) => most > 0).length;
        for (const [at, { weight, most }] of given.entries()) {
          const share = shares[at] ?? 0;
          expect(share).toBeLessThanOrEqual(most);
          if (rows >= able && most > 0) expect(share).toBeGreaterThan(0);
          // No row could be moved from one group to another and bring both nearer to their weights.
          if (share < most && rows >= able)
            for (const [of, other] of given.entries())
              if ((shares[of] ?? 0) > 1)
                expect(((shares[of] ?? 0) - 0.5) / other.weight).toBeLessThanOrEqual(
                  (share + 0.5) / weight,
                );
        }
      }),
    );
  });

  it("never fall where more rows are drawn", () => {
    fc.assert(
      fc.property(groups, (some) => {
        const given = some.map(({ weight }) => ({ weight }));
        let before = sharesOf(given, 1);
        for (let rows = 2; rows < 80; rows++) {
          const now = sharesOf(given, rows);
          now.forEach((share, at) => {
            expect(share).toBeGreaterThanOrEqual(before[at] ?? 0);
          });
          before = now;
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("a sample that is wished", () => {
  it("is drawn with seed 0 unless another is named, and refused where it has no rows", () => {
    expect(rowSample({ rows: 5 })).toEqual({ rows: 5, by: null, seed: 0 });
    expect(rowSample({ rows: 5, by: "team", seed: 7 })).toEqual({ rows: 5, by: "team", seed: 7 });
    for (const wrong of [{ rows: 0 }, { rows: 1.5 }, { rows: 5, seed: -1 }, {} as { rows: number }])
      expect(() => rowSample(wrong)).toThrow(expect.objectContaining({ code: "option_invalid" }));
  });
});
