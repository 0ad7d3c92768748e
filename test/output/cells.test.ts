import { describe, expect, it } from "vitest";
import { cellOf, ShapeError } from "../../src/output/cells.ts";
import type { Shape } from "../../src/output/shape.ts";

const POINT: Shape = {
  kind: "struct",
  fields: [
    { name: "x", shape: { kind: "integer" } },
    { name: "toString", shape: { kind: "text" } },
  ],
};

describe("cellOf", () => {
  it("is null for null and for what is left out", () => {
    for (const kind of ["text", "json", "float", "integer", "boolean", "date"] as const) {
      expect(cellOf({ kind }, null)).toBeNull();
      expect(cellOf({ kind }, undefined)).toBeNull();
    }
    expect(cellOf(POINT, {})).toEqual({ x: null, toString: null });
    expect(cellOf({ kind: "list", items: { kind: "text" } }, [null, "a"])).toEqual([null, "a"]);
  });

  it("leaves out of a struct what is no field of it", () => {
    expect(cellOf(POINT, { x: 1, y: 2 })).toEqual({ x: 1, toString: null });
  });

  it("has one zero", () => {
    expect(Object.is(cellOf({ kind: "float" }, -0), 0)).toBe(true);
  });

  it("holds JSON where no type describes the value, text in quotes included", () => {
    const json: Shape = { kind: "json" };
    expect(cellOf(json, "5")).toBe('"5"');
    expect(cellOf(json, 5)).toBe("5");
    expect(cellOf(json, { a: [1, undefined], b: undefined })).toBe('{"a":[1,null]}');
    expect(cellOf(json, new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
  });

  it.each<[string, Shape, unknown]>([
    ["a number in text", { kind: "text" }, 1],
    ["text in a number", { kind: "float" }, "1"],
    ["no number in a number", { kind: "float" }, Number.NaN],
    ["an endless number", { kind: "float" }, Number.POSITIVE_INFINITY],
    ["a broken number in a whole one", { kind: "integer" }, 1.5],
    ["a whole number that is not exact", { kind: "integer" }, 2 ** 53],
    ["a bigint in a whole number", { kind: "integer" }, 1n],
    ["a number in a boolean", { kind: "boolean" }, 1],
    ["a day that does not exist", { kind: "date" }, "2025-02-29"],
    ["a moment in a date", { kind: "date" }, new Date(0)],
    ["an object in a list", { kind: "list", items: { kind: "text" } }, { 0: "a" }],
    ["a wrong item", { kind: "list", items: { kind: "text" } }, ["a", 1]],
    ["a list in a struct", POINT, [1]],
    ["a wrong field", POINT, { x: "1" }],
    ["a map in JSON", { kind: "json" }, { a: new Map() }],
    ["a bigint in JSON", { kind: "json" }, [1n]],
    ["a function in JSON", { kind: "json" }, { a: () => 1 }],
    ["no number in JSON", { kind: "json" }, [Number.NaN]],
    ["no moment in JSON", { kind: "json" }, new Date(Number.NaN)],
  ])("refuses %s", (_what, shape, value) => {
    expect(() => cellOf(shape, value)).toThrow(ShapeError);
  });

  it("says where a value departs from its shape", () => {
    const shape: Shape = { kind: "list", items: POINT };
    expect(() => cellOf(shape, [{ x: 1 }, { x: "two" }])).toThrow(
      "[1].x: a string where the schema's type is a whole number below 2^53",
    );
  });
});
