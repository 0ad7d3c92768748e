import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Faults } from "../../src/emulator/emulator.ts";
import { askColours, colourAnswer } from "./colours.ts";

const ROW_FAULTS: Faults = {
  dropRows: 0.01,
  duplicateRows: 0.01,
  failRows: 0.01,
  createAcceptedThenCut: { count: 1 },
};

it.each([
  "azure",
  "groq",
  "together",
  "parasail",
  "doubleword",
  "regolo",
  "mistral",
  "compatible",
] as const)(
  "%s gives every row its answer in spite of lost, doubled and failed rows and a create call that is cut off",
  async (host) => {
    const emulator = await startEmulator({ seed: 11, answer: colourAnswer, faults: ROW_FAULTS });
    onTestFinished(() => emulator.close());
    const receipt = await askColours(
      {
        provider: host,
        model: "open/weights-8b",
        baseUrl: host === "compatible" ? emulator.url : emulator.urls[host],
        apiKey: "test-key",
        settleMs: 250,
      },
      { rows: 400, chunkRows: 200, lane: "batch" },
    );
    expect(receipt.resent).toBeGreaterThan(0);
    const stats = emulator.stats();
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every sending of a request was executed once, and none was sent again that had its answer.
    expect(stats.rowsExecuted + stats.rowsFailed).toBe(receipt.requests + receipt.resent);
    expect(stats.fileDeletions).toBeGreaterThanOrEqual(2 * stats.batchesCreated);
  },
);
