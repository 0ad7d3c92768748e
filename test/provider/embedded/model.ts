/** The committed model's files, read for tests that run the pure parts without a worker. */

import { readFileSync } from "node:fs";

import type { TrainedHead } from "../../../src/provider/embedded/answer.ts";
import type { Piece } from "../../../src/provider/embedded/tokenizer.ts";
import type { Manifest, Weights } from "../../../src/provider/embedded/weights.ts";

const file = (name: string): URL => new URL(`../../../models/use-lite/${name}`, import.meta.url);

const json = (name: string): unknown => JSON.parse(readFileSync(file(name), "utf8"));

export const vocabulary = json("vocabulary.json") as Piece[];
export const head: TrainedHead = {
  ...(json("sentiment-head.json") as Omit<TrainedHead, "topics">),
  topics: json("topics.json") as TrainedHead["topics"],
};

export function readWeights(): Weights {
  const manifest = json("manifest.json") as Manifest;
  return { manifest, bytes: new Uint8Array(readFileSync(file("weights.bin"))) };
}

export const cosine = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);

/** Awkward texts with the ids that @energetic-ai/embeddings 0.2.0, the original tokenizer, gives them. */
export const ORIGINAL_IDS: Readonly<Record<string, readonly number[]>> = {
  "hello world": [2002, 102, 311],
  "I can't believe it's not butter!": [16, 42, 13, 17, 442, 21, 13, 7, 35, 4688, 78],
  "naïve café résumé Straße": [1216, 0, 105, 976, 209, 1133, 1067, 1133, 7, 400, 1133, 4779, 0, 59],
  "日本語のテキスト and English": [30, 0, 12, 1647],
  "Привет, мир": [30, 0, 7976, 7955, 0, 7954, 7949, 8, 30, 0, 7955, 7976],
  "مرحبا بالعالم": [30, 7982, 0, 7940, 30, 0, 7940, 7952, 0, 7940, 7952, 7982],
  "हिन्दी पाठ": [30, 0, 7956, 7981, 0, 30, 7968, 7953, 0],
  "👍👍🏽 great 👨‍👩‍👧‍👦 family 🇫🇷": [30, 0, 318, 30, 0, 479, 30, 0],
  "<s> </s> extra_token_id_1 �": [
    4787, 7, 1431, 4787, 68, 7, 1431, 1501, 435, 266, 3032, 435, 303, 435, 363, 30, 0,
  ],
  "ﬁne ½ ① ㎏ ™": [839, 207, 7935, 288, 207, 687, 143, 259, 224],
  "at 12:00:00 :00:00": [38, 575, 5920, 5920, 30, 5920, 5920],
  "=SUM(A1:A9) {{ product }} <b>bold</b>": [
    240, 141, 6461, 234, 192, 363, 57, 192, 564, 52, 1723, 2048, 1296, 1937, 1814, 4787, 151, 1431,
    151, 588, 5161, 68, 151, 1431,
  ],
  "▁already▁marked▁": [30, 506, 1676, 26, 30],
  "supercalifragilisticexpialidocious antidisestablishmentarianism": [
    1050, 2817, 928, 276, 143, 233, 2098, 6489, 983, 303, 102, 2907, 1531, 3175, 281, 1112, 2873,
    284, 3619, 639,
  ],
  a: [11],
  ".": [30, 6],
};

export const NASTY_TEXTS: readonly string[] = Object.keys(ORIGINAL_IDS);
