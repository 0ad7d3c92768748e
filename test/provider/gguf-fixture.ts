/** A tiny language model of the llama architecture with random weights, as a GGUF file: it talks nonsense, the same each time. */

import { writeFile } from "node:fs/promises";

const EMBEDDING = 64;
const FEED_FORWARD = 128;
const HEADS = 4;
const LAYERS = 2;
const CONTEXT = 2048;
const ALIGNMENT = 32;

// Type codes of the GGUF specification, version 3.
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const STRING = 8;
const ARRAY = 9;
const NORMAL_TOKEN = 1;
const UNKNOWN_TOKEN = 2;
const CONTROL_TOKEN = 3;
const BYTE_TOKEN = 6;

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Writes the model. The same seed gives the same bytes. */
export async function writeTinyModel(path: string, seed = 1): Promise<void> {
  const tokens = vocabulary();
  const tensors = tensorsOf(tokens.length, randomOf(seed));
  const metadata = metadataOf(tokens);
  const head = Buffer.concat([
    Buffer.from("GGUF"),
    uint32(3),
    uint64(tensors.length),
    uint64(metadata.length),
    ...metadata,
    ...tensorInfos(tensors),
  ]);
  const data = tensors.map(({ values }) => padded(Buffer.from(values.buffer)));
  await writeFile(path, Buffer.concat([padded(head), ...data]));
}

interface Token {
  readonly text: string;
  readonly type: number;
}

/** The special tokens, one for each byte, and enough words and letters to tokenize English with. */
function vocabulary(): readonly Token[] {
  const special = [
    { text: "<unk>", type: UNKNOWN_TOKEN },
    { text: "<s>", type: CONTROL_TOKEN },
    { text: "</s>", type: CONTROL_TOKEN },
  ];
  const bytes = Array.from({ length: 256 }, (_, byte) => ({
    text: `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`,
    type: BYTE_TOKEN,
  }));
  const printable = Array.from({ length: 94 }, (_, at) => ({
    text: String.fromCharCode(33 + at),
    type: NORMAL_TOKEN,
  }));
  return [...special, ...bytes, { text: "▁", type: NORMAL_TOKEN }, ...printable];
}

function metadataOf(tokens: readonly Token[]): readonly Buffer[] {
  return [
    entry("general.architecture", STRING, text("llama")),
    entry("general.name", STRING, text("tiny")),
    entry("llama.context_length", UINT32, uint32(CONTEXT)),
    entry("llama.embedding_length", UINT32, uint32(EMBEDDING)),
    entry("llama.block_count", UINT32, uint32(LAYERS)),
    entry("llama.feed_forward_length", UINT32, uint32(FEED_FORWARD)),
    entry("llama.attention.head_count", UINT32, uint32(HEADS)),
    entry("llama.attention.head_count_kv", UINT32, uint32(HEADS)),
    entry("llama.attention.layer_norm_rms_epsilon", FLOAT32, float32(1e-5)),
    entry("llama.rope.dimension_count", UINT32, uint32(EMBEDDING / HEADS)),
    entry("llama.vocab_size", UINT32, uint32(tokens.length)),
    entry("tokenizer.ggml.model", STRING, text("llama")),
    list(
      "tokenizer.ggml.tokens",
      STRING,
      tokens.map((token) => text(token.text)),
    ),
    list(
      "tokenizer.ggml.scores",
      FLOAT32,
      tokens.map((_, at) => float32(-at)),
    ),
    list(
      "tokenizer.ggml.token_type",
      INT32,
      tokens.map(({ type }) => uint32(type)),
    ),
    entry("tokenizer.ggml.unknown_token_id", UINT32, uint32(0)),
    entry("tokenizer.ggml.bos_token_id", UINT32, uint32(1)),
    entry("tokenizer.ggml.eos_token_id", UINT32, uint32(2)),
  ];
}

function tensorsOf(vocabularySize: number, random: () => number): readonly Tensor[] {
  const weights = (name: string, ...shape: readonly number[]): Tensor => {
    const count = shape.reduce((product, size) => product * size, 1);
    // Norms scale by one; everything else is noise of a size that keeps activations tame.
    const value = shape.length === 1 ? () => 1 : () => (random() - 0.5) * 0.4;
    return { name, shape, values: Float32Array.from({ length: count }, value) };
  };
  const layers = Array.from({ length: LAYERS }, (_, layer) => [
    weights(`blk.${layer}.attn_norm.weight`, EMBEDDING),
    ...["attn_q", "attn_k", "attn_v", "attn_output"].map((name) =>
      weights(`blk.${layer}.${name}.weight`, EMBEDDING, EMBEDDING),
    ),
    weights(`blk.${layer}.ffn_norm.weight`, EMBEDDING),
    weights(`blk.${layer}.ffn_gate.weight`, EMBEDDING, FEED_FORWARD),
    weights(`blk.${layer}.ffn_up.weight`, EMBEDDING, FEED_FORWARD),
    weights(`blk.${layer}.ffn_down.weight`, FEED_FORWARD, EMBEDDING),
  ]);
  return [
    weights("token_embd.weight", EMBEDDING, vocabularySize),
    weights("output_norm.weight", EMBEDDING),
    weights("output.weight", EMBEDDING, vocabularySize),
    ...layers.flat(),
  ];
}

function tensorInfos(tensors: readonly Tensor[]): readonly Buffer[] {
  let offset = 0;
  return tensors.map(({ name, shape, values }) => {
    const FLOAT32_TENSOR = 0;
    const info = [
      text(name),
      uint32(shape.length),
      ...shape.map(uint64),
      uint32(FLOAT32_TENSOR),
      uint64(offset),
    ];
    offset += Math.ceil(values.byteLength / ALIGNMENT) * ALIGNMENT;
    return Buffer.concat(info);
  });
}

function entry(key: string, type: number, value: Buffer): Buffer {
  return Buffer.concat([text(key), uint32(type), value]);
}

function list(key: string, type: number, values: readonly Buffer[]): Buffer {
  const value = Buffer.concat([uint32(type), uint64(values.length), ...values]);
  return entry(key, ARRAY, value);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint64(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc((ALIGNMENT - (bytes.length % ALIGNMENT)) % ALIGNMENT)]);
}

/** Numbers from 0 up to 1 that follow from a seed: a linear congruential generator. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
