import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, it, onTestFinished } from "vitest";
import { startEmulator, type Answerer } from "../../src/emulator/emulator.ts";
import { unitVector } from "../../src/emulator/unit-vector.ts";
import { enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { newFolder } from "../frame/support.ts";

const ROWS = 600;
const LABELS = ["red", "green", "blue"] as const;
const FAULTS = {
  dropRows: 0.01,
  duplicateRows: 0.01,
  failRows: 0.01,
  createAcceptedThenCut: { count: 1 },
};

type Cells = Readonly<Record<string, string>>;
type Options = EnrichOptions<"said", OutputOption>;

const subjectOf = (body: unknown): number =>
  Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
const labelOf = (subject: number): string => LABELS[(subject * 7) % LABELS.length] ?? "";

const labelled: Answerer = ({ body }) => ({
  content: JSON.stringify({ label: labelOf(subjectOf(body)) }),
});
const calling: Answerer = ({ body }) => ({
  content: null,
  toolCalls: [{ name: "look_up", arguments: { subject: subjectOf(body) } }],
});
const TOOL = {
  name: "look_up",
  parameters: { type: "object", properties: { subject: { type: "integer" } } },
} as const;

const LABELLING: Options = { output: { labels: LABELS } };
const CALLING: Options = { tools: [TOOL], toolChoice: { tool: "look_up" } };
const EMBEDDING: Options = { output: { embedding: { dimensions: 4 } } };

function holdsLabel(row: Cells, at: number): void {
  expect(row["said"]).toBe(labelOf(at));
}

function holdsCall(row: Cells, at: number): void {
  expect(row["said"]).toBe("");
  expect(JSON.parse(row["said_tool_calls"] ?? "")).toEqual([
    { name: "look_up", arguments: { subject: at } },
  ]);
}

function holdsVector(row: Cells, at: number): void {
  const written = JSON.parse(row["said"] ?? "") as readonly number[];
  expect(Float32Array.from(written)).toEqual(unitVector(`subject ${String(at)}`, 4));
}

it.each([
  ["labels from chat", "chat", labelled, LABELLING, holdsLabel],
  ["labels from responses", "responses", labelled, LABELLING, holdsLabel],
  ["calls from chat", "chat", calling, CALLING, holdsCall],
  ["calls from responses", "responses", calling, CALLING, holdsCall],
  ["vectors", "chat", labelled, EMBEDDING, holdsVector],
] as const)(
  "every row gets its own in spite of lost, doubled and failed rows and a create call that is cut off: %s",
  async (_what, endpoint, answer, options, holds) => {
    const emulator = await startEmulator({ seed: 11, answer, faults: FAULTS });
    onTestFinished(() => emulator.close());
    const folder = await newFolder();
    const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
    const rows = Array.from({ length: ROWS }, (_row, at) => `${String(at)},subject ${String(at)}`);
    await writeFile(input, `id,text\n${rows.join("\n")}\n`);
    const address = { baseUrl: emulator.url, apiKey: "test-key", settleMs: 250 };
    const receipt = await enrichFile(
      { input, output },
      "{{text}}",
      { provider: "openai", model: "m", endpoint, ...address },
      {
        ...options,
        column: "said",
        runDir: join(folder, "runs"),
        chunkRows: 200,
        lane: "batch",
        pollEveryMs: 5,
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
  },
);
