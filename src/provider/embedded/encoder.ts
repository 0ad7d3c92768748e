/** Token ids to sentence embeddings: the Universal Sentence Encoder lite transformer, two layers. */

import { runLayer } from "./layer.ts";
import type { LayerWeights } from "./layer.ts";
import { openLinears } from "./linear.ts";
import type { Linear } from "./linear.ts";
import { findTensor, floatsAt } from "./weights.ts";
import type { Weights } from "./weights.ts";

/** How many numbers an embedding has. */
export const EMBEDDING_SIZE = 512;

/** Tokens that go through the layers together; a batch is closed before it would hold more. */
export const MAX_BATCH_TOKENS = 256;

const TOKEN_SIZE = 256;

/** Maps lists of token ids to unit vectors of 512 floats, in the same order. */
export type Encoder = (texts: readonly (readonly number[])[]) => Float32Array[];

interface TokenTable {
  readonly values: Int8Array;
  readonly scales: Float32Array;
}

/** Angular frequencies of the position signal: 1 down to 1/10,000 in 128 geometric steps. */
const FREQUENCIES = Float64Array.from({ length: TOKEN_SIZE / 2 }, (_, at) =>
  Math.pow(10_000, -at / (TOKEN_SIZE / 2 - 1)),
);

function lookUp(table: TokenTable, ids: readonly number[], out: Float32Array): void {
  const half = TOKEN_SIZE / 2;
  ids.forEach((id, position) => {
    const scale = table.scales[id] ?? 0;
    const row = position * TOKEN_SIZE;
    for (let at = 0; at < half; at += 1) {
      const angle = position * (FREQUENCIES[at] ?? 0);
      const low = (table.values[id * TOKEN_SIZE + at] ?? 0) * scale;
      const high = (table.values[id * TOKEN_SIZE + half + at] ?? 0) * scale;
      // The graph adds the token's vector twice: once below the position signal, once above it.
      out[row + at] = 2 * low + Math.sin(angle);
      out[row + half + at] = 2 * high + Math.cos(angle);
    }
  });
}

function meanOfRows(rows: Float32Array, size: number, out: Float32Array): void {
  const count = rows.length / size;
  for (let at = 0; at < rows.length; at += 1) {
    out[at % size] = (out[at % size] ?? 0) + (rows[at] ?? 0) / count;
  }
}

function squashToUnitLength(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const [at, value] of vector.entries()) {
    const squashed = Math.tanh(value);
    vector[at] = squashed;
    squares += squashed * squashed;
  }
  const scale = 1 / Math.sqrt(squares);
  return vector.map((value) => value * scale);
}

/** Consecutive texts whose tokens fit a batch together; every group has at least one text. */
function groupByTokens(texts: readonly (readonly number[])[]): (readonly number[])[][] {
  const groups: (readonly number[])[][] = [];
  let room = 0;
  for (const ids of texts) {
    const last = groups.at(-1);
    if (last === undefined || ids.length > room) {
      groups.push([ids]);
      room = MAX_BATCH_TOKENS - ids.length;
    } else {
      last.push(ids);
      room -= ids.length;
    }
  }
  return groups;
}

interface Model {
  readonly table: TokenTable;
  readonly layers: readonly LayerWeights[];
  readonly output: Linear;
}

function encodeGroup(model: Model, group: readonly (readonly number[])[]): Float32Array[] {
  const lengths = group.map((ids) => ids.length);
  const total = lengths.reduce((sum, length) => sum + length, 0);
  let rows = new Float32Array(total * TOKEN_SIZE);
  let start = 0;
  for (const ids of group) {
    lookUp(model.table, ids, rows.subarray(start * TOKEN_SIZE, (start + ids.length) * TOKEN_SIZE));
    start += ids.length;
  }
  for (const layer of model.layers) rows = runLayer(layer, rows, lengths);
  const means = new Float32Array(group.length * EMBEDDING_SIZE);
  start = 0;
  for (const [at, length] of lengths.entries()) {
    const own = rows.subarray(start * EMBEDDING_SIZE, (start + length) * EMBEDDING_SIZE);
    meanOfRows(own, EMBEDDING_SIZE, means.subarray(at * EMBEDDING_SIZE, (at + 1) * EMBEDDING_SIZE));
    start += length;
  }
  const output = model.output(means);
  return lengths.map((_, at) =>
    squashToUnitLength(output.slice(at * EMBEDDING_SIZE, (at + 1) * EMBEDDING_SIZE)),
  );
}

/**
 * An encoder over the given weights. A text with no tokens gets the vector of the model's output
 * bias alone: a constant, of unit length like every other. The result for a text does not depend
 * on the texts beside it, nor on the machine's number of cores.
 */
export function buildEncoder(weights: Weights): Encoder {
  const linears = openLinears(weights, MAX_BATCH_TOKENS);
  const tokens = findTensor(weights.manifest, "table", "tokens");
  const vector = (name: string): Float32Array => {
    const entry = findTensor(weights.manifest, "vector", name);
    return floatsAt(weights, entry.offset, entry.length);
  };
  const layer = (name: string): LayerWeights => ({
    attentionNorm: { scale: vector(`${name}.norm1.scale`), bias: vector(`${name}.norm1.bias`) },
    // The first layer widens 256 numbers a token to 512; the second adds to what it is given.
    widen: name === "layer0" ? linears("layer0.widen") : undefined,
    queryKeyValue: linears(`${name}.qkv`),
    attentionOut: linears(`${name}.out`),
    feedForwardNorm: { scale: vector(`${name}.norm2.scale`), bias: vector(`${name}.norm2.bias`) },
    feedForwardIn: linears(`${name}.ffn1`),
    feedForwardOut: linears(`${name}.ffn2`),
  });
  const model: Model = {
    table: {
      values: new Int8Array(
        weights.bytes.buffer,
        weights.bytes.byteOffset + tokens.offset,
        tokens.rows * tokens.columns,
      ),
      scales: floatsAt(weights, tokens.scalesOffset, tokens.rows),
    },
    layers: [layer("layer0"), layer("layer1")],
    output: linears("output"),
  };
  return (texts) => groupByTokens(texts).flatMap((group) => encodeGroup(model, group));
}
