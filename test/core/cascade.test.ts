import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { checkCascade, labelBudgetOf, thresholdOf, type Compared } from "../../src/core/cascade.ts";
import { drawn, randomOf } from "../../src/core/draw.ts";

/** The share of all rows that agree when the cheap answers above the threshold stay, sampled or not. */
function agreementOf(rows: readonly Compared[], keepAbove: number | null): number {
  const wrong = rows.filter(
    ({ confidence, agrees }) => keepAbove !== null && confidence > keepAbove && !agrees,
  );
  return 1 - wrong.length / rows.length;
}

type Draws = () => number;

/** Ways in which confidences and agreement may go together; each makes the rows of one simulated run. */
const WORLDS: Readonly<Record<string, (random: Draws) => readonly Compared[]>> = {
  "confidences that are true": (random) =>
    rowsOf(random, () => {
      const confidence = random();
      return { confidence, agrees: random() < confidence };
    }),
  "confidences that are far too high": (random) =>
    rowsOf(random, () => {
      const confidence = 0.9 + random() / 10;
      return { confidence, agrees: random() < 0.5 + (confidence - 0.9) * 4 };
    }),
  "confidences in steps, as models say them": (random) =>
    rowsOf(random, () => {
      const confidence = [0.5, 0.8, 0.9, 0.95, 1][Math.floor(random() * 5)] ?? 1;
      return { confidence, agrees: random() < confidence ** 0.5 };
    }),
  "confidences that say nothing": (random) =>
    rowsOf(random, () => ({ confidence: random(), agrees: random() < 0.93 })),
  "one confidence for all, and just too many errors": (random) => exactly(random, () => 0.9),
  "useless confidences, and just too many errors": (random) => exactly(random, random),
  "confidences that are the wrong way round": (random) =>
    rowsOf(random, () => {
      const confidence = random();
      return { confidence, agrees: random() > confidence / 6 };
    }),
  "a model that is nearly always right": (random) =>
    rowsOf(random, () => ({ confidence: random(), agrees: random() < 0.99 })),
};

const ROWS = 1500;

function rowsOf(_random: Draws, row: () => Compared): readonly Compared[] {
  return Array.from({ length: ROWS }, row);
}

/** The hardest cases for a bound: the target is missed by a few rows, and only where all of them stay. */
function exactly(random: Draws, confidence: Draws): readonly Compared[] {
  const errors = new Set(drawn(ROWS, Math.floor(ROWS * 0.05) + 6, String(random())));
  return Array.from({ length: ROWS }, (_, at) => ({
    confidence: confidence(),
    agrees: !errors.has(at),
  }));
}

const TARGET = 0.95;
const DELTA = 0.05;
const RUNS = 500;

function simulate(world: (random: Draws) => readonly Compared[], name: string) {
  let held = 0;
  let relied = 0;
  let kept = 0;
  for (let run = 0; run < RUNS; run++) {
    const random = randomOf(`${name} ${String(run)}`);
    const rows = world(random);
    const sample = [...drawn(rows.length, 200, `draw ${name} ${String(run)}`)].flatMap(
      (at) => rows[at] ?? [],
    );
    const { keepAbove, agreementAtLeast } = thresholdOf({
      ...{ rows: rows.length, candidates: rows.length, sample },
      ...{ target: TARGET, delta: DELTA },
    });
    // What is delivered: sampled rows have the strong model's answers, which are there already.
    const compared = new Set(sample);
    const delivered = rows.map((row) => (compared.has(row) ? { ...row, agrees: true } : row));
    const agreement = agreementOf(delivered, keepAbove);
    if (agreement >= TARGET) held += 1;
    if (agreement >= agreementAtLeast - 1e-12) relied += 1;
    kept += rows.filter(({ confidence }) => keepAbove !== null && confidence > keepAbove).length;
  }
  return { held: held / RUNS, relied: relied / RUNS, kept: kept / (RUNS * ROWS) };
}

describe("the target of a cascade", () => {
  it.each(Object.entries(WORLDS))(
    "is held at the stated confidence in 500 simulated runs, under %s",
    { timeout: 60_000 },
    (name, world) => {
      const { held, relied } = simulate(world, name);
      expect(held).toBeGreaterThanOrEqual(1 - DELTA);
      expect(relied).toBeGreaterThanOrEqual(1 - DELTA);
    },
  );

  it(
    "leaves most rows to the cheap model where its confidences are worth something",
    { timeout: 60_000 },
    () => {
      const world = (random: Draws): readonly Compared[] =>
        rowsOf(random, () => {
          const isEasy = random() < 0.8;
          return {
            confidence: isEasy ? 0.9 + random() / 10 : random() * 0.8,
            agrees: isEasy || random() < 0.5,
          };
        });
      expect(simulate(world, "easy and hard").kept).toBeGreaterThan(0.7);
    },
  );

  it("is missed by no more than delta of all possible samples, counted one by one", () => {
    const row = fc.record({ confidence: fc.constantFrom(0.1, 0.5, 0.9, 1), agrees: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 11 }),
        fc.nat(11),
        fc.constantFrom(0.3, 0.5, 0.7, 0.8, 0.9),
        fc.constantFrom(0.05, 0.2, 0.4),
        (rows, size, target, delta) => {
          let samples = 0;
          let missed = 0;
          for (let set = 0; set < 2 ** rows.length; set++) {
            const sample = rows.filter((_, at) => (set >> at) & 1);
            if (sample.length !== Math.min(size, rows.length)) continue;
            samples += 1;
            const { keepAbove } = thresholdOf({
              ...{ rows: rows.length, candidates: rows.length, sample, target, delta },
            });
            if (agreementOf(rows, keepAbove) < target - 1e-9) missed += 1;
          }
          expect(missed / samples).toBeLessThanOrEqual(delta + 1e-12);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("a threshold", () => {
  const agreeing = (count: number): readonly Compared[] =>
    Array.from({ length: count }, () => ({ confidence: 0.5, agrees: true }));

  it("keeps nothing when the sample is too small to say anything, and says so", () => {
    const input = { rows: 10_000, candidates: 10_000, target: 0.95, delta: 0.05 };
    expect(thresholdOf({ ...input, sample: agreeing(57) }).keepAbove).toBeNull();
    expect(thresholdOf({ ...input, sample: agreeing(59) }).keepAbove).toBe(-1);
    expect(thresholdOf({ ...input, sample: [] }).keepAbove).toBeNull();
  });

  it("stands just above the disagreement that is one too many", () => {
    const sample = [
      ...agreeing(195),
      ...[0.9, 0.8, 0.7, 0.6, 0.4].map((confidence) => ({ confidence, agrees: false })),
    ];
    const input = { rows: 100_000, candidates: 100_000, target: 0.95, delta: 0.05 };
    expect(thresholdOf({ ...input, sample })).toMatchObject({
      ...{ keepAbove: 0.4, disagreed: 5, disagreedKept: 4 },
      estimatedAgreement: expect.closeTo(0.98, 2) as unknown,
    });
    expect(thresholdOf({ ...input, sample }).agreementAtLeast).toBeGreaterThanOrEqual(0.95);
  });

  it("counts rows that are the strong model's anyway as agreeing", () => {
    const sample = [
      ...agreeing(50),
      ...agreeing(50).map(() => ({ confidence: 0.5, agrees: false })),
    ];
    const input = { candidates: 100, sample, target: 0.95, delta: 0.05 };
    expect(thresholdOf({ ...input, rows: 100 }).keepAbove).toBe(0.5);
    expect(thresholdOf({ ...input, rows: 5000 }).keepAbove).toBe(-1);
  });

  it.each([
    { target: 0 },
    { target: 1.1 },
    { target: Number.NaN },
    { target: 0.9, delta: 0 },
    { target: 0.9, delta: 1 },
    { target: 0.9, labelBudget: 0.5 },
  ])("is not set from %j", (numbers) => {
    expect(() => {
      checkCascade(numbers);
    }).toThrow("Nothing was sent");
  });

  it("is set from a twentieth of the rows, within bounds", () => {
    expect([10, 2000, 10_000, 10_000_000].map(labelBudgetOf)).toEqual([100, 100, 500, 1000]);
  });
});
