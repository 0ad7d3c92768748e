/** `where` and `sample` where rows are asked of a second model, several times, or for several columns. */

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl, { type DataFrame } from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichColumn, enrichColumns, type EnrichOptions } from "../../src/index.ts";
import type { OutputOption } from "../../src/output/form.ts";

const ROWS = 300;
const isMet = (row: number): boolean => row % 3 === 0;
/** Every eleventh row is refused by all but the strong model, which all others are unsure of. */
const isHard = (row: number): boolean => row % 11 === 0;

let emulator: Emulator;
let folder: string;
/** The rows that each model was asked about, in order, again where it was asked again. */
let asked: Map<string, number[]>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "chosen-"));
  asked = new Map();
  emulator = await startEmulator({
    seed: 5,
    answer: ({ body }) => {
      const row = Number(/row (\d+)/.exec(JSON.stringify(body["messages"]))?.[1]);
      const name = String(body["model"]);
      asked.set(name, [...(asked.get(name) ?? []), row]);
      const label = row % 2 === 0 ? "even" : "odd";
      if (name === "weak" && isHard(row)) return { content: null, refusal: "no" };
      const confidence = name === "cheap" ? { confidence: isHard(row) ? 30 : 95 } : {};
      return { content: JSON.stringify({ label, ...confidence }) };
    },
  });
});
afterEach(async () => {
  await emulator.close();
});

const model = (name: string) =>
  ({ provider: "openai", model: name, baseUrl: emulator.url, apiKey: "k", settleMs: 50 }) as const;

const rows = (): DataFrame =>
  pl.DataFrame({
    text: Array.from({ length: ROWS }, (_, row) => `row ${String(row)}`),
    met: Array.from({ length: ROWS }, (_, row) => (isMet(row) ? "yes" : "no")),
  });

const output = { labels: ["even", "odd"] } as const;
const here = (more: EnrichOptions<string, OutputOption> = {}) => ({
  column: "x",
  output,
  runDir: folder,
  pollEveryMs: 5,
  ...more,
});

function withStatus(frame: DataFrame, column: string, ...wanted: readonly string[]): number[] {
  const statuses = frame.getColumn(`${column}_status`).toArray() as string[];
  return statuses.flatMap((status, row) => (wanted.includes(status) ? [row] : []));
}

const met = [...Array(ROWS).keys()].filter(isMet);
const unique = (name: string): number[] =>
  [...new Set(asked.get(name) ?? [])].sort((a, b) => a - b);

describe.each([
  ["a condition", { where: "met = 'yes'" }, met.length],
  ["a sample of what meets one", { where: "met = 'yes'", sample: { rows: 40 } }, 40],
  ["a limit of what meets one", { where: "met = 'yes'", limit: 40 }, 40],
] as const)("%s", (_, choice, count) => {
  it("holds for a fallback, which is asked only rows the first model was", async () => {
    const run = enrichColumn(
      rows(),
      "{{ text }}",
      model("weak"),
      here({ ...choice, fallbackModel: model("strong") }),
    );
    const frame = await run;
    const { skippedBy, rows: counts } = await run.report();
    const chosen = withStatus(frame, "x", "ok");
    expect(chosen).toHaveLength(count);
    expect(chosen.every(isMet)).toBe(true);
    expect(unique("weak")).toEqual(chosen);
    expect(unique("strong")).toEqual(chosen.filter(isHard));
    expect(counts).toMatchObject({ total: ROWS, ok: count, skipped: ROWS - count, failed: 0 });
    expect(Object.values(skippedBy).reduce((sum, n) => sum + n, 0)).toBe(ROWS - count);
    expect(skippedBy).toMatchObject({ where: ROWS - met.length });
    // The same call again asks nobody anything.
    const times = [...asked.values()].flat().length;
    await enrichColumn(
      rows(),
      "{{ text }}",
      model("weak"),
      here({ ...choice, fallbackModel: model("strong") }),
    );
    expect([...asked.values()].flat()).toHaveLength(times);
  });

  it("holds for a cascade, whose sample is drawn of the rows that are asked", async () => {
    const cascade = { model: model("strong"), target: 0.9, delta: 0.2, labelBudget: 30 };
    const run = enrichColumn(rows(), "{{ text }}", model("cheap"), here({ ...choice, cascade }));
    const frame = await run;
    const chosen = withStatus(frame, "x", "ok");
    expect(chosen).toHaveLength(count);
    expect(chosen.every(isMet)).toBe(true);
    expect(unique("cheap")).toEqual(chosen);
    expect(unique("strong").length).toBeGreaterThan(0);
    expect(unique("strong").every((row) => chosen.includes(row))).toBe(true);
    expect((await run.report()).rows).toMatchObject({ ok: count, skipped: ROWS - count });
  });

  it("holds for every vote on the same rows", async () => {
    const run = enrichColumn(rows(), "{{ text }}", model("plain"), here({ ...choice, votes: 3 }));
    const frame = await run;
    const chosen = withStatus(frame, "x", "ok");
    expect(chosen).toHaveLength(count);
    expect(unique("plain")).toEqual(chosen);
    expect(asked.get("plain")).toHaveLength(3 * count);
    expect((await run.report()).rows).toMatchObject({ ok: count, skipped: ROWS - count });
  });

  it("holds for a step and for what is asked of its answers", async () => {
    const run = enrichColumns(
      rows(),
      [
        { column: "a", template: "{{ text }}", model: model("first"), output, ...choice },
        { column: "b", template: "{{ text }}: {{ a }}", model: model("second"), output },
        { column: "c", template: "all {{ text }}", model: model("third"), output },
      ],
      { runDir: folder, pollEveryMs: 5 },
    );
    const frame = await run;
    const chosen = withStatus(frame, "a", "ok");
    expect(chosen).toHaveLength(count);
    expect(unique("first")).toEqual(chosen);
    // A row without an answer has nothing to be asked about; a step without a choice asks all.
    expect(unique("second")).toEqual(chosen);
    expect(unique("third")).toHaveLength(ROWS);
  });
});

it("a condition about an earlier step's answers chooses the rows of the next", async () => {
  const run = enrichColumns(
    rows(),
    [
      { column: "a", template: "{{ text }}", model: model("first"), output, where: "met = 'yes'" },
      {
        ...{ column: "b", template: "{{ text }}", model: model("second"), output },
        ...{ where: "a = 'even'", sample: { rows: 20 } },
      },
    ],
    { runDir: folder, pollEveryMs: 5 },
  );
  const frame = await run;
  const chosen = withStatus(frame, "b", "ok");
  expect(chosen).toHaveLength(20);
  expect(chosen.every((row) => isMet(row) && row % 2 === 0)).toBe(true);
  expect(unique("second")).toEqual(chosen);
});
