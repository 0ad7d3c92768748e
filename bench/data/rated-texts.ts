/** The human-rated texts of Hutto and Gilbert (2014), for training and for measuring. */

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Polarity } from "../../src/provider/embedded/sentiment-words.ts";

/** The four collections, by the name of their file. */
export const SOURCES = {
  tweets: "tweets",
  amazon: "amazonReviewSnippets",
  nyt: "nytEditorialSnippets",
  movies: "movieReviewSnippets",
} as const;

/** One of the four collections. */
export type Source = keyof typeof SOURCES;

/** A text and the mean of twenty people's ratings, -4 to 4. */
export interface RatedText {
  readonly text: string;
  readonly rating: number;
}

const DIRECTORY = join(import.meta.dirname, "..", "..", "..", "shared", "data", "vader");

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  hellip: "\u2026",
};

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/giu,
    (whole: string, decimal, hex, name) => {
      if (typeof decimal === "string") return String.fromCodePoint(Number(decimal));
      if (typeof hex === "string") return String.fromCodePoint(Number.parseInt(hex, 16));
      return ENTITIES[String(name).toLowerCase()] ?? whole;
    },
  );
}

/** True when the files lie beside the repository, in ../shared/data/vader. */
export function haveRatedTexts(): boolean {
  return existsSync(DIRECTORY);
}

/** The polarity people agreed on: the sign of a mean rating beyond half a point, else neutral. */
export function polarityOfRating(rating: number): Polarity {
  if (rating > 0.5) return "positive";
  return rating < -0.5 ? "negative" : "neutral";
}

/** The texts of a source, in the file's order. Lines are `id TAB rating TAB text`, in latin-1. */
export async function readRatedTexts(source: Source): Promise<RatedText[]> {
  const file = join(DIRECTORY, `${SOURCES[source]}_GroundTruth.txt`);
  const lines = (await readFile(file, "latin1")).split(/\r?\n/u).filter((line) => line !== "");
  return lines.map((line) => {
    const [, rating, ...text] = line.split("\t");
    return { text: decodeEntities(text.join(" ").trim()), rating: Number(rating) };
  });
}
