import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { keyColumns, keyWarnings } from "../../src/core/row-key.ts";
import { checkedKeys, keyDigest, rowsWithKey, withKeys } from "../../src/frame/row-keys.ts";
import { polarsFrame } from "../../src/frame/polars.ts";
import type { Frame } from "../../src/frame/frame.ts";

function frameOf(cells: readonly (readonly [string | null, string | null])[]): Frame {
  return polarsFrame(
    pl.DataFrame({
      a: pl.Series(
        "a",
        cells.map(([a]) => a),
        pl.String,
      ),
      b: pl.Series(
        "b",
        cells.map(([, b]) => b),
        pl.String,
      ),
    }),
  );
}

const cell = fc.constantFrom("1", "2", "12", "", ",", null);
const BOTH = ["a", "b"];

describe("the keys of all rows", () => {
  it("are counted as a list of them would be, and found", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 40 }), async (cells) => {
        const frame = frameOf(cells);
        const check = await checkedKeys(frame, BOTH);
        const whole = cells.filter((key) => !key.includes(null)).map((key) => JSON.stringify(key));
        expect(check.repeated).toBe(whole.length - new Set(whole).size);
        expect(check.missing).toBe(cells.length - whole.length);
        expect(check.firstMissing ?? -1).toBe(cells.findIndex((key) => key.includes(null)));
        for (const { cells: key, rows } of check.examples) {
          const having = cells.flatMap((one, row) =>
            JSON.stringify(one) === JSON.stringify(key) ? [row] : [],
          );
          expect(rows).toEqual(having.slice(0, 2));
          expect(await rowsWithKey(frame, BOTH, key)).toEqual({
            row: having[0],
            count: having.length,
          });
        }
        const several = new Set(whole.filter((key, at) => whole.indexOf(key) < at)).size;
        expect(check.examples).toHaveLength(Math.min(3, several));
      }),
      { numRuns: 60 },
    );
  });

  it("have another hash where any of them is another, or two change places", async () => {
    const digest = async (...cells: [string | null, string | null][]): Promise<string> =>
      await keyDigest(frameOf(cells), BOTH);
    const all = await digest(["1", "2"], ["3", null]);
    expect(
      (
        await checkedKeys(
          frameOf([
            ["1", "2"],
            ["3", null],
          ]),
          BOTH,
        )
      ).digest,
    ).toBe(all);
    for (const other of [
      await digest(["3", null], ["1", "2"]),
      await digest(["1", "2"], ["3", ""]),
      await digest(["12", ""], ["3", null]),
      await digest(["1", "2"]),
    ])
      expect(other).not.toBe(all);
  });

  it("are told to people with rows counted from 1", async () => {
    const check = await checkedKeys(
      frameOf([
        ["1", "x"],
        [null, "x"],
        ["1", "x"],
        ["1", "x"],
      ]),
      BOTH,
    );
    expect(keyWarnings(check)).toEqual([
      'The key "a" and "b" is not one row\'s alone: 2 rows have that of a row before, as "1", "x" in rows 1 and 3.',
      'The key "a" and "b" is missing in 1 row, the first of them row 2.',
    ]);
    expect(keyWarnings(await checkedKeys(frameOf([["1", "x"]]), BOTH))).toEqual([]);
  });
});

it("gives rows their keys, in order and when they begin anew", async () => {
  const count = 2500;
  const frame = frameOf(Array.from({ length: count }, (_, row) => [`k${String(row)}`, "x"]));
  const rows = [0, 999, 1000, 1000, 2499, 3, 2400, 9999];
  async function* given(): AsyncGenerator<{ readonly row: number }> {
    for (const row of rows) yield await Promise.resolve({ row });
  }
  const named: unknown[] = [];
  for await (const { key } of withKeys(given(), frame, ["a"])) named.push(key?.[0] ?? null);
  expect(named).toEqual(rows.map((row) => (row < count ? `k${String(row)}` : null)));
});

it("is refused without a column, with one twice, and with one there is not", () => {
  for (const key of [[], ["a", "a"]])
    expect(() => keyColumns(key, BOTH)).toThrow(
      expect.objectContaining({ code: "option_invalid" }),
    );
  expect(() => keyColumns("c", BOTH)).toThrow(expect.objectContaining({ code: "unknown_column" }));
  expect(keyColumns("a", BOTH)).toEqual(["a"]);
});
