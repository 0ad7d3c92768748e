/** The trained sentiment head: a text and its embedding to three probabilities. */

import { readCues } from "./cues.ts";
import type { Polarity } from "./sentiment-words.ts";

/** Probabilities of the three polarities; they sum to 1. */
export type Sentiment = Readonly<Record<Polarity, number>>;

/** What training found: for each polarity one weight a feature, and a bias. */
export interface SentimentHead {
  readonly polarities: readonly Polarity[];
  /** The embedding's 512 numbers first, then the cues. */
  readonly weights: readonly (readonly number[])[];
  readonly bias: readonly number[];
}

/** Shares that sum to 1, from any real numbers; the differences between them count. */
export function softmax(values: readonly number[]): number[] {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** The numbers the head weighs: the embedding, then the text's surface cues. */
export function sentimentFeatures(text: string, vector: Float32Array): number[] {
  return [...vector, ...readCues(text)];
}

/** The head's probabilities for a text with the given embedding. */
export function readSentiment(head: SentimentHead, text: string, vector: Float32Array): Sentiment {
  const features = sentimentFeatures(text, vector);
  const shares = softmax(
    head.weights.map((row, at) =>
      row.reduce((sum, weight, k) => sum + weight * (features[k] ?? 0), head.bias[at] ?? 0),
    ),
  );
  const share = (polarity: Polarity): number => shares[head.polarities.indexOf(polarity)] ?? 0;
  return {
    negative: share("negative"),
    neutral: share("neutral"),
    positive: share("positive"),
  };
}
