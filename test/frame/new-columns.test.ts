import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { NewCells } from "../../src/core/column.ts";
import { checkedRowCount, columnQueue, rowQueue } from "../../src/frame/new-columns.ts";
import { blocksOfCells, failureOf } from "./support.ts";

describe("checkedRowCount", () => {
  const block = (firstRow: number, ...columns: readonly string[][]): NewCells => ({
    firstRow,
    columns,
  });

  it("counts the rows of a block that stands where it should", () => {
    const due = { columnCount: 2, expected: 4 };
    expect(checkedRowCount(block(4, ["a", "b"], ["c", "d"]), due)).toBe(2);
    expect(checkedRowCount(block(4, [], []), due)).toBe(0);
  });

  it.each([
    ["columns of two lengths", block(4, ["a", "b"], ["c"])],
    ["a column too few", block(4, ["a"])],
    ["a column too many", block(4, ["a"], ["b"], ["c"])],
    ["a gap", block(5, ["a"], ["b"])],
    ["an overlap", block(3, ["a"], ["b"])],
  ])("refuses %s", async (_name, cells) => {
    const due = { columnCount: 2, expected: 4 };
    const failure = await failureOf(() => checkedRowCount(cells, due));
    expect(failure).toMatchObject({ name: "InvariantError", code: "cells_misaligned" });
  });
});

describe("rowQueue", () => {
  it("gives every row once and in order, whatever the blocks and however many are asked for", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 30 }), sizes, sizes, async (count, blockSizes, asked) => {
        const numbers = Array.from({ length: count }, (_, at) => at);
        const queue = rowQueue(blocksOfCells([numbers, numbers.map(String)], blockSizes), 2);
        const taken: unknown[] = [];
        for (let turn = 0; taken.length < count; turn += 1) {
          const wanted = Math.min(asked[turn % asked.length] ?? 1, count - taken.length);
          await queue.fill(wanted);
          for (let row = 0; row < wanted; row += 1) taken.push(queue.take());
        }
        expect(taken).toEqual(numbers.map((number) => [number, String(number)]));
        expect(await queue.isDrained()).toBe(true);
        expect(queue.take()).toBeNull();
      }),
    );
  });

  it("knows that rows are left", async () => {
    const queue = rowQueue(blocksOfCells([["a", "b"]], [1]), 1);
    await queue.fill(1);
    expect(queue.take()).toEqual(["a"]);
    expect(await queue.isDrained()).toBe(false);
  });
});

describe("columnQueue", () => {
  it("gives every row once and in order, whatever the blocks and however many are asked for", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 30 }), sizes, sizes, async (count, blockSizes, asked) => {
        const numbers = Array.from({ length: count }, (_, at) => at);
        const queue = columnQueue(blocksOfCells([numbers, numbers.map(String)], blockSizes), 2);
        const taken: unknown[][] = [[], []];
        for (let turn = 0; (taken[0]?.length ?? 0) < count; turn += 1) {
          const wanted = Math.min(asked[turn % asked.length] ?? 1, count - (taken[0]?.length ?? 0));
          const columns = await queue.take(wanted);
          expect(columns.map(({ length }) => length)).toEqual([wanted, wanted]);
          columns.forEach((cells, at) => taken[at]?.push(...cells));
        }
        expect(taken).toEqual([numbers, numbers.map(String)]);
        expect(await queue.isDrained()).toBe(true);
        expect(await queue.take(1)).toEqual([[], []]);
      }),
    );
  });

  it("knows that rows are left, and gives fewer than asked where no more come", async () => {
    const queue = columnQueue(blocksOfCells([["a", "b", "c"]], [2]), 1);
    expect(await queue.take(1)).toEqual([["a"]]);
    expect(await queue.isDrained()).toBe(false);
    expect(await queue.take(9)).toEqual([["b", "c"]]);
    expect(await queue.isDrained()).toBe(true);
  });
});
