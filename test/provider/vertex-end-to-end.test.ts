import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Answerer, type Faults } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { newFolder } from "../frame/support.ts";

const LABELS = ["red", "green", "blue"] as const;
const ROWS = 600;

const labelOf = (subject: number): string => LABELS[(subject * 7) % LABELS.length] ?? "";
const answer: Answerer = ({ body }) => {
  const subject = Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
  return { content: JSON.stringify({ label: labelOf(subject) }) };
};

it.each<[string, Faults, { unexecuted: number; leastResent: number }]>([
  [
    "rows that are lost, doubled and failed, and a create call that is cut off",
    { dropRows: 0.01, duplicateRows: 0.01, failRows: 0.01, createAcceptedThenCut: { count: 1 } },
    { unexecuted: 0, leastResent: 1 },
  ],
  [
    "a job cut off half way, an upload whose end is lost and a torn download",
    {
      expireAfterRows: { count: 1, fraction: 0.5 },
      uploadAcceptedThenCut: { count: 1 },
      createAcceptedThen500: { count: 1 },
      cutDownload: { count: 1, how: "shortLength" },
      notFoundFlicker: { count: 2 },
    },
    { unexecuted: 100, leastResent: 100 },
  ],
])(
  "vertex gives every row its answer in spite of %s",
  async (_, faults, { unexecuted, leastResent }) => {
    const emulator = await startEmulator({ seed: 11, answer, faults });
    onTestFinished(() => emulator.close());
    const folder = await newFolder();
    const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
    const rows = Array.from({ length: ROWS }, (_row, at) => `${String(at)},subject ${String(at)}`);
    await writeFile(input, `id,text\n${rows.join("\n")}\n`);
    const receipt = await enrichFile(
      { input, output },
      "Which colour? {{text}}",
      {
        provider: "vertex",
        model: "gemini-2.5-flash",
        baseUrl: emulator.urls.vertex,
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
    const expected = rows.map((row, at) => `${row},${labelOf(at)},ok,`);
    const lines = (await readFile(output, "utf8")).trimEnd().split("\n").slice(1);
    expect(lines).toEqual(expected);
    expect(receipt.rows).toMatchObject({ ok: ROWS, failed: 0 });
    expect(receipt.resent).toBeGreaterThanOrEqual(leastResent);
    const stats = emulator.stats();
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every sending of a request was executed once, and none was sent again that had its answer.
    const sent = receipt.requests + receipt.resent;
    expect(stats.rowsExecuted + stats.rowsFailed + unexecuted).toBe(sent);
  },
);
