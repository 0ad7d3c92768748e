/** One transformer layer: layer norm, attention with four heads, feed-forward, residuals. */

import type { Linear } from "./linear.ts";

/** The learned scale and bias of a layer normalisation. */
export interface NormWeights {
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}

/** What a layer learned. `widen` brings its input to the width of its output; absent when equal. */
export interface LayerWeights {
  readonly attentionNorm: NormWeights;
  readonly widen: Linear | undefined;
  readonly queryKeyValue: Linear;
  readonly attentionOut: Linear;
  readonly feedForwardNorm: NormWeights;
  readonly feedForwardIn: Linear;
  readonly feedForwardOut: Linear;
}

const HEADS = 4;
const NORM_EPSILON = 1e-6;

function normalise(rows: Float32Array, { scale, bias }: NormWeights): Float32Array {
  const size = scale.length;
  const out = new Float32Array(rows.length);
  for (let start = 0; start < rows.length; start += size) {
    let sum = 0;
    for (let at = start; at < start + size; at += 1) sum += rows[at] ?? 0;
    const mean = sum / size;
    let squares = 0;
    for (let at = start; at < start + size; at += 1) squares += ((rows[at] ?? 0) - mean) ** 2;
    const factor = 1 / Math.sqrt(squares / size + NORM_EPSILON);
    for (let at = 0; at < size; at += 1) {
      const centred = (rows[start + at] ?? 0) - mean;
      out[start + at] = centred * factor * (scale[at] ?? 0) + (bias[at] ?? 0);
    }
  }
  return out;
}

function addInto(target: Float32Array, other: Float32Array): void {
  for (let at = 0; at < target.length; at += 1) target[at] = (target[at] ?? 0) + (other[at] ?? 0);
}

function softmax(values: Float64Array): void {
  const largest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  let sum = 0;
  for (let at = 0; at < values.length; at += 1) {
    const power = Math.exp((values[at] ?? 0) - largest);
    values[at] = power;
    sum += power;
  }
  for (let at = 0; at < values.length; at += 1) values[at] = (values[at] ?? 0) / sum;
}

/** Where one head of one text lies: `row * 3 * width + head` begins a token's query. */
interface Span {
  readonly firstRow: number;
  readonly length: number;
  readonly width: number;
  readonly head: number;
  readonly headSize: number;
}

function attendSpan(qkv: Float32Array, out: Float32Array, span: Span): void {
  const { firstRow, length, width, head, headSize } = span;
  const stride = 3 * width;
  const queryScale = 1 / Math.sqrt(headSize);
  const shares = new Float64Array(length);
  for (let row = firstRow; row < firstRow + length; row += 1) {
    const query = row * stride + head;
    for (let other = 0; other < length; other += 1) {
      const key = (firstRow + other) * stride + width + head;
      let dot = 0;
      for (let at = 0; at < headSize; at += 1) dot += (qkv[query + at] ?? 0) * (qkv[key + at] ?? 0);
      shares[other] = dot * queryScale;
    }
    softmax(shares);
    const target = row * width + head;
    for (let other = 0; other < length; other += 1) {
      const share = shares[other] ?? 0;
      const value = (firstRow + other) * stride + 2 * width + head;
      for (let at = 0; at < headSize; at += 1) {
        out[target + at] = (out[target + at] ?? 0) + share * (qkv[value + at] ?? 0);
      }
    }
  }
}

function attend(qkv: Float32Array, width: number, lengths: readonly number[]): Float32Array {
  const out = new Float32Array(qkv.length / 3);
  const headSize = width / HEADS;
  let firstRow = 0;
  for (const length of lengths) {
    for (let head = 0; head < width; head += headSize) {
      attendSpan(qkv, out, { firstRow, length, width, head, headSize });
    }
    firstRow += length;
  }
  return out;
}

/** The rows after one layer. `lengths` says how many consecutive rows belong to each text. */
export function runLayer(
  layer: LayerWeights,
  rows: Float32Array<ArrayBuffer>,
  lengths: readonly number[],
): Float32Array<ArrayBuffer> {
  const normal = normalise(rows, layer.attentionNorm);
  const mixed = attend(layer.queryKeyValue(normal), layer.attentionNorm.scale.length, lengths);
  const residual = layer.widen === undefined ? rows : layer.widen(rows);
  const out = Float32Array.from(residual);
  addInto(out, layer.attentionOut(mixed));
  const hidden = layer.feedForwardIn(normalise(out, layer.feedForwardNorm));
  for (let at = 0; at < hidden.length; at += 1) hidden[at] = Math.max(0, hidden[at] ?? 0);
  addInto(out, layer.feedForwardOut(hidden));
  return out;
}
