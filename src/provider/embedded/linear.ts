/** Linear layers on the integer kernel: float rows in, float rows out, weights in int8. */

import { COLUMN_BLOCK, DEPTH_BLOCK, ROW_BLOCK, startKernel } from "./kernel.ts";
import type { Kernel } from "./kernel.ts";
import { findTensor, floatsAt } from "./weights.ts";
import type { MatrixEntry, Weights } from "./weights.ts";

/** Multiplies rows by a weight matrix and adds its bias; the rows lie one after another. */
export type Linear = (rows: Float32Array) => Float32Array;

/**
 * The largest activation after quantising. 8,191 x 127 summed over the deepest matrix (1,536) is
 * 1.6e9: below 2^31, so a sum cannot overflow, and far finer than the weights' own 8 bits.
 */
const MAX_ACTIVATION = 8_191;

const roundUp = (value: number, block: number): number => Math.ceil(value / block) * block;

/** Quantises rows to int16 into the kernel's interleaved layout; returns each row's scale. */
function packRows(rows: Float32Array, depth: number, out: Int16Array): Float32Array {
  const count = rows.length / depth;
  const scales = new Float32Array(count);
  for (let row = 0; row < count; row += 1) {
    const start = row * depth;
    let largest = 0;
    for (let at = 0; at < depth; at += 1) {
      const size = Math.abs(rows[start + at] ?? 0);
      if (size > largest) largest = size;
    }
    const scale = largest === 0 ? 0 : MAX_ACTIVATION / largest;
    scales[row] = largest / MAX_ACTIVATION;
    const block = Math.floor(row / ROW_BLOCK) * ROW_BLOCK * depth + (row % ROW_BLOCK) * DEPTH_BLOCK;
    for (let at = 0; at < depth; at += 1) {
      const step = (at >> 3) * ROW_BLOCK * DEPTH_BLOCK + (at & 7);
      out[block + step] = Math.round((rows[start + at] ?? 0) * scale);
    }
  }
  return scales;
}

interface Sums {
  readonly values: Int32Array;
  readonly rowScales: Float32Array;
  readonly columnScales: Float32Array;
  readonly bias: Float32Array;
}

function unpackSums({ values, rowScales, columnScales, bias }: Sums): Float32Array {
  const columns = bias.length;
  const out = new Float32Array(rowScales.length * columns);
  for (let row = 0; row < rowScales.length; row += 1) {
    const rowScale = rowScales[row] ?? 0;
    const start = row * columns;
    for (let column = 0; column < columns; column += 1) {
      const sum = (values[start + column] ?? 0) * rowScale * (columnScales[column] ?? 0);
      out[start + column] = sum + (bias[column] ?? 0);
    }
  }
  return out;
}

interface Region {
  readonly kernel: Kernel;
  readonly activationsAt: number;
  readonly sumsAt: number;
}

function linearOf(weights: Weights, matrix: MatrixEntry, region: Region): Linear {
  const { kernel, activationsAt, sumsAt } = region;
  const { depth, columns } = matrix;
  const biasEntry = findTensor(weights.manifest, "vector", `${matrix.name}.bias`);
  const bias = floatsAt(weights, biasEntry.offset, columns);
  const columnScales = floatsAt(weights, matrix.scalesOffset, columns);
  return (rows) => {
    const count = rows.length / depth;
    const padded = roundUp(count, ROW_BLOCK);
    const activations = new Int16Array(kernel.memory, activationsAt, padded * depth);
    const rowScales = packRows(rows, depth, activations);
    const weightsAt = matrix.offset;
    kernel.multiply({ activationsAt, weightsAt, sumsAt, rows: padded, columns, depth });
    const values = new Int32Array(kernel.memory, sumsAt, padded * columns);
    return unpackSums({ values, rowScales, columnScales, bias });
  };
}

/** A function from a matrix's name to its linear layer, for at most `maxRows` rows a call. */
export function openLinears(weights: Weights, maxRows: number): (name: string) => Linear {
  const matrices = weights.manifest.tensors.filter((tensor) => tensor.kind === "matrix");
  const widest = Math.max(...matrices.map((matrix) => matrix.columns));
  const deepest = Math.max(...matrices.map((matrix) => matrix.depth));
  const rows = roundUp(maxRows, ROW_BLOCK);
  const activationsAt = roundUp(weights.manifest.bytes, ROW_BLOCK * DEPTH_BLOCK * COLUMN_BLOCK);
  const sumsAt = activationsAt + rows * deepest * 2;
  const kernel = startKernel(sumsAt + rows * widest * 4);
  new Uint8Array(kernel.memory).set(weights.bytes);
  return (name) =>
    linearOf(weights, findTensor(weights.manifest, "matrix", name), {
      kernel,
      activationsAt,
      sumsAt,
    });
}
