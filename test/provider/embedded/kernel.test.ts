import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import {
  COLUMN_BLOCK,
  DEPTH_BLOCK,
  ROW_BLOCK,
  startKernel,
} from "../../../src/provider/embedded/kernel.ts";

const SIZES = fc.record({
  rowBlocks: fc.integer({ min: 1, max: 3 }),
  columnBlocks: fc.integer({ min: 1, max: 4 }),
  depthBlocks: fc.integer({ min: 1, max: 5 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});

function numbers(seed: number, limit: number, length: number): number[] {
  let state = seed;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state % (2 * limit + 1)) - limit;
  });
}

describe("startKernel", () => {
  it("multiplies exactly as a plain loop does", () => {
    const kernel = startKernel(65_536);
    fc.assert(
      fc.property(SIZES, ({ rowBlocks, columnBlocks, depthBlocks, seed }) => {
        const rows = rowBlocks * ROW_BLOCK;
        const columns = columnBlocks * COLUMN_BLOCK;
        const depth = depthBlocks * DEPTH_BLOCK;
        const a = numbers(seed, 8_191, rows * depth);
        const b = numbers(seed + 1, 127, columns * depth);
        const activations = new Int16Array(kernel.memory, 0, a.length);
        const weights = new Int8Array(kernel.memory, 16_384, b.length);
        const packed = (row: number, at: number, block: number): number =>
          Math.floor(row / block) * block * depth +
          Math.floor(at / DEPTH_BLOCK) * block * DEPTH_BLOCK +
          (row % block) * DEPTH_BLOCK +
          (at % DEPTH_BLOCK);
        a.forEach((value, at) => {
          activations[packed(Math.floor(at / depth), at % depth, ROW_BLOCK)] = value;
        });
        b.forEach((value, at) => {
          weights[packed(Math.floor(at / depth), at % depth, COLUMN_BLOCK)] = value;
        });
        kernel.multiply({
          activationsAt: 0,
          weightsAt: 16_384,
          sumsAt: 32_768,
          rows,
          columns,
          depth,
        });
        const sums = Array.from(new Int32Array(kernel.memory, 32_768, rows * columns));
        const expected = Array.from({ length: rows * columns }, (_, at) => {
          const row = Math.floor(at / columns) * depth;
          const column = (at % columns) * depth;
          let sum = 0;
          for (let k = 0; k < depth; k += 1) sum += (a[row + k] ?? 0) * (b[column + k] ?? 0);
          return sum;
        });
        expect(sums).toEqual(expected);
      }),
    );
  });

  it("does not overflow at the largest values and the greatest depth", () => {
    const kernel = startKernel(65_536);
    const depth = 1_536;
    new Int16Array(kernel.memory, 0, ROW_BLOCK * depth).fill(8_191);
    new Int8Array(kernel.memory, 16_384, COLUMN_BLOCK * depth).fill(-127);
    const job = { activationsAt: 0, weightsAt: 16_384, sumsAt: 32_768 };
    kernel.multiply({ ...job, rows: ROW_BLOCK, columns: COLUMN_BLOCK, depth });
    expect(new Int32Array(kernel.memory, 32_768, 1)[0]).toBe(-8_191 * 127 * depth);
  });
});
