import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { Answerer, Faults } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { newFolder } from "../frame/support.ts";
import { liveWith } from "./live-support.ts";

const LABELS = ["red", "green", "blue"] as const;
const ROWS = 400;

const labelOf = (subject: number): string => LABELS[(subject * 7) % LABELS.length] ?? "";
const answer: Answerer = ({ body }) => {
  const subject = Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
  return { content: JSON.stringify({ label: labelOf(subject) }) };
};

it.each<[string, Faults, { billedAgain: number }]>([
  [
    "failing rows, overload and cut connections",
    {
      failRows: 0.01,
      error429: { rate: 0.01, retryAfterMs: 5 },
      error500: { rate: 0.01 },
      dropConnection: { rate: 0.01 },
    },
    { billedAgain: 0 },
  ],
  [
    "answers that are lost, refused, cut off and no JSON",
    {
      dropReply: { count: 3 },
      truncateRows: { count: 2 },
      invalidJsonRows: { count: 2 },
      nullContentRows: { count: 1 },
    },
    { billedAgain: 3 },
  ],
])("a live run gives every row its answer in spite of %s", async (_, faults, { billedAgain }) => {
  const { emulator, provider } = await liveWith({ seed: 11, answer, faults });
  const folder = await newFolder();
  const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
  const rows = Array.from({ length: ROWS }, (_row, at) => `${String(at)},subject ${String(at)}`);
  await writeFile(input, `id,text\n${rows.join("\n")}\n`);
  const receipt = await enrichFile(
    { input, output },
    "Which colour? {{text}}",
    { provider, model: "m", params: { max_tokens: 50 } },
    {
      output: { labels: LABELS },
      column: "colour",
      runDir: join(folder, "runs"),
      chunkRows: 100,
      pollEveryMs: 5,
    },
  );
  const lines = (await readFile(output, "utf8")).trimEnd().split("\n").slice(1);
  expect(lines).toEqual(rows.map((row, at) => `${row},${labelOf(at)},ok,`));
  expect(receipt.rows).toMatchObject({ ok: ROWS, failed: 0 });
  const stats = emulator.stats();
  expect(stats.bodiesBilledAgain).toBe(billedAgain);
  // Unusable answers are asked again in other words; those were answered, and billed, for themselves.
  expect(stats.liveCalls).toBe(ROWS + receipt.resent + billedAgain);
});
