import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Answerer, type Faults } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { newFolder } from "../frame/support.ts";

const LABELS = ["red", "green", "blue"] as const;
const ROWS = 400;

const labelOf = (subject: number): string => LABELS[(subject * 7) % LABELS.length] ?? "";
const answer: Answerer = ({ body }) => {
  const subject = Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
  return { content: JSON.stringify({ label: labelOf(subject) }) };
};

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
    const emulator = await startEmulator({ seed: 11, answer, faults: ROW_FAULTS });
    onTestFinished(() => emulator.close());
    const folder = await newFolder();
    const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
    const rows = Array.from({ length: ROWS }, (_row, at) => `${String(at)},subject ${String(at)}`);
    await writeFile(input, `id,text\n${rows.join("\n")}\n`);
    const receipt = await enrichFile(
      { input, output },
      "Which colour? {{text}}",
      {
        provider: host,
        model: "open/weights-8b",
        baseUrl: host === "compatible" ? emulator.url : emulator.urls[host],
        apiKey: "test-key",
        settleMs: 250,
      },
      {
        output: { labels: LABELS },
        column: "colour",
        runDir: join(folder, "runs"),
        chunkRows: 200,
        lane: "batch",
        pollEveryMs: 5,
      },
    );
    const lines = (await readFile(output, "utf8")).trimEnd().split("\n").slice(1);
    expect(lines).toEqual(rows.map((row, at) => `${row},${labelOf(at)},ok,`));
    expect(receipt.rows).toMatchObject({ ok: ROWS, failed: 0 });
    expect(receipt.resent).toBeGreaterThan(0);
    const stats = emulator.stats();
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every sending of a request was executed once, and none was sent again that had its answer.
    expect(stats.rowsExecuted + stats.rowsFailed).toBe(receipt.requests + receipt.resent);
    expect(stats.fileDeletions).toBeGreaterThanOrEqual(2 * stats.batchesCreated);
  },
);
