/**
 * How fast embedded/use-lite is on this machine: the time from nothing to the first answer, texts a
 * second in one thread, and memory. Run it with `node bench/embedded-speed.ts`.
 */

import { join } from "node:path";

import { loadUseLite } from "../src/provider/embedded/use-lite.ts";
import type { UseLite } from "../src/provider/embedded/use-lite.ts";
import { readGold } from "./data/gold.ts";

const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

const ROUNDS = 5;

async function measure(model: UseLite): Promise<void> {
  const data = join(import.meta.dirname, "data");
  const files = ["feedback-sentiment.csv", "support-tickets.csv", "feedback-training.csv"];
  const rows = (await Promise.all(files.map((file) => readGold(join(data, file))))).flat();
  const texts = rows.map(({ text }) => text);
  const words = texts.reduce((sum, text) => sum + text.split(/\s+/u).length, 0) / texts.length;
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const start = performance.now();
    await model.embed(texts);
    rates.push((1000 * texts.length) / (performance.now() - start));
  }
  rates.sort((a, b) => a - b);
  say(`${texts.length} texts of ${words.toFixed(1)} words on average, ${ROUNDS} rounds:`);
  say(`  median ${rates[2]?.toFixed(0)} texts/s, slowest ${rates[0]?.toFixed(0)}`);

  const long = Array.from({ length: 64 }, () =>
    "an ordinary sentence of a long review. ".repeat(40),
  );
  const start = performance.now();
  await model.embed(long);
  const perSecond = (1000 * long.length) / (performance.now() - start);
  say(`  texts of 128 tokens or more: ${perSecond.toFixed(0)} texts/s`);
  say(`memory: ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB resident`);
}

const started = performance.now();
const model = await loadUseLite();
try {
  await model.embed(["hello"]);
  say(`load and first answer: ${(performance.now() - started).toFixed(0)} ms`);
  await measure(model);
} finally {
  await model.close();
}
