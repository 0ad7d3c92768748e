import { describe, expect, it } from "vitest";
import type { Cell, ColumnType, NewCell } from "../../src/core/column.ts";
import { isFilledCell, isSameJson, isSameText, oldCell } from "../../src/frame/old-cell.ts";

const tags: ColumnType = { list: "text" };
const pair: ColumnType = {
  struct: [
    { name: "a", type: "integer" },
    { name: "b", type: "text" },
  ],
};

describe("an old cell", () => {
  it.each<[ColumnType, Cell, NewCell]>([
    ["text", "x", "x"],
    ["float", 1.5, 1.5],
    ["float", 3n, 3],
    ["integer", -5n, -5],
    ["boolean", false, false],
    ["date", "2026-01-31", "2026-01-31"],
    ["date", new Date("2026-01-31T00:00:00Z"), "2026-01-31"],
    ["embedding", [0.5, -2], Float32Array.of(0.5, -2)],
    [tags, ["x", null], ["x", null]],
    [pair, { a: 1n, b: "x" }, { a: 1, b: "x" }],
    ["integer", null, null],
  ])("of a typed column is kept as %o where it is one", (type, cell, kept) => {
    expect(oldCell(type, cell, true)).toEqual(kept);
  });

  it.each<[ColumnType, Cell]>([
    ["text", 1],
    ["float", "1.5"],
    ["float", 2n ** 53n + 1n],
    ["integer", 1.5],
    ["boolean", "true"],
    ["date", "2026-02-30"],
    ["date", new Date("2026-01-31T00:00:01Z")],
    ["embedding", [0.1]],
    ["embedding", ["1"]],
    [tags, ["x", 1]],
    [pair, { a: 1, c: "x" }],
  ])("of a typed column cannot be kept as %j where it is none", (type, cell) => {
    expect(oldCell(type, cell, true)).toBeUndefined();
  });

  it.each<[ColumnType, string, NewCell | undefined]>([
    ["float", "01.50", 1.5],
    ["float", "n/a", undefined],
    ["integer", "3.0", 3],
    ["integer", "3.5", undefined],
    ["boolean", "True", true],
    ["boolean", "yes", undefined],
    [tags, '["x"]', ["x"]],
    [tags, "x", undefined],
    [pair, '{"a":1,"b":"x"}', { a: 1, b: "x" }],
    ["embedding", "[0.5]", Float32Array.of(0.5)],
    ["float", "", null],
    ["date", "", null],
    ["text", "", ""],
  ])("of text is read as %j", (type, text, cell) => {
    expect(oldCell(type, text, false)).toEqual(cell);
  });

  it("is empty where it is null, empty text or no number, and nowhere else", () => {
    const cells: readonly NewCell[] = [null, "", Number.NaN, " ", 0, false, []];
    expect(cells.map(isFilledCell)).toEqual([false, false, false, true, true, true, true]);
  });

  it("is the same by its value, however it is written", () => {
    expect(isSameText("float", "1.50", 1.5)).toBe(true);
    expect(isSameText("text", "1.50", "1.5")).toBe(false);
    expect(isSameText("text", "", null)).toBe(true);
    expect(isSameText(tags, '[ "x" ]', ["x"])).toBe(true);
    expect(isSameText("float", "n/a", null)).toBe(false);
    expect(isSameJson("text", '"\\u0061"', "a")).toBe(true);
    expect(isSameJson("float", "1e0", 1)).toBe(true);
    expect(isSameJson("float", "null", 1)).toBe(false);
  });
});
