import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/cli/cells.ts";
import { tableText } from "../../src/cli/table.ts";

const widest = (text: string): number => Math.max(...text.split("\n").map(widthOf));

describe("tableText", () => {
  it("aligns and pads", () => {
    const text = tableText(
      [{ title: "row", align: "right" }, { title: "text" }],
      [
        ["1", "日本"],
        ["10", "ab"],
      ],
      40,
    );
    expect(text).toBe("  row  text\n    1  日本\n   10  ab");
  });

  it("cuts the widest column and keeps whole ones whole", () => {
    const id = "run-that-must-be-copied";
    const text = tableText(
      [{ title: "id", whole: true }, { title: "t" }],
      [[id, "x".repeat(99)]],
      40,
    );
    expect(text).toContain(id);
    expect(text).toContain("x…");
    expect(widest(text)).toBe(40);
  });

  it("leaves out spare columns, the last first, and only as many as it must", () => {
    const columns = [
      { title: "id", whole: true },
      { title: "first", spare: true },
      { title: "second", spare: true },
    ];
    const rows = [["abc", "12345", "123456"]];
    expect(tableText(columns, rows, 30)).toContain("second");
    expect(tableText(columns, rows, 15)).toBe("  id   first\n  abc  12345");
    expect(tableText(columns, rows, 8)).toBe("  id\n  abc");
  });

  it("keeps a cell on its line, whatever it holds", () => {
    expect(tableText([{ title: "t" }], [["a\nb\u001b[2J"]], 40).split("\n")).toHaveLength(2);
  });

  it("fits the terminal with any cells", () => {
    const cell = fc.string({ unit: "grapheme", maxLength: 60 });
    const rows = fc.array(fc.array(cell, { minLength: 4, maxLength: 4 }), { maxLength: 5 });
    const columns = ["a", "b", "c", "d"].map((title) => ({ title }));
    fc.assert(
      fc.property(rows, fc.integer({ min: 30, max: 120 }), (cells, width) => {
        expect(widest(tableText(columns, cells, width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});
