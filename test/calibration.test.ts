import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { expect, it } from "vitest";
import { priceOf } from "../src/core/price.ts";
import { startEmulator, type Answerer } from "../src/emulator/emulator.ts";
import { enrichColumn, type EnrichOptions } from "../src/enrich.ts";
import type { OutputOption } from "../src/output/form.ts";

const TASKS = 40;
const ROWS = 300;
const SAMPLE = 50;
const AT_ONCE = 8;
const MODEL = "gpt-4o-mini";

/** Numbers from 0 to 1 that follow from a seed. */
function draws(seed: number): () => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A number around zero, about as normally as sums of draws are. */
function around(draw: () => number): number {
  return Array.from({ length: 6 }, draw).reduce((sum, one) => sum + one, -3) * 1.4;
}

const WORDS =
  "battery screen late refund lovely broken the of and Lieferung très bien 電池 ok!".split(" ");

const words = (draw: () => number, count: number): string =>
  Array.from({ length: count }, () => WORDS[Math.floor(draw() * WORDS.length)]).join(" ");

interface TaskOf {
  readonly texts: readonly string[];
  readonly template: string;
  readonly options: EnrichOptions<string, OutputOption>;
  /** The length of an answer in words, given the text's. */
  readonly length: (draw: () => number, words: number) => number;
}

const LABELS = ["good", "bad", "neither good nor bad", "about something else entirely"] as const;
const FORMS: readonly OutputOption[] = [
  undefined,
  { labels: LABELS },
  {
    jsonSchema: {
      type: "object",
      properties: {
        topic: { type: "string" },
        notes: { type: "array", items: { type: "string" } },
      },
      required: ["topic", "notes"],
      additionalProperties: false,
    },
  },
];

/** One of many kinds of task: short and long texts, alike and not, answers of fixed, free and following length. */
function taskOf(seed: number): TaskOf {
  const draw = draws(seed);
  const mean = 5 + draw() * 120;
  const spread = draw();
  const texts = Array.from(
    { length: ROWS },
    (_, row) => `${String(row)} ${words(draw, Math.ceil(mean * Math.exp(spread * around(draw))))}`,
  );
  const answerSpread = 0.2 + draw() * 0.8;
  const follows = seed % 4 === 3;
  return {
    texts,
    template: `${words(draw, 3 + Math.floor(draw() * 60))}: {{ text }}`,
    options: { output: FORMS[seed % FORMS.length] },
    length: (own, given) =>
      Math.ceil((follows ? given : 20) * Math.exp(answerSpread * around(own))),
  };
}

function hashOf(text: string, seed: number): number {
  let sum = seed;
  for (let at = 0; at < text.length; at++) sum = (Math.imul(sum, 31) + text.charCodeAt(at)) | 0;
  return sum;
}

/** Answers as models do: of many lengths, in the form that is asked for. */
function answering(seed: number, { length }: TaskOf): Answerer {
  return ({ body }) => {
    const text = JSON.stringify(body["messages"]);
    const draw = draws(hashOf(text, seed));
    const said = words(draw, Math.max(1, Math.min(400, length(draw, text.length / 7))));
    const format = JSON.stringify(body["response_format"] ?? null);
    if (format.includes('"label"'))
      return { content: JSON.stringify({ label: LABELS[Math.floor(draw() * LABELS.length)] }) };
    if (format.includes('"notes"'))
      return { content: JSON.stringify({ topic: "a topic", notes: said.split("the ") }) };
    return { content: said };
  };
}

interface Outcome {
  readonly task: number;
  readonly low: number;
  readonly billed: number;
  readonly high: number;
}

/** Asks the first rows, plans the rest, and has it billed. */
async function outcomeOf(seed: number): Promise<Outcome> {
  const task = taskOf(seed);
  const emulator = await startEmulator({ seed, answer: answering(seed, task) });
  const runDir = await mkdtemp(join(tmpdir(), "calibration-"));
  try {
    const at = { baseUrl: emulator.url, apiKey: "test-key", settleMs: 20 };
    const model = { provider: "openai", model: MODEL, ...at } as const;
    const options = { ...task.options, runDir, lane: "batch", pollEveryMs: 2 } as const;
    const all = pl.DataFrame({ text: task.texts });
    const sample = pl.DataFrame({ text: task.texts.slice(0, SAMPLE) });
    await enrichColumn(sample, task.template, model, options);
    const run = enrichColumn(all, task.template, model, options);
    const { costUsd, cached } = await run.plan();
    const receipt = await run.report();
    expect(cached).toBe(SAMPLE);
    expect(receipt.rows.failed).toBe(0);
    return {
      task: seed,
      low: costUsd?.low ?? Number.NaN,
      billed: receipt.costUsd ?? Number.NaN,
      high: costUsd?.high ?? Number.NaN,
    };
  } finally {
    await emulator.close();
    await rm(runDir, { recursive: true, force: true });
  }
}

it("a plan made after fifty rows brackets what the service bills in at least 90 % of forty tasks, and not by saying nothing", async () => {
  const price = priceOf("openai", MODEL);
  expect(price).not.toBeNull();
  const outcomes: Outcome[] = [];
  // Most of the time is spent waiting for disks.
  for (let task = 0; task < TASKS; task += AT_ONCE)
    outcomes.push(
      ...(await Promise.all(Array.from({ length: AT_ONCE }, (_, one) => outcomeOf(task + one)))),
    );
  const missed = outcomes.filter(({ low, billed, high }) => !(low <= billed && billed <= high));
  expect(outcomes).toHaveLength(TASKS);
  expect(missed.length, JSON.stringify(missed)).toBeLessThanOrEqual(TASKS * 0.1);
  // A band is worth something where it is narrow: half of them within half of what was billed.
  const widths = outcomes
    .map(({ low, billed, high }) => (high - low) / billed)
    .sort((a, b) => a - b);
  expect(widths[TASKS / 2]).toBeLessThan(0.5);
}, 120_000);
