import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  agreement,
  kappaOf,
  scoresOf,
  transitionsOf,
  wilson95,
  type AgreementCounts,
} from "../../src/core/agreement.ts";

function counted(rows: readonly (readonly [string, string | null])[]): AgreementCounts {
  const made = agreement();
  for (const [reference, other] of rows) made.add(reference, other);
  return made.counts;
}

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

// Worked out by hand: 20 rows, 10 gold yes (8 yes, 1 no, 1 without answer), 10 gold no (7 no, 3 yes).
const BY_HAND = counted([
  ...times(8, ["yes", "yes"] as const),
  ["yes", "no"],
  ["yes", null],
  ...times(7, ["no", "no"] as const),
  ...times(3, ["no", "yes"] as const),
]);

describe("scores", () => {
  it("are those worked out by hand", () => {
    const scores = scoresOf(BY_HAND);
    expect(scores).toMatchObject({ n: 20, correct: 15, unanswered: 1, accuracy: 0.75 });
    // Chance: yes 10/20 * 11/20 + no 10/20 * 8/20 = 0.475; (0.75 - 0.475) / 0.525.
    expect(scores.kappa).toBeCloseTo(0.275 / 0.525, 12);
    const [no, yes] = scores.perLabel;
    expect(no).toEqual({ label: "no", support: 10, precision: 7 / 8, recall: 0.7, f1: 14 / 18 });
    expect(yes).toEqual({ label: "yes", support: 10, precision: 8 / 11, recall: 0.8, f1: 16 / 21 });
    expect(scores.macroF1).toBeCloseTo((14 / 18 + 16 / 21) / 2, 12);
    // Wilson's interval for 15 of 20, from its formula with z = 1.96.
    expect(scores.ci95[0]).toBeCloseTo(0.5313, 4);
    expect(scores.ci95[1]).toBeCloseTo(0.8881, 4);
  });

  it("give a label that is only predicted an entry and no part in the mean", () => {
    const scores = scoresOf(counted([["a", "a"], ["a", "b"]])); // prettier-ignore
    expect(scores.perLabel).toEqual([
      { label: "a", support: 2, precision: 1, recall: 0.5, f1: 2 / 3 },
      { label: "b", support: 0, precision: 0, recall: null, f1: 0 },
    ]);
    expect(scores.macroF1).toBeCloseTo(2 / 3, 12);
  });

  it("of no rows claim nothing", () => {
    expect(scoresOf(counted([]))).toEqual({
      n: 0,
      correct: 0,
      unanswered: 0,
      accuracy: 0,
      ci95: [0, 1],
      kappa: null,
      macroF1: 0,
      perLabel: [],
    });
  });
});

describe("kappa", () => {
  it("is 1 for full agreement on several labels, 0 for what chance gives, null where it is undefined", () => {
    expect(kappaOf(counted([["a", "a"], ["b", "b"]]))).toBe(1); // prettier-ignore
    expect(kappaOf(counted([["a", "a"], ["a", "b"], ["b", "a"], ["b", "b"]]))).toBe(0); // prettier-ignore
    expect(kappaOf(counted([["a", "a"]]))).toBeNull();
  });

  it("is never above 1, and the same whichever side is the reference", () => {
    const pair = fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("a", "b", "c"));
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1 }), (pairs) => {
        const kappa = kappaOf(counted(pairs));
        const turned = kappaOf(counted(pairs.map(([a, b]) => [b, a])));
        if (kappa === null) expect(turned).toBeNull();
        else {
          expect(kappa).toBeLessThanOrEqual(1 + 1e-12);
          expect(turned).toBeCloseTo(kappa, 9);
        }
      }),
    );
  });
});

describe("the interval", () => {
  it("lies within 0 and 1, holds the share, and narrows with more trials", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (trials, share) => {
          const successes = Math.round(trials * share);
          const [low, high] = wilson95(successes, trials);
          const [lowMore, highMore] = wilson95(successes * 10, trials * 10);
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(successes / trials + 1e-9);
          expect(high).toBeGreaterThanOrEqual(successes / trials - 1e-9);
          expect(highMore - lowMore).toBeLessThan(high - low);
        },
      ),
    );
  });
});

describe("transitions", () => {
  it("are the pairs that differ, the most frequent first", () => {
    expect(transitionsOf(BY_HAND)).toEqual([
      { from: "no", to: "yes", rows: 3 },
      { from: "yes", to: "", rows: 1 },
      { from: "yes", to: "no", rows: 1 },
    ]);
  });
});
