/** How much a text is about what a label or statement describes: meaning and words together. */

import { overlapWith, stemsOf } from "./overlap.ts";
import { splitName } from "./sentiment-words.ts";
import { leanOnTopics } from "./topics.ts";
import type { CommonTopic } from "./topics.ts";
import { centred, dot, unitSum } from "./vectors.ts";

/** Something described, to compare texts with. */
export interface Described {
  readonly name: string;
  readonly description?: string;
}

/**
 * The sentences a description is embedded in, averaged. One bare phrase is a poor match for whole
 * sentences; on 720 bank queries with 12 described topics these three lift accuracy from 68 % to
 * 76 %, centring to 77 % and counting shared words to 88 %.
 */
const FRAMES: readonly ((topic: string) => string)[] = [
  (topic) => `I have a question about ${topic}`,
  (topic) => `I am writing about ${topic}.`,
  (topic) => `This is about ${topic}`,
];

/** What one shared word adds to a cosine similarity; chosen on the same bank queries. */
const WORD_WEIGHT = 0.15;

const spoken = ({ name, description = "" }: Described): string => {
  const words = splitName(name).join(" ") || name;
  return description.trim() === "" ? words : `${words}: ${description.trim()}`;
};

/** The sentences whose mean embedding stands for a topic. */
export const frameTopic = (topic: string): string[] => FRAMES.map((frame) => frame(topic));

/** The texts to embed for `compareWith`: the same number for each description, in order. */
export function framesOf(described: readonly Described[]): string[] {
  return described.flatMap((each) => frameTopic(spoken(each)));
}

/** What comparing needs besides the descriptions. */
export interface ComparisonParts {
  /** The embeddings of `framesOf(described)`, in order. */
  readonly prompts: readonly Float32Array[];
  /** The mean embedding of ordinary sentences: what all texts have in common, taken away. */
  readonly centre: readonly number[];
  /** What the model knows by example. */
  readonly topics: readonly CommonTopic[];
}

/**
 * A function from a text and its embedding to one similarity for each description: about 0.3 for
 * a stranger, 0.7 for a match, above 1 when many words are shared as well.
 */
export function compareWith(described: readonly Described[], parts: ComparisonParts) {
  const { prompts, centre } = parts;
  const frames = FRAMES.length;
  const lean = leanOnTopics(parts.topics);
  const subjects = described.map((_, at) => {
    const own = prompts.slice(at * frames, (at + 1) * frames);
    return lean(unitSum(own.map((prompt) => centred(prompt, centre))));
  });
  const overlap = overlapWith(described.map((each) => stemsOf(spoken(each))));
  return (text: string, vector: Float32Array): number[] => {
    const meaning = centred(vector, centre);
    const words = overlap(text);
    return subjects.map((subject, at) => dot(subject, meaning) + WORD_WEIGHT * (words[at] ?? 0));
  };
}
