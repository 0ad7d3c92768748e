import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { rowRanks, sharesOf, type RowSample } from "../../src/core/sample.ts";
import { drawnRows, type Drawable } from "../../src/frame/drawn-rows.ts";

type Value = string | null;

interface Rows {
  readonly values: readonly Value[];
  /** Rows that may not be drawn. */
  readonly without?: (row: number) => boolean;
}

/** The rows that are drawn, in order. */
async function drawn({ values, without }: Rows, sample: RowSample): Promise<number[]> {
  async function* read(): AsyncGenerator<Drawable> {
    for (let firstRow = 0; firstRow < values.length; firstRow += 7) {
      const own = values.slice(firstRow, firstRow + 7);
      yield await Promise.resolve({
        firstRow,
        rowCount: own.length,
        mayBe: (row) => without?.(firstRow + row) !== true,
        values: sample.by === null ? null : own,
      });
    }
  }
  const isDrawn = await drawnRows(sample, read);
  return [...values.keys()].filter(
    (row) => without?.(row) !== true && isDrawn(row, values[row] ?? null),
  );
}

const values = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Value>("a", "b") },
    { weight: 1, arbitrary: fc.constantFrom<Value>("c", "d", "", null, "e", "f") },
  ),
  { maxLength: 200 },
);
const seed = fc.nat(1000);

describe("a sample", () => {
  it("has as many rows as are wished, and a larger one contains it, with a column or without", async () => {
    await fc.assert(
      fc.asyncProperty(
        values,
        seed,
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(null, "team"),
        async (all, own, rows, by) => {
          const without = (row: number): boolean => row % 5 === 2;
          const may = all.filter((_, row) => !without(row)).length;
          const some = await drawn({ values: all, without }, { rows, by, seed: own });
          expect(some).toHaveLength(Math.min(rows, may));
          expect(await drawn({ values: all, without }, { rows, by, seed: own })).toEqual(some);
          for (const more of [rows + 1, 2 * rows, 400]) {
            const larger = await drawn({ values: all, without }, { rows: more, by, seed: own });
            expect(some.every((row) => larger.includes(row))).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is shared out in proportion, every value at least once as far as rows go round", async () => {
    await fc.assert(
      fc.asyncProperty(values, seed, fc.integer({ min: 1, max: 60 }), async (all, own, rows) => {
        const counts = new Map<Value, number>();
        for (const value of all) counts.set(value, (counts.get(value) ?? 0) + 1);
        const some = await drawn({ values: all }, { rows, by: "team", seed: own });
        const given = new Map<Value, number>();
        for (const row of some) given.set(all[row] ?? null, (given.get(all[row] ?? null) ?? 0) + 1);
        expect(given.size).toBe(Math.min(rows, counts.size));
        if (rows < counts.size) return;
        const rankOf = rowRanks(own);
        const firstOf = (value: Value): number =>
          Math.min(...all.flatMap((one, row) => (one === value ? [rankOf(row)] : [])));
        const inOrder = [...counts.keys()].sort((a, b) => firstOf(a) - firstOf(b));
        const shares = sharesOf(
          inOrder.map((value) => ({ weight: counts.get(value) ?? 0 })),
          rows,
        );
        expect(inOrder.map((value) => given.get(value))).toEqual([...shares]);
      }),
      { numRuns: 150 },
    );
  });

  it("takes one row of each of as many values as there are rows, where there are more values", async () => {
    const all = Array.from({ length: 5000 }, (_, row) => `v${String(row % 1700)}`);
    const some = await drawn({ values: all }, { rows: 40, by: "id", seed: 9 });
    expect(some).toHaveLength(40);
    expect(new Set(some.map((row) => all[row])).size).toBe(40);
    // The first of all rows in their order, but for second ones of a value.
    const rankOf = rowRanks(9);
    const taken = new Set<string>();
    const wanted = [...all.keys()]
      .sort((a, b) => rankOf(a) - rankOf(b))
      .filter((row) => {
        const isNew = !taken.has(all[row] ?? "") && taken.size < 40;
        if (isNew) taken.add(all[row] ?? "");
        return isNew;
      });
    expect(some).toEqual(wanted.sort((a, b) => a - b));
  });

  it("takes any row as likely as any other, within its value where there is one", async () => {
    const all = Array.from({ length: 24 }, (_, row): Value => (row % 3 === 0 ? "few" : "many"));
    const seeds = 3000;
    for (const by of [null, "team"]) {
      const times = new Uint32Array(all.length);
      for (let own = 0; own < seeds; own++)
        for (const row of await drawn({ values: all }, { rows: 6, by, seed: own }))
          times[row] = (times[row] ?? 0) + 1;
      // A quarter of the seeds either way: 6 of 24, 2 of 8, 4 of 16. Five standard deviations.
      for (const count of times)
        expect(Math.abs(count - seeds / 4)).toBeLessThan(5 * Math.sqrt((seeds * 3) / 16));
    }
  });
});
