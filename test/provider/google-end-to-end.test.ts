import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Faults } from "../../src/emulator/emulator.ts";
import { askColours, colourAnswer } from "./colours.ts";

const BAD_ROWS: Faults = {
  dropRows: 0.01,
  duplicateRows: 0.01,
  failRows: 0.01,
  createAcceptedThenCut: { count: 1 },
};
const BAD_CALLS: Faults = {
  createAcceptedThen500: { count: 1 },
  cutDownload: { count: 1, how: "shortLength" },
  notFoundFlicker: { count: 2 },
};

it.each<["google" | "vertex", string, Faults, { unexecuted: number; leastResent: number }]>([
  [
    "google",
    "rows that are lost, doubled and failed, and a create call that is cut off",
    BAD_ROWS,
    { unexecuted: 0, leastResent: 1 },
  ],
  [
    "google",
    "a batch that expires with nothing, a create call that seems to fail and a torn download",
    { ...BAD_CALLS, expireRows: { count: 1 } },
    { unexecuted: 1, leastResent: 200 },
  ],
  [
    "vertex",
    "rows that are lost, doubled and failed, and a create call that is cut off",
    BAD_ROWS,
    { unexecuted: 0, leastResent: 1 },
  ],
  [
    "vertex",
    "a job cut off half way, an upload whose end is lost and a torn download",
    {
      ...BAD_CALLS,
      expireAfterRows: { count: 1, fraction: 0.5 },
      uploadAcceptedThenCut: { count: 1 },
    },
    { unexecuted: 100, leastResent: 100 },
  ],
])(
  "%s gives every row its answer in spite of %s",
  async (provider, _, faults, { unexecuted, leastResent }) => {
    const emulator = await startEmulator({ seed: 11, answer: colourAnswer, faults });
    onTestFinished(() => emulator.close());
    const address = { baseUrl: emulator.urls[provider], settleMs: 250 };
    const receipt = await askColours(
      provider === "vertex"
        ? { provider, model: "gemini-2.5-flash", ...address }
        : { provider, model: "gemini-2.5-flash", ...address, apiKey: "test-key" },
      { rows: 600, chunkRows: 200, lane: "batch" },
    );
    expect(receipt.resent).toBeGreaterThanOrEqual(leastResent);
    const stats = emulator.stats();
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every sending of a request was executed once, and none was sent again that had its answer.
    const sent = receipt.requests + receipt.resent;
    expect(stats.rowsExecuted + stats.rowsFailed + unexecuted).toBe(sent);
    // Gemini's batches and files are removed once they are collected; Vertex keeps its jobs.
    if (provider === "google") expect(stats.batches).toEqual({});
  },
);
