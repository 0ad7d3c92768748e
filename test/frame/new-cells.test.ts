import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { ColumnType, NewCell } from "../../src/core/column.ts";
import { checkCells, dateDays, fieldOf } from "../../src/frame/new-cells.ts";
import { failureOf } from "./support.ts";

const struct: ColumnType = { struct: [{ name: "a", type: "integer" }] };
const good: readonly (readonly [ColumnType, NewCell])[] = [
  ["text", ""],
  ["float", Number.NaN],
  ["integer", Number.MAX_SAFE_INTEGER],
  ["boolean", false],
  ["date", "2024-02-29"],
  ["embedding", new Float32Array(0)],
  [{ list: "text" }, ["a", null]],
  [{ list: { list: "date" } }, [["2024-01-01"], null]],
  [struct, { a: 1 }],
  [struct, {}],
];
const bad: readonly (readonly [ColumnType, NewCell])[] = [
  ["text", 1],
  ["float", "1"],
  ["integer", 1.5],
  ["integer", 2 ** 53],
  ["boolean", 0],
  ["date", "2025-02-29"],
  ["date", "2024-1-1"],
  ["embedding", [1, 2]],
  [{ list: "text" }, "a"],
  [{ list: "text" }, [1]],
  [{ list: { list: "date" } }, [["no day"]]],
  [struct, []],
  [struct, "a"],
  [struct, { b: 1 }],
  [struct, { a: "1" }],
  [struct, new Float32Array(1)],
];

describe("checkCells", () => {
  it.each(good)("takes %j of %j, and null", (type, cell) => {
    expect(() => {
      checkCells({ name: "c", type }, [cell, null]);
    }).not.toThrow();
  });

  it.each(bad)("refuses for %j the cell %j", async (type, cell) => {
    const failure = await failureOf(() => {
      checkCells({ name: "col", type }, [null, cell]);
    });
    expect(failure).toMatchObject({ name: "InvariantError", code: "cells_type" });
    expect(failure.message).toContain("col");
  });
});

describe("dateDays", () => {
  it("counts days from 1970, for every day of four-digit years", () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(dateDays(new Date(days * 86_400_000).toISOString().slice(0, 10))).toBe(days);
      }),
    );
  });

  it.each(["", "2024-02-30", "2024-13-01", "24-01-01", "2024-01-01T00:00:00Z", "+02024-01-01"])(
    "knows that %j is no date",
    (text) => {
      expect(dateDays(text)).toBeNull();
    },
  );
});

describe("fieldOf", () => {
  it("gives a field, and null for what is not there or only inherited", () => {
    expect(fieldOf({ a: 1 }, "a")).toBe(1);
    expect(fieldOf({ a: 1 }, "b")).toBeNull();
    expect(fieldOf({ a: 1 }, "toString")).toBeNull();
    expect(fieldOf(null, "a")).toBeNull();
    expect(fieldOf([1], "0")).toBeNull();
  });
});
