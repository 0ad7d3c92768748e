/**
 * Builds models/use-lite/topics.json, what the embedded model knows of common topics by example,
 * from bench/data/topic-examples.json. Its vectors are seen from the centre in sentiment-head.json,
 * so it is built again whenever that file's centre changes. Run it with
 * `node scripts/build-topics.ts`; the same data gives the same file.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { TrainedHead } from "../src/provider/embedded/answer.ts";
import { frameTopic } from "../src/provider/embedded/similarity.ts";
import type { CommonTopic } from "../src/provider/embedded/topics.ts";
import { centred, unitSum } from "../src/provider/embedded/vectors.ts";
import { startWorker } from "../src/provider/embedded/worker-client.ts";

const root = join(import.meta.dirname, "..");
const modelFile = (name: string): string => join(root, "models", "use-lite", name);

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

const inThousandths = (vector: Float32Array): number[] =>
  Array.from(vector, (value) => Math.round(1000 * value));

async function main(): Promise<void> {
  const head = (await readJson(modelFile("sentiment-head.json"))) as Pick<TrainedHead, "centre">;
  const described = (await readJson(
    join(root, "bench", "data", "topic-examples.json"),
  )) as Readonly<Record<string, readonly string[]>>;
  const model = await startWorker();
  try {
    const meanOf = async (texts: readonly string[]): Promise<number[]> => {
      const vectors = await model.embed(texts);
      return inThousandths(unitSum(vectors.map((vector) => centred(vector, head.centre))));
    };
    const topics: CommonTopic[] = [];
    for (const [description, sentences] of Object.entries(described)) {
      topics.push({
        subject: await meanOf(frameTopic(description)),
        examples: await meanOf(sentences),
      });
    }
    await writeFile(modelFile("topics.json"), `${JSON.stringify(topics)}\n`);
    process.stderr.write(`wrote ${modelFile("topics.json")}: ${topics.length} topics\n`);
  } finally {
    await model.close();
  }
}

await main();
