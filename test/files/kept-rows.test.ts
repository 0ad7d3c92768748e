import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { NewColumn } from "../../src/core/column.ts";
import { judgedCells, rowKeeper } from "../../src/files/kept-rows.ts";

const COLUMNS: readonly NewColumn[] = [
  { name: "other", type: "boolean" },
  { name: "keep", type: "boolean" },
  { name: "keep_status", type: "text" },
];

describe("rowKeeper", () => {
  it("keeps what is true, and what nobody knows unless told otherwise; every row is counted", () => {
    const answers = fc.array(fc.constantFrom(true, false, null));
    fc.assert(
      fc.property(answers, fc.constantFrom("keep" as const, "drop" as const), (cells, how) => {
        const keeper = rowKeeper("keep", COLUMNS, how);
        const kept = cells.filter((cell) => keeper.keeps([true, cell, "ok"]));
        const known = cells.filter((cell) => cell === true);
        const unknown = cells.filter((cell) => cell === null);
        expect(kept).toEqual(cells.filter((it) => it ?? how === "keep"));
        expect(keeper.counts()).toEqual({
          rows: kept.length,
          unanswered: how === "keep" ? unknown.length : 0,
          leftOut: cells.length - kept.length,
        });
        expect(kept.length).toBeGreaterThanOrEqual(known.length);
      }),
    );
  });

  it("refuses a column that is not one of booleans", () => {
    expect(() => rowKeeper("keep_status", COLUMNS, "keep")).toThrow(/does not say which rows/);
    expect(() => rowKeeper("absent", COLUMNS, "keep")).toThrow(/does not say which rows/);
  });
});

it("judgedCells passes blocks on as they are, and notes each row", async () => {
  const block = { firstRow: 0, columns: [[true], [false], ["ok"]] };
  const next = { firstRow: 1, columns: [[true], [true], ["ok"]] };
  const source = async function* () {
    yield await Promise.resolve(block);
    yield next;
  };
  const kept: boolean[] = [];
  const keeper = rowKeeper("keep", COLUMNS, "drop");
  const passed = await Array.fromAsync(judgedCells(source(), keeper, kept));
  expect([passed, kept]).toEqual([
    [block, next],
    [false, true],
  ]);
});
