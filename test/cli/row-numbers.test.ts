/** Rows have one number on the command line, whichever command tells it: the one that show --row takes. */

import { expect, it } from "vitest";
import type { Receipt } from "../../src/index.ts";
import { receiptFromOne } from "../../src/cli/row-numbers.ts";
import { cli, folder } from "./support.ts";

const TEXTS = ["great", "awful", "fine", "poor", "lovely", "broken", "nice", "bad"];
const GOLD = `id,review,gold,mood\n${TEXTS.map((text, at) => `${String(at + 1)},${text},${at === 5 ? "a" : "b"},b`).join("\n")}\n`;
const LABEL = [
  ...["in.csv", "-p", "{{ review }}", "--labels", "positive,negative"],
  ...["-m", "embedded/use-lite", "--json"],
];

it("preview, show, --print-prompt and eval count rows from 1 in JSON", async () => {
  const cwd = folder({ "in.csv": GOLD });
  const previewed = await cli(cwd, ["preview", ...LABEL, "--preview", "3", "--name", "tried"]);
  const { rows, preview } = JSON.parse(previewed.stdout) as {
    rows: readonly number[];
    preview: readonly { review: string }[];
  };
  expect(rows).toHaveLength(3);
  expect(preview.map(({ review }) => TEXTS.indexOf(review) + 1)).toEqual(rows);
  const [first = 0] = rows;
  const prompt = await cli(cwd, ["run", ...LABEL, "--print-prompt", String(first)]);
  expect(JSON.parse(prompt.stdout)).toMatchObject({ row: first });
  expect(prompt.stdout).toContain(TEXTS[first - 1]);
  await cli(cwd, ["run", ...LABEL, "--name", "whole", "--no-cache"]);
  const shown = await cli(cwd, ["show", "whole", "--row", String(first), "--json"]);
  expect(JSON.parse(shown.stdout)).toMatchObject({ traces: [{ row: first }] });
  expect(shown.stdout).toContain(TEXTS[first - 1]);
  const scored = await cli(cwd, [
    ...["eval", "in.csv", "--pred", "mood", "--gold", "gold", "--json"],
  ]);
  expect(JSON.parse(scored.stdout)).toMatchObject({ disagreements: [{ row: 6, gold: "a" }] });
});

it("a receipt names rows that may be paid twice by the same numbers, in each step too", () => {
  const paidTwice = { requests: 2, count: 2, rows: [0, 4], batches: ["b"] };
  const receipt = { run: "r", paidTwice, steps: { mood: { run: "s", paidTwice } } };
  expect(receiptFromOne(receipt as unknown as Receipt)).toEqual({
    run: "r",
    paidTwice: { ...paidTwice, rows: [1, 5] },
    steps: { mood: { run: "s", paidTwice: { ...paidTwice, rows: [1, 5] } } },
  });
});
