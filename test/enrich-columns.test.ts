import { mkdtemp, readdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchframeError } from "../src/core/errors.ts";
import type { Emulator, EmulatorOptions } from "../src/emulator/emulator.ts";
import { startEmulator } from "../src/emulator/emulator.ts";
import { enrichColumns, enrichFileColumns } from "../src/enrich-columns.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "columns-"));
});
afterEach(async () => {
  await emulator.close();
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 6, ...options });
}

const model = () =>
  ({
    provider: "openai",
    model: "gpt-test",
    baseUrl: emulator.url,
    apiKey: "k",
    settleMs: 50,
  }) as const;

const here = (): { runDir: string; pollEveryMs: number } => ({
  runDir: join(folder, "runs"),
  pollEveryMs: 5,
});

const frame = () =>
  pl.DataFrame({
    id: pl.Series("id", [1, 2, 3], pl.Int64),
    text: pl.Series("text", ["a", null, "c"], pl.String),
  });

const column = (df: pl.DataFrame, name: string): unknown[] => df.getColumn(name).toArray();

describe("a run of several columns", () => {
  it("lies where it was told to, with its steps and its cache", async () => {
    await start();
    const steps = [{ column: "a", template: "{{ text }}", model: model() }];
    const { run } = await enrichColumns(frame(), steps, { ...here(), name: "mine" }).report();
    expect(run).toBe("mine");
    expect(await readdir(join(folder, "runs"))).toEqual(
      expect.arrayContaining(["cache.sqlite", "mine"]),
    );
  });

  it("lets a later template read an earlier step's column, and adds all in order", async () => {
    await start();
    const run = enrichColumns(
      frame(),
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        {
          column: "kind",
          template: "Kind: {{ text }}",
          model: model(),
          output: { labels: ["x", "y"] },
        },
        { column: "last", template: "Two: {{ first }} {{ kind }}", model: model() },
      ],
      here(),
    );
    const result = (await run) as unknown as pl.DataFrame;
    expect(result.columns).toEqual([
      ...["id", "text"],
      ...["first", "first_status", "first_error"],
      ...["kind", "kind_status", "kind_error"],
      ...["last", "last_status", "last_error"],
    ]);
    const [first] = column(result, "first") as string[];
    const [kind] = column(result, "kind") as string[];
    expect(column(result, "last")[0]).toContain(`Two: ${first ?? "?"} ${kind ?? "?"}`);
    expect(column(result, "last_status")).toEqual(["ok", "skipped", "ok"]);
    const receipt = await run.report();
    expect(receipt.rows).toEqual({ total: 3, ok: 2, cached: 0, skipped: 1, failed: 0 });
    expect(Object.keys(receipt.steps ?? {})).toEqual(["first", "kind", "last"]);
    expect(receipt.requests).toBe(6);
  });

  it("asks nothing again when it is called again, and gives rows by column", async () => {
    await start();
    const steps = () =>
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        { column: "last", template: "Two: {{ first }}", model: model() },
      ] as const;
    await enrichColumns(frame(), steps(), here());
    const { rowsExecuted } = emulator.stats();
    const again = enrichColumns(frame(), steps(), here());
    const rows = await Array.fromAsync(again);
    expect(emulator.stats().rowsExecuted).toBe(rowsExecuted);
    expect(rows.map(({ status }) => status)).toEqual(["ok", "skipped", "ok"]);
    expect(rows[0]?.value).toEqual({
      first: expect.stringContaining("One: a") as unknown,
      last: expect.stringContaining("Two:") as unknown,
    });
  });

  it("keeps back the rows that failed a step from those that need it, and says so", async () => {
    await start({
      answer: ({ body }) => {
        const text = JSON.stringify(body["messages"]);
        return text.includes("One: a") ? { refusal: "No." } : { content: `said ${text}` };
      },
    });
    const run = enrichColumns(
      frame(),
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        { column: "last", template: "Two: {{ first }}", model: model() },
      ],
      here(),
    );
    const result = (await run) as unknown as pl.DataFrame;
    expect(column(result, "first_status")).toEqual(["failed", "skipped", "ok"]);
    expect(column(result, "last_status")).toEqual(["skipped", "skipped", "ok"]);
    expect(column(result, "last_error")).toEqual(["skipped", null, null]);
    expect((await run.report()).rows).toMatchObject({ ok: 1, skipped: 1, failed: 1 });
  });

  it("ends well when no row is left for a later step", async () => {
    await start({ faults: { refuseRows: 1 } });
    const result = (await enrichColumns(
      frame(),
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        { column: "last", template: "Two: {{ first }}", model: model() },
      ],
      here(),
    )) as unknown as pl.DataFrame;
    expect(column(result, "last_status")).toEqual(["skipped", "skipped", "skipped"]);
  });

  it("goes over a file, streaming, with one output", async () => {
    await start();
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, "id,text\n01,a\n02,b\n");
    const receipt = await enrichFileColumns(
      { input, output },
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        { column: "last", template: "{{ first | truncate: 3 }}", model: model() },
      ],
      here(),
    );
    expect(receipt.rows).toMatchObject({ total: 2, ok: 2 });
    const [header, row] = (await readFile(output, "utf8")).split("\n");
    expect(header).toBe("id,text,first,first_status,first_error,last,last_status,last_error");
    expect(row).toMatch(/^01,a,.*One: a.*,ok,,.*,ok,$/);
  });

  it("reads a file as it is told to", async () => {
    await start();
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, "01;a\n02;b;c\n");
    const reading = { header: false, onBadRow: "skip" } as const;
    const receipt = await enrichFileColumns(
      { input, output, reading },
      [{ column: "first", template: "One: {{ column_2 }}", model: model() }],
      here(),
    );
    expect(receipt.rows).toMatchObject({ total: 1, ok: 1 });
    expect(receipt.warnings?.join("\n")).toContain("left out: line 2.");
    expect(await readFile(output, "utf8")).toMatch(/^01;a;.*One: a.*;ok;\n$/);
  });

  it("refuses steps in the wrong order before anything is sent", async () => {
    await start();
    const run = enrichColumns(
      frame(),
      [
        { column: "last", template: "Two: {{ first }}", model: model() },
        { column: "first", template: "One: {{ text }}", model: model() },
      ],
      here(),
    );
    const failure = await run.then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(BatchframeError);
    expect(failure).toMatchObject({ code: "step_order" });
    expect(emulator.requests()).toHaveLength(0);
  });

  it("can be planned: the steps that need no others are counted", async () => {
    await start();
    const run = enrichColumns(
      frame(),
      [
        { column: "first", template: "One: {{ text }}", model: model() },
        { column: "last", template: "Two: {{ first }}", model: model() },
      ],
      here(),
    );
    const plan = await run.plan();
    expect(plan).toMatchObject({ rows: 3, requests: 2, skipped: { blank: 1 } });
    expect(plan.warnings).toEqual([
      expect.stringMatching(/for "last" depends .* nor their cost is in the plan/),
    ]);
    expect(emulator.stats().batchesCreated).toBe(0);
  });
});
