/** Columns that the rows have already, under names that new ones would have. */

import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromArrays, type Table } from "apache-arrow";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichColumn, enrichFile, type EnrichOptions } from "../src/enrich.ts";
import { enrichColumns } from "../src/enrich-columns.ts";
import { enrichRows } from "../src/enrich-rows.ts";
import type { OutputOption } from "../src/output/form.ts";
import { resumeRun } from "../src/resume-run.ts";
import { findRun } from "../src/runs/runs.ts";
import { failureOf } from "./frame/support.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "existing-"));
  // Says what it was asked, in capitals.
  emulator = await startEmulator({
    seed: 4,
    answer: ({ body }) => {
      const messages = body["messages"] as { readonly content: string }[];
      const asked = (messages.at(-1)?.content ?? "").toUpperCase();
      return { content: "response_format" in body ? JSON.stringify({ label: asked }) : asked };
    },
  });
});
afterEach(async () => {
  await emulator.close();
});

const model = () =>
  ({
    provider: "openai",
    model: "gpt-test",
    baseUrl: emulator.url,
    apiKey: "k",
    settleMs: 50,
  }) as const;

const here = <Options extends EnrichOptions<string, OutputOption>>(options: Options) =>
  ({ runDir: join(folder, "runs"), pollEveryMs: 5, ...options }) as const;

const sent = (): number => emulator.stats().rowsExecuted + emulator.stats().liveCalls;

/** The rows of an Arrow table as objects. */
const rowsOf = (table: Table): unknown[] =>
  JSON.parse(JSON.stringify(table.toArray())) as unknown[];

const recordsOf = (df: unknown): unknown[] => (df as pl.DataFrame).toRecords();

describe("without a word on them", () => {
  it("the run is refused, and both ways out are named", async () => {
    const rows = pl.DataFrame({ text: ["a"], said_error: ["x"] });
    const error = await failureOf(
      async () => await enrichColumn(rows, "{{ text }}", model(), here({ column: "said" })),
    );
    expect(error).toMatchObject({ name: "InputError", code: "column_exists" });
    expect(error.message).toBe(
      'dataframe already has a column named "said_error". Nothing was sent.',
    );
    expect(error.hint).toContain("--overwrite");
    expect(error.hint).toContain('existing: "overwrite"');
    expect(sent()).toBe(0);
  });

  it("a word that is none is refused", async () => {
    const rows = pl.DataFrame({ text: ["a"] });
    const options = here({ existing: "replace" as "overwrite" });
    const error = await failureOf(
      async () => await enrichColumn(rows, "{{ text }}", model(), options),
    );
    expect(error.code).toBe("option_invalid");
    expect(sent()).toBe(0);
  });
});

describe("overwritten", () => {
  const OVER = { column: "said", existing: "overwrite" } as const;

  it("they are read by the template as they were, and the new ones stand after all others", async () => {
    const rows = pl.DataFrame({ said: ["old", "older"], n: [1.5, 2.5], said_status: ["x", "y"] });
    const run = enrichColumn(rows, "{{ said }} {{ said_status }}", model(), here(OVER));
    const made = await run;
    expect(recordsOf(made)).toEqual([
      { n: 1.5, said: "OLD X", said_status: "ok", said_error: null },
      { n: 2.5, said: "OLDER Y", said_status: "ok", said_error: null },
    ]);
    const again = await enrichColumn(rows, "{{ said }} {{ said_status }}", model(), here(OVER));
    expect([recordsOf(again), sent()]).toEqual([recordsOf(made), 2]);
  });

  it("they are the only ones there are", async () => {
    const rows = pl.DataFrame({ said: ["a", "b"] });
    const made = await enrichColumn(rows, "{{ said }}", model(), here(OVER));
    expect(recordsOf(made)).toMatchObject([{ said: "A" }, { said: "B" }]);
  });

  it("in objects, tables and lazy frames alike", async () => {
    const ask = { ...here(OVER), runDir: null };
    const records = await enrichRows([{ said: "a", n: 1 }], "{{ said }}", model(), ask);
    expect(records).toEqual([{ n: 1, said: "A", said_status: "ok", said_error: null }]);
    const table = tableFromArrays({ said: ["a"], n: [1] });
    const wide = await enrichRows(table, "{{ said }}", model(), ask);
    expect(rowsOf(wide)).toEqual(records);
    const batches = async function* () {
      yield* await Promise.resolve(table.batches);
    };
    const gathered = await enrichRows(batches(), "{{ said }}", model(), ask);
    expect(rowsOf(gathered)).toEqual(records);
    const lazy = pl.DataFrame({ said: ["a"], n: [1] }).lazy();
    expect(recordsOf(await enrichRows(lazy, "{{ said }}", model(), ask))).toEqual(records);
  });

  it.each([
    ["in.csv", "said,n\nold,1.0\n", "n,said,said_status,said_error\n1.0,OLD,ok,\n"],
    [
      "in.jsonl",
      '{"said":"old","n":1.0}\n',
      '{"n":1.0,"said":"OLD","said_status":"ok","said_error":null}\n',
    ],
  ])("in %s, also in its own place and gone on with by name", async (name, content, expected) => {
    const path = join(folder, name);
    await writeFile(path, content);
    const output = join(folder, `out-${name}`);
    const run = enrichFile({ input: path, output }, "{{ said }}", model(), here(OVER));
    await run;
    expect(await readFile(output, "utf8")).toBe(expected);
    await writeFile(output, "");
    const { run: id } = await run.report();
    await resumeRun(await findRun(id, join(folder, "runs")), { apiKey: "k" });
    expect(await readFile(output, "utf8")).toBe(expected);
    const inPlace = { input: path, output: path, inPlace: true };
    await enrichFile(inPlace, "{{ said }}", model(), here(OVER));
    expect([await readFile(path, "utf8"), sent()]).toEqual([expected, 1]);
  });

  it("an earlier step's column is read as that step makes it, its own and later ones as they were", async () => {
    const rows = pl.DataFrame({ a: ["one"], b: ["two"] });
    const steps = [
      { column: "a", template: "{{ a }} {{ b }}", model: model() },
      { column: "b", template: "{{ a }}/{{ b }}", model: model() },
    ] as const;
    const options = here({ existing: "overwrite" });
    const made = await enrichColumns(rows, steps, options);
    expect(recordsOf(made)).toEqual([
      {
        ...{ a: "ONE TWO", a_status: "ok", a_error: null },
        ...{ b: "ONE TWO/TWO", b_status: "ok", b_error: null },
      },
    ]);
    const again = await enrichColumns(
      made as unknown as pl.DataFrame,
      [{ column: "b", template: "{{ a_status }}", model: model() }],
      options,
    );
    expect(recordsOf(again)).toMatchObject([{ a: "ONE TWO", b: "OK" }]);
  });

  it("by votes, by a second model, and in a preview", async () => {
    const rows = pl.DataFrame({ said: ["yes"], said_agreement: ["old"] });
    const output = { labels: ["YES", "NO"] } as const;
    const voted = await enrichColumn(rows, "{{ said }}", model(), {
      ...here(OVER),
      ...{ output, votes: 3 },
    });
    expect(recordsOf(voted)).toMatchObject([{ said: "YES", said_agreement: 1 }]);
    const run = enrichColumn(rows, "{{ said }}", model(), {
      ...here(OVER),
      ...{ output, fallbackModel: { ...model(), model: "gpt-other" } },
    });
    const { frame } = await run.preview(1);
    expect(recordsOf(frame)).toMatchObject([{ said: "YES", said_agreement: "old" }]);
    expect(recordsOf(await run)).toMatchObject([{ said: "YES", said_agreement: "old" }]);
  });
});
