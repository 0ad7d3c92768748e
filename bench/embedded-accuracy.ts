/**
 * How often embedded/use-lite is right, on texts it was not trained on. Run it with
 * `node bench/embedded-accuracy.ts`.
 *
 * feedback-sentiment.csv and support-tickets.csv were written before any training or tuning; what
 * labels are compared by was chosen on support-tickets-dev.csv and bank queries, so its accuracy on
 * the test tickets is the honest one. `--dev` leaves the test tickets out, `--mistakes` lists
 * mistakes (never on the test tickets), `--quick` leaves the movie reviews out;
 * feedback.csv is the demo's file, by another author; the movie reviews are a source the head
 * never saw, where "clear" leaves out texts whose rating lies within a whisker of a threshold.
 */

import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { loadUseLite } from "../src/provider/embedded/use-lite.ts";
import type { UseLite } from "../src/provider/embedded/use-lite.ts";
import type { LabelChoice, LabelsField } from "../src/provider/embedded/field.ts";
import { readGold } from "./data/gold.ts";
import type { GoldRow } from "./data/gold.ts";
import { haveRatedTexts, polarityOfRating, readRatedTexts } from "./data/rated-texts.ts";

interface Judged extends GoldRow {
  readonly answer: string;
  readonly confidence: number;
}

const SENTIMENT: LabelsField = {
  kind: "labels",
  labels: [{ name: "positive" }, { name: "negative" }, { name: "neutral" }],
};

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const percent = (part: number, whole: number): string =>
  whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;

const rightOf = (rows: readonly Judged[]): number =>
  rows.filter(({ gold, answer }) => gold === answer).length;

async function judge(
  model: UseLite,
  rows: readonly GoldRow[],
  field: LabelsField,
): Promise<Judged[]> {
  const answers = await model.classify(
    rows.map(({ text }) => text),
    field,
  );
  return rows.map((row, at) => ({
    ...row,
    answer: String(answers[at]?.value),
    confidence: answers[at]?.confidence ?? 0,
  }));
}

function sayAccuracy(title: string, rows: readonly Judged[]): void {
  say(`\n${title}: ${percent(rightOf(rows), rows.length)} (${rightOf(rows)} of ${rows.length})`);
  for (const gold of new Set(rows.map((row) => row.gold))) {
    const own = rows.filter((row) => row.gold === gold);
    say(`  ${gold.padEnd(14)} ${percent(rightOf(own), own.length)} found`);
  }
  for (const [low, high] of [
    [0, 0.5],
    [0.5, 0.7],
    [0.7, 0.9],
    [0.9, 1.01],
  ] as const) {
    const own = rows.filter(({ confidence }) => confidence >= low && confidence < high);
    const band = `${low.toFixed(1)} to ${Math.min(1, high).toFixed(1)}`;
    say(`  confidence ${band}: ${percent(rightOf(own), own.length)} right of ${own.length}`);
  }
}

function sayMistakes(rows: readonly Judged[]): void {
  for (const { gold, answer, text } of rows.filter((row) => row.gold !== row.answer)) {
    say(`    ${gold} taken for ${answer}: ${text}`);
  }
}

const TEST_TICKETS = "support-tickets.csv";

/** Development tickets, which choices were made on, and test tickets, which none was. */
const TICKETS = {
  "Support tickets for development, six described topics": "support-tickets-dev.csv",
  "Support tickets for the test, six described topics": TEST_TICKETS,
} as const;

async function readTopics(): Promise<LabelChoice[]> {
  const file = join(import.meta.dirname, "data", "support-topics.json");
  const topics = JSON.parse(await readFile(file, "utf8")) as Record<string, string>;
  return Object.entries(topics).map(([name, description]) => ({ name, description }));
}

async function measureTickets(model: UseLite, title: string, file: string): Promise<Judged[]> {
  const labels = await readTopics();
  const rows = await readGold(join(import.meta.dirname, "data", file));
  const described = await judge(model, rows, { kind: "labels", labels });
  sayAccuracy(title, described);
  const bare = labels.map(({ name }) => ({ name }));
  const undescribed = await judge(model, rows, { kind: "labels", labels: bare });
  say(`  by name alone, without descriptions: ${percent(rightOf(undescribed), rows.length)}`);
  return described;
}

async function measureMovies(model: UseLite): Promise<void> {
  if (!haveRatedTexts()) {
    say("\nMovie reviews: skipped, ../shared/data/vader is absent.");
    return;
  }
  const rated = await readRatedTexts("movies");
  const rows = rated.map(({ text, rating }) => ({ text, gold: polarityOfRating(rating) }));
  const judged = await judge(model, rows, SENTIMENT);
  sayAccuracy("Movie reviews, a source never trained on", judged);
  const clear = judged.filter((_, at) => Math.abs(Math.abs(rated[at]?.rating ?? 0) - 0.5) >= 0.3);
  say(`  clear ones only: ${percent(rightOf(clear), clear.length)} of ${clear.length}`);
  const polar = judged.filter(({ gold }) => gold !== "neutral");
  const binary: LabelsField = { kind: "labels", labels: SENTIMENT.labels.slice(0, 2) };
  const forced = await judge(model, polar, binary);
  say(
    `  positive or negative only: ${percent(rightOf(forced), forced.length)} of ${forced.length}`,
  );
}

async function measure(model: UseLite): Promise<void> {
  const showMistakes = process.argv.includes("--mistakes");
  const files = {
    "Customer feedback, three sentiments": join(
      import.meta.dirname,
      "data",
      "feedback-sentiment.csv",
    ),
    "The demo's feedback.csv": join(import.meta.dirname, "..", "sample-data", "feedback.csv"),
  };
  for (const [title, file] of Object.entries(files)) {
    const judged = await judge(model, await readGold(file), SENTIMENT);
    sayAccuracy(title, judged);
    if (showMistakes) sayMistakes(judged);
  }
  for (const [title, file] of Object.entries(TICKETS)) {
    if (file === TEST_TICKETS && process.argv.includes("--dev")) continue;
    const tickets = await measureTickets(model, title, file);
    if (showMistakes && file !== TEST_TICKETS) sayMistakes(tickets);
  }
  if (!process.argv.includes("--quick")) await measureMovies(model);
}

const model = await loadUseLite();
try {
  await measure(model);
} finally {
  await model.close();
}
