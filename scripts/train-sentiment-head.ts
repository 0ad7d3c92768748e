/**
 * Trains models/use-lite/sentiment-head.json: a linear sentiment head on embeddings and surface
 * cues, from the human-rated texts in ../shared/data/vader and bench/data/feedback-training.csv, and the centre that label similarity is
 * measured from. Movies are never trained on. Run it with `node scripts/train-sentiment-head.ts`;
 * `--check` instead leaves out each rated source, and each fifth of the written rows, in turn,
 * reports on what was left out, and writes nothing. The same data gives the same file.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { readGold } from "../bench/data/gold.ts";
import { haveRatedTexts, polarityOfRating, readRatedTexts } from "../bench/data/rated-texts.ts";
import type { Source } from "../bench/data/rated-texts.ts";
import type { TrainedHead } from "../src/provider/embedded/answer.ts";
import { EMBEDDING_SIZE } from "../src/provider/embedded/encoder.ts";
import { readSentiment, sentimentFeatures } from "../src/provider/embedded/sentiment.ts";
import type { SentimentHead } from "../src/provider/embedded/sentiment.ts";
import type { Polarity } from "../src/provider/embedded/sentiment-words.ts";
import { startWorker } from "../src/provider/embedded/worker-client.ts";
import type { WorkerClient } from "../src/provider/embedded/worker-client.ts";
import { fitSoftmax } from "./softmax-regression.ts";

const TRAINED_ON: readonly Source[] = ["tweets", "amazon", "nyt"];
const POLARITIES: readonly Polarity[] = ["negative", "neutral", "positive"];

/** A unit vector's 512 numbers are about 0.04 each; brought nearer the cues, which are 0 to 3. */
const EMBEDDING_SCALE = 4;
const INVERSE_PENALTY = 0.03;
const STEPS = 300;
/** What a row of written customer feedback counts beside a rated text; best of 1, 3, 6 and 12. */
const WRITTEN_WEIGHT = 12;
const FOLDS = 5;
/** How wide, in rating points, the doubt around the two thresholds is. */
const DOUBT = 0.25;

/** Ordinary sentences of many kinds, on no topic in particular; their mean is the centre. */
const ORDINARY = [
  "How do I change this?",
  "I have a question about something I saw.",
  "It does not work and I do not know why.",
  "Please help me with this as soon as possible.",
  "Thank you very much for your help.",
  "The weather was nice yesterday.",
  "We went there with the whole family.",
  "I would like to know more.",
  "Can you tell me when this will happen?",
  "They told me to write to you.",
  "The meeting starts at nine o'clock.",
  "I bought it last year.",
  "What should I do next?",
  "It was better than I thought.",
  "Nothing happened after I waited for a week.",
  "The report was published on Monday.",
  "My friend told me about it.",
  "She has been working there for ten years.",
  "I do not understand the answer.",
  "There are many people in the city.",
];

interface Embedded {
  readonly text: string;
  readonly polarity: Polarity;
  /** How much of the row each polarity gets, in the order of POLARITIES. */
  readonly target: readonly number[];
  readonly vector: Float32Array;
}

type Unembedded = Omit<Embedded, "vector">;

const logistic = (value: number): number => 1 / (1 + Math.exp(-value));

/** A rating as probabilities: near a threshold, people's mean could as well have fallen beyond it. */
function targetOf(rating: number): number[] {
  const positive = logistic((rating - 0.5) / DOUBT);
  const negative = logistic((-rating - 0.5) / DOUBT);
  return [negative, Math.max(0, 1 - positive - negative), positive];
}

/** Targets weighted so that the three polarities count the same, whatever the sources' mix. */
function balancedTargets(rows: readonly Embedded[]): number[][] {
  const targets = rows.map(({ target }) => target);
  const total = targets.flat().reduce((sum, value) => sum + value, 0);
  const masses = POLARITIES.map((_, at) => targets.reduce((sum, row) => sum + (row[at] ?? 0), 0));
  const fair = total / POLARITIES.length;
  return targets.map((row) => row.map((value, at) => (value * fair) / (masses[at] ?? 1)));
}

const rounded = (value: number): number => Number(value.toFixed(4));

function trainHead(rows: readonly Embedded[]): SentimentHead {
  const own = rows.map(({ text, vector }) =>
    sentimentFeatures(
      text,
      vector.map((value) => value * EMBEDDING_SCALE),
    ),
  );
  const featureCount = own[0]?.length ?? 0;
  const features = new Float32Array(rows.length * featureCount);
  for (const [at, row] of own.entries()) features.set(row, at * featureCount);
  const fit = fitSoftmax(
    { features, featureCount, targets: balancedTargets(rows) },
    { classCount: 3, penalty: 1 / (INVERSE_PENALTY * rows.length), steps: STEPS },
  );
  const unscaled = (weights: Float64Array): number[] =>
    Array.from(weights, (weight, at) =>
      rounded(at < EMBEDDING_SIZE ? weight * EMBEDDING_SCALE : weight),
    );
  return {
    polarities: POLARITIES,
    weights: fit.weights.map(unscaled),
    bias: Array.from(fit.bias, rounded),
  };
}

function accuracyOf(head: SentimentHead, rows: readonly Embedded[]): string {
  let right = 0;
  for (const { text, vector, polarity } of rows) {
    const shares = readSentiment(head, text, vector);
    const best = POLARITIES.reduce((a, b) => (shares[b] > shares[a] ? b : a));
    if (best === polarity) right += 1;
  }
  return `${((100 * right) / rows.length).toFixed(1)} % of ${rows.length}`;
}

async function embedRows(model: WorkerClient, rows: readonly Unembedded[]): Promise<Embedded[]> {
  const vectors = await model.embed(rows.map(({ text }) => text));
  return rows.map((row, at) => ({ ...row, vector: vectors[at] ?? new Float32Array() }));
}

async function ratedRows(source: Source): Promise<Unembedded[]> {
  return (await readRatedTexts(source)).map(({ text, rating }) => ({
    text,
    polarity: polarityOfRating(rating),
    target: targetOf(rating),
  }));
}

/** Feedback written for training, each row with its one polarity; shares no row with the test sets. */
async function writtenRows(): Promise<Unembedded[]> {
  const rows = await readGold(join(import.meta.dirname, "../bench/data/feedback-training.csv"));
  return rows.map(({ text, gold }) => {
    const polarity = POLARITIES.find((each) => each === gold);
    if (polarity === undefined) throw new Error(`"${gold}" is not a polarity, in the row: ${text}`);
    return { text, polarity, target: POLARITIES.map((p) => (p === gold ? WRITTEN_WEIGHT : 0)) };
  });
}

function meanOf(vectors: readonly Float32Array[]): number[] {
  return Array.from({ length: EMBEDDING_SIZE }, (_, at) =>
    rounded(vectors.reduce((sum, vector) => sum + (vector[at] ?? 0), 0) / vectors.length),
  );
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

type Parts = ReadonlyMap<Source | "written", readonly Embedded[]>;

function checkUnseen(parts: Parts): void {
  const everything = [...parts.values()].flat();
  for (const source of TRAINED_ON) {
    const unseen = parts.get(source) ?? [];
    const head = trainHead(
      [...parts].filter(([name]) => name !== source).flatMap(([, rows]) => rows),
    );
    say(`${source}, left out of training: ${accuracyOf(head, unseen)}`);
  }
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const unseen = (parts.get("written") ?? []).filter((_, at) => at % FOLDS === fold);
    const left = new Set(unseen);
    const head = trainHead(everything.filter((row) => !left.has(row)));
    say(`written rows, fifth ${fold + 1} left out of training: ${accuracyOf(head, unseen)}`);
  }
}

async function main(): Promise<void> {
  if (!haveRatedTexts()) {
    say("Nothing trained: ../shared/data/vader is absent. The committed head stays as it is.");
    return;
  }
  const model = await startWorker();
  try {
    const parts = new Map<Source | "written", readonly Embedded[]>();
    for (const source of TRAINED_ON) {
      parts.set(source, await embedRows(model, await ratedRows(source)));
    }
    parts.set("written", await embedRows(model, await writtenRows()));
    if (process.argv.includes("--check")) {
      checkUnseen(parts);
      return;
    }
    const rows = [...parts.values()].flat();
    const sentiment = trainHead(rows);
    const head: Omit<TrainedHead, "topics"> = {
      sentiment,
      centre: meanOf(await model.embed(ORDINARY)),
    };
    const file = join(import.meta.dirname, "..", "models", "use-lite", "sentiment-head.json");
    await writeFile(file, `${JSON.stringify(head)}\n`);
    say(`wrote ${file}; on its own training texts: ${accuracyOf(sentiment, rows)}`);
  } finally {
    await model.close();
  }
}

await main();
