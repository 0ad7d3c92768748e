import { expect, it } from "vitest";
import type { Faults } from "../../src/emulator/emulator.ts";
import { askColours, colourAnswer } from "./colours.ts";
import { liveWith } from "./live-support.ts";

const ROWS = 400;

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
  const { emulator, provider } = await liveWith({ seed: 11, answer: colourAnswer, faults });
  const model = { provider, model: "m", params: { max_tokens: 50 } };
  const receipt = await askColours(model, { rows: ROWS, chunkRows: 100 });
  const stats = emulator.stats();
  expect(stats.bodiesBilledAgain).toBe(billedAgain);
  // Unusable answers are asked again in other words; those were answered, and billed, for themselves.
  expect(stats.liveCalls).toBe(ROWS + receipt.resent + billedAgain);
});
