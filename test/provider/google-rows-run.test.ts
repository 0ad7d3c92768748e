/** Whole runs over the Gemini API with rows that are more than text. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Answerer } from "../../src/emulator/emulator.ts";
import { unitVector } from "../../src/emulator/unit-vector.ts";
import { enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { newFolder } from "../frame/support.ts";

const ROWS = 300;
const TOOL = {
  name: "look_up",
  parameters: { type: "object", properties: { subject: { type: "integer" } } },
} as const;

type Cells = Readonly<Record<string, string>>;

const calling: Answerer = ({ body }) => {
  const subject = Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
  return { content: null, toolCalls: [{ name: "look_up", arguments: { subject } }] };
};

function holdsCall(row: Cells, at: number): void {
  expect(JSON.parse(row["said_tool_calls"] ?? "")).toEqual([
    { name: "look_up", arguments: { subject: at } },
  ]);
}

function holdsVector(row: Cells, at: number): void {
  const written = JSON.parse(row["said"] ?? "") as readonly number[];
  expect(Float32Array.from(written)).toEqual(unitVector(`subject ${String(at)}`, 4));
}

it.each<[string, EnrichOptions<"said", OutputOption>, (row: Cells, at: number) => void, string]>([
  [
    "calls of functions",
    { tools: [TOOL], toolChoice: "required", reasoning: "low", maxTokens: 500 },
    holdsCall,
    "batchGenerateContent",
  ],
  ["vectors", { output: { embedding: { dimensions: 4 } } }, holdsVector, "asyncBatchEmbedContent"],
])(
  "%s come for every row in spite of lost, doubled and failed ones and a create call that is cut off",
  async (_, options, holds, method) => {
    const faults = {
      ...{ dropRows: 0.01, duplicateRows: 0.01, failRows: 0.01 },
      createAcceptedThenCut: { count: 1 },
    };
    const emulator = await startEmulator({ seed: 11, answer: calling, faults });
    onTestFinished(() => emulator.close());
    const folder = await newFolder();
    const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
    const rows = Array.from({ length: ROWS }, (_row, at) => `${String(at)},subject ${String(at)}`);
    await writeFile(input, `id,text\n${rows.join("\n")}\n`);
    const address = { baseUrl: emulator.urls.google, apiKey: "test-key", settleMs: 250 };
    const receipt = await enrichFile(
      { input, output },
      "{{text}}",
      { provider: "google", model: "gemini-2.5-flash", ...address },
      {
        ...options,
        column: "said",
        runDir: join(folder, "runs"),
        chunkRows: 100,
        pollEveryMs: 5,
        lane: "batch",
      },
    );
    expect(receipt.rows).toMatchObject({ ok: ROWS, failed: 0 });
    const written = parse<Cells>(await readFile(output, "utf8"), { columns: true });
    expect(written).toHaveLength(ROWS);
    for (const [at, row] of written.entries()) {
      expect(row).toMatchObject({ id: String(at), said_status: "ok", said_error: "" });
      holds(row, at);
    }
    const stats = emulator.stats();
    expect(receipt.resent).toBeGreaterThan(0);
    expect(stats.customIdsBilledAgain).toBe(0);
    // Every sending of a request was executed once, and none was sent again that had its answer.
    expect(stats.rowsExecuted + stats.rowsFailed).toBe(receipt.requests + receipt.resent);
    expect(Object.keys(stats.calls).filter((route) => route.endsWith("Content"))).toEqual([
      `POST /models/{model}:${method}`,
    ]);
  },
);
