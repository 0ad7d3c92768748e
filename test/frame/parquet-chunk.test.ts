import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { columnEncoder } from "../../src/frame/parquet-chunk.ts";
import { leafStatistics } from "../../src/frame/parquet-statistics.ts";
import { failureOf } from "./support.ts";

const text: NewColumn = { name: "t", type: "text" };

function pageCount(column: NewColumn, cells: readonly NewCell[]): number {
  const encoder = columnEncoder(column, "SNAPPY");
  encoder.add(cells);
  return encoder.finish()[0]?.bytes.length ?? 0;
}

describe("columnEncoder", () => {
  it("starts a page every 8,192 rows, and every megabyte of text, nested or not", () => {
    const rows = (count: number, cell: NewCell) => Array<NewCell>(count).fill(cell);
    const dictionary = 1;
    expect(pageCount(text, rows(8192, "x"))).toBe(1 + dictionary);
    expect(pageCount(text, rows(8193, "x"))).toBe(2 + dictionary);
    const long = Array.from({ length: 10 }, (_, at) => `${at}${"x".repeat(400_000)}`);
    expect(pageCount(text, long)).toBe(4);
    const lists = long.map((cell) => [cell]);
    expect(pageCount({ name: "l", type: { list: "text" } }, lists)).toBe(4);
  });

  it("writes an empty page where there are no rows", () => {
    for (const type of ["text", "integer", "embedding"] as const) {
      const [chunk] = columnEncoder({ name: "c", type }, "ZSTD").finish();
      expect(chunk?.facts.valueCount).toBe(0);
      expect(chunk?.facts.compressedBytes).toBeGreaterThan(0);
    }
  });

  it("lets go of vectors page by page, and counts what it holds", () => {
    const encoder = columnEncoder({ name: "e", type: "embedding" }, "SNAPPY");
    expect(encoder.canStream).toBe(true);
    const vector = new Float32Array(1000);
    encoder.add(Array<NewCell>(1000).fill(vector));
    const held = encoder.heldBytes();
    expect(held).toBeGreaterThan(3_000_000);
    const pages = encoder.take();
    expect(pages.reduce((sum, { length }) => sum + length, 0)).toBe(held);
    expect(encoder.heldBytes()).toBe(0);
    const [chunk] = encoder.finish();
    const rest = chunk?.bytes.reduce((sum, { length }) => sum + length, 0) ?? 0;
    expect(chunk?.facts.compressedBytes).toBe(held + rest);
    expect(chunk?.facts.valueCount).toBe(1_000_000);
  });

  it("refuses a cell of another type", async () => {
    const failure = await failureOf(() => {
      columnEncoder(text, "SNAPPY").add(["x", 1]);
    });
    expect(failure).toMatchObject({ code: "cells_type" });
  });
});

describe("leafStatistics", () => {
  const double = (value: number) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return bytes;
  };

  it("counts what is missing and bounds numbers, NaN left out and zeros of both signs", () => {
    const statistics = leafStatistics("DOUBLE");
    statistics.add({ values: [Number.NaN, 2, null, -3, undefined, Number.NaN] });
    expect(statistics.nullCount()).toBe(2);
    expect(statistics.bounds()).toEqual({ least: double(-3), greatest: double(2) });
    const zeros = leafStatistics("DOUBLE");
    zeros.add({ values: [0, -0] });
    expect(zeros.bounds()).toEqual({ least: double(-0), greatest: double(0) });
  });

  it("stores bounds as wide as the type", () => {
    const boundsOf = (
      type: "INT32" | "INT64" | "FLOAT" | "BOOLEAN",
      value: number | bigint | boolean,
    ) => {
      const statistics = leafStatistics(type);
      statistics.add({ values: [value] });
      return statistics.bounds()?.least.toString("hex");
    };
    expect(boundsOf("INT32", -1)).toBe("ffffffff");
    expect(boundsOf("INT64", 1n)).toBe("0100000000000000");
    expect(boundsOf("FLOAT", 1)).toBe("0000803f");
    expect(boundsOf("BOOLEAN", true)).toBe("01");
  });

  it("has no bounds for text, nor where all is missing", () => {
    const words = leafStatistics("BYTE_ARRAY");
    words.add({ values: ["a"] });
    expect(words.bounds()).toBeNull();
    const none = leafStatistics("INT64");
    none.add({ values: [null] });
    expect(none.bounds()).toBeNull();
  });
});
