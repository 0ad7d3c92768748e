/** Columns that the rows have already, under names that new ones would have. */

import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromArrays, type Table } from "apache-arrow";
import fc from "./property.ts";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Receipt } from "../src/core/receipt.ts";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichColumn, enrichFile, type EnrichOptions } from "../src/enrich.ts";
import { enrichColumns } from "../src/enrich-columns.ts";
import { enrichRows } from "../src/enrich-rows.ts";
import { openFile, writeFileFrame } from "../src/files/files.ts";
import type { OutputOption } from "../src/output/form.ts";
import { resumeRun } from "../src/resume-run.ts";
import { findRun } from "../src/runs/runs.ts";
import { allTexts, blocksOfCells, failureOf } from "./frame/support.ts";

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
    expect(error.hint).toContain('existing: "skip" or "overwrite"');
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

describe("kept where they are filled", () => {
  const KEEP = { column: "said", existing: "skip" } as const;
  const path = (name: string): string => join(folder, name);

  async function enriched(
    name: string,
    content: string,
    options: EnrichOptions<string, OutputOption> = {},
  ): Promise<{ text: string; receipt: Receipt; sent: number }> {
    await writeFile(path(name), content);
    const before = sent();
    const files = { input: path(name), output: path(`out-${name}`) };
    const receipt = await enrichFile(files, "{{ text }}", model(), here({ ...KEEP, ...options }));
    return { text: await readFile(files.output, "utf8"), receipt, sent: sent() - before };
  }

  const CSV = [
    "text,said,n,said_status,said_error",
    'a,"Mine",1.0,ok,', // filled
    "b,,2.0,skipped,", // empty
    "c,wrong,3.0,failed,refused", // failed
    'd,"",4.0,ok,', // emptied by hand
    "e,=SUM(1),5.0,,", // filled by hand, with no status
    ",,6.0,skipped,", // nothing to ask
  ];

  it("in CSV byte for byte, and only rows without an answer are asked", async () => {
    const first = await enriched("in.csv", `${CSV.join("\n")}\n`);
    expect(first.text.split("\n")).toEqual([
      "text,n,said,said_status,said_error",
      'a,1.0,"Mine",ok,',
      "b,2.0,B,ok,",
      "c,3.0,C,ok,",
      "d,4.0,D,ok,",
      "e,5.0,=SUM(1),,",
      ",6.0,,skipped,",
      "",
    ]);
    expect(first.sent).toBe(3);
    expect(first.receipt).toMatchObject({
      rows: { total: 6, ok: 3, cached: 0, skipped: 3, failed: 0 },
      skippedBy: { kept: 2, blank: 1 },
    });
    const second = await enriched("in.csv", first.text);
    expect([second.text, second.sent]).toEqual([first.text, 0]);
    expect(second.receipt).toMatchObject({ requests: 0, skippedBy: { kept: 5, blank: 1 } });
  });

  it("in CSV byte for byte where others are overwritten, in the rows that are not chosen", async () => {
    const some = { existing: "overwrite", where: "text = 'a' or text = 'c'" } as const;
    const written = await enriched("in.csv", `${CSV.join("\n")}\n`, some);
    expect(written.text.split("\n")).toEqual([
      "text,n,said,said_status,said_error",
      "a,1.0,A,ok,",
      "b,2.0,,skipped,",
      "c,3.0,C,ok,",
      'd,4.0,"",ok,',
      "e,5.0,=SUM(1),,",
      ",6.0,,skipped,",
      "",
    ]);
    expect(written.sent).toBe(2);
    expect(written.receipt).toMatchObject({ rows: { ok: 2, skipped: 4 }, skippedBy: { where: 4 } });
    // All of them, where none are chosen.
    const whole = await enriched("in.csv", written.text, { existing: "overwrite" });
    expect(whole.text.split("\n").slice(1, 6)).toEqual([
      "a,1.0,A,cached,",
      "b,2.0,B,ok,",
      "c,3.0,C,cached,",
      "d,4.0,D,ok,",
      "e,5.0,E,ok,",
    ]);
  });

  it.each([{ limit: 2 }, { sample: { rows: 2, seed: 1 } }])(
    "in the rows that %o leaves out, where others are overwritten",
    async (choice) => {
      const rows = pl.DataFrame({ text: ["a", "b", "c", "d"], said: ["w", "x", "y", "z"] });
      const options = { ...here(KEEP), existing: "overwrite", ...choice } as const;
      const said = recordsOf(await enrichColumn(rows, "{{ text }}", model(), options));
      const texts = said.map((row) => (row as { readonly said: string }).said);
      expect(texts.filter((text, at) => text === ["A", "B", "C", "D"][at])).toHaveLength(2);
      expect(texts.filter((text, at) => text === ["w", "x", "y", "z"][at])).toHaveLength(2);
      if ("limit" in choice) expect(texts).toEqual(["A", "B", "y", "z"]);
      const votes = { ...options, output: { labels: ["A", "B"] }, votes: 3 } as const;
      const error = await failureOf(
        async () => await enrichColumn(rows, "{{ text }}", model(), votes),
      );
      expect([error.code, sent()]).toEqual(["option_unsupported", 2]);
    },
  );

  it("not where a column of another type is overwritten in some rows, which is told before anything is sent", async () => {
    const rows = pl.DataFrame({ text: ["a", "b"], said: ["0.5", "n/a"] });
    const options = {
      ...here(KEEP),
      existing: "overwrite",
      output: "score: float",
      flatten: 0,
    } as const;
    const error = await failureOf(
      async () => await enrichColumn(rows, "{{ text }}", model(), { ...options, limit: 1 }),
    );
    expect(error).toMatchObject({ name: "InputError", code: "column_type" });
    expect(error.hint).toContain("--where, --limit and --sample");
    expect(sent()).toBe(0);
  });

  it("in JSON character for character", async () => {
    const first = await enriched(
      "in.jsonl",
      '{"text":"a","said":"\\u004dine","n":1.0,"said_status":"ok","said_error":null}\n{"text":"b","said":null}\n{"text":"c"}\n',
    );
    expect(first.text).toBe(
      '{"text":"a","n":1.0,"said":"\\u004dine","said_status":"ok","said_error":null}\n' +
        '{"text":"b","said":"B","said_status":"ok","said_error":null}\n' +
        '{"text":"c","said":"C","said_status":"ok","said_error":null}\n',
    );
    const second = await enriched("in.jsonl", first.text);
    expect([second.text, second.sent, first.sent]).toEqual([first.text, 0, 2]);
  });

  it("again and again, whatever was filled, changes nothing more and asks nothing more", async () => {
    const cell = fc.constantFrom("", '""', "x", '"x,""y"""', "=1", "'=1", " ", "ü");
    const status = fc.constantFrom("", "ok", "cached", "skipped", "failed");
    const row = fc.record({ text: fc.constantFrom("p", "q", ""), cell, status, error: cell });
    // A run that has no row to ask, and none to keep, is refused.
    const some = { text: "p", cell: "x", status: "ok", error: "" };
    const rows = fc.array(row, { maxLength: 8 }).map((all) => [some, ...all]);
    await fc.assert(
      fc.asyncProperty(rows, fc.integer({ min: 1, max: 4 }), async (all, limit) => {
        const lines = all.map(({ text, cell, status, error }) =>
          [text, cell, status, error].join(","),
        );
        const content = `text,said,said_status,said_error\n${lines.join("\n")}\n`;
        const limited = await enriched("any.csv", content, { limit });
        const isOpen = all.map((one) => /^("")?$/.test(one.cell) || one.status === "failed");
        const isKept = all.map((one) => one.status !== "" || !/^("")?$/.test(one.cell));
        // Those that are blank count as well, as they do under any limit.
        const first = all.flatMap((_, at) => (isOpen[at] === true ? [at] : [])).slice(0, limit);
        const asked = first.filter((at) => all[at]?.text !== "");
        for (const [at, line] of limited.text.split("\n").slice(1, -1).entries()) {
          const was = lines[at] ?? "";
          if (asked.includes(at)) expect(line).toMatch(/^(p,P|q,Q),(ok|cached),("")?$/);
          else if (isKept[at] === true) expect(line).toBe(was);
          else expect(line).toContain(",skipped,");
        }
        const second = await enriched("any.csv", limited.text);
        const third = await enriched("any.csv", second.text);
        expect([third.text, third.sent]).toEqual([second.text, 0]);
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it.each(["csv", "jsonl", "json", "parquet", "arrow"])(
    "when %s becomes any other",
    async (from) => {
      const csv = path("source.csv");
      await writeFile(csv, "text,said,said_status,n\na,kept,ok,1.5\nb,,,2.5\nc,wrong,failed,3.5\n");
      const input = path(`source.${from}`);
      if (from !== "csv")
        await writeFileFrame({
          ...{ input: await openFile(csv), output: input, columns: [] },
          cells: blocksOfCells([]),
        });
      for (const to of ["csv", "jsonl", "parquet", "arrow"]) {
        const out = path(`made-${from}.${to}`);
        const receipt = await enrichFile({ input, output: out }, "{{ text }}", model(), here(KEEP));
        expect(receipt.skippedBy).toEqual({ kept: 1 });
        const made = await openFile(out);
        const texts = await allTexts(made, { columns: ["said", "said_error", "n"] });
        expect(texts.map(([said]) => said)).toEqual(["kept", "B", "C"]);
        const statuses = (await allTexts(made, { columns: ["said_status"] })).flat();
        expect(statuses).toEqual([
          "ok",
          expect.stringMatching(/ok|cached/),
          expect.stringMatching(/ok|cached/),
        ]);
      }
      expect(sent()).toBe(2);
    },
  );

  it("with a limit the first rows without an answer are asked, and with a condition those that meet it", async () => {
    const rows = pl.DataFrame({ text: ["a", "b", "c", "d"], said: ["x", null, "", null] });
    const two = await enrichColumn(rows, "{{ text }}", model(), here({ ...KEEP, limit: 2 }));
    expect(recordsOf(two)).toMatchObject([
      { said: "x", said_status: "skipped" },
      { said: "B", said_status: "ok" },
      { said: "C", said_status: "ok" },
      { said: null, said_status: "skipped" },
    ]);
    const options = here({ ...KEEP, where: "text = 'd'" });
    const last = await enrichColumn(rows, "{{ text }}", model(), options);
    expect(recordsOf(last)).toMatchObject([
      { said: "x" },
      { said: null },
      { said: "" },
      { said: "D" },
    ]);
    const next = await enrichColumn(
      two as unknown as pl.DataFrame,
      "{{ text }}",
      model(),
      here(KEEP),
    );
    expect([recordsOf(next)[3], sent()]).toMatchObject([{ said: "D", said_status: "cached" }, 3]);
  });

  it("also when somebody has changed one since", async () => {
    const rows = pl.DataFrame({ text: ["a", "b"], said: pl.Series("said", [null, null], pl.Utf8) });
    const first = (await enrichColumn(rows, "{{ text }}", model(), here(KEEP))) as unknown;
    const edited = (first as pl.DataFrame).withColumns(pl.Series("said", ["by hand", "B"]));
    const second = await enrichColumn(edited, "{{ text }}", model(), here(KEEP));
    expect(recordsOf(second)).toMatchObject([
      { said: "by hand", said_status: "ok" },
      { said: "B", said_status: "ok" },
    ]);
    expect(sent()).toBe(2);
  });

  it("of several fields where any is filled, with the types of the answer", async () => {
    const rows = [
      { text: "a", said_mood: "good", said_score: 0.5, said_status: "ok" },
      { text: "b", said_mood: null, said_score: 2, said_status: null },
      { text: "c", said_mood: null, said_score: null, said_status: null },
    ];
    const run = enrichRows(rows, "{{ text }}", model(), {
      ...here(KEEP),
      output: "mood: str, score: float",
      runDir: join(folder, "runs"),
    });
    const plan = await run.plan();
    expect([plan.requests, plan.skipped.kept]).toEqual([1, 2]);
  });

  it.each([
    ["text", { said: [1, 2] }, {}, "Row 1 of dataframe has 1"],
    ["float", { said: ["0.5", "n/a"] }, { output: "score: float", flatten: 0 }, "has"],
  ])(
    "but not where they cannot be %s, which is told before anything is sent",
    async (_, columns, options, told) => {
      const rows = pl.DataFrame({ text: ["a", "b"], ...columns });
      const error = await failureOf(
        async () => await enrichColumn(rows, "{{ text }}", model(), here({ ...KEEP, ...options })),
      );
      expect(error).toMatchObject({ name: "InputError", code: "column_type" });
      expect(error.message).toContain(told);
      expect(error.message).toContain("Nothing was sent.");
      expect(sent()).toBe(0);
    },
  );

  it("in several columns each by itself, and later ones read what is kept", async () => {
    const rows = pl.DataFrame({
      text: ["p", "q"],
      a: ["mine", null],
      b: pl.Series("b", [null, "yours"], pl.Utf8),
    });
    const steps = [
      { column: "a", template: "{{ text }}", model: model() },
      { column: "b", template: "<{{ a }}>", model: model() },
    ] as const;
    const run = enrichColumns(rows, steps, here({ existing: "skip" }));
    expect(recordsOf(await run)).toMatchObject([
      { a: "mine", a_status: "skipped", b: "<MINE>", b_status: "ok" },
      { a: "Q", a_status: "ok", b: "yours", b_status: "skipped" },
    ]);
    expect((await run.report()).steps).toMatchObject({
      a: { skippedBy: { kept: 1 } },
      b: { skippedBy: { kept: 1 } },
    });
    expect(sent()).toBe(2);
  });

  it("by a second model and in long texts too; votes are refused", async () => {
    const rows = pl.DataFrame({ text: ["yes", "no"], said: ["OLD", null] });
    const output = { labels: ["YES", "NO"] } as const;
    const other = { ...model(), model: "gpt-other" };
    const options = { ...here(KEEP), output, fallbackModel: other };
    const run = enrichColumn(rows, "{{ text }}", model(), options);
    expect(recordsOf(await run)).toMatchObject([
      { said: "OLD", said_status: "skipped" },
      { said: "NO", said_status: "ok" },
    ]);
    expect(await run.report()).toMatchObject({
      rows: { ok: 1, skipped: 1 },
      skippedBy: { kept: 1 },
    });
    const long = { ...here(KEEP), maxChars: 100, onLong: "chunk" } as const;
    const pieces = await enrichColumn(rows, "{{ text }}", model(), long);
    expect(recordsOf(pieces)).toMatchObject([{ said: "OLD" }, { said: "NO", said_pieces: 1 }]);
    const error = await failureOf(
      async () =>
        await enrichColumn(rows, "{{ text }}", model(), { ...here(KEEP), output, votes: 3 }),
    );
    expect(error.code).toBe("option_unsupported");
  });

  it("in its own place, again and again", async () => {
    const file = path("own.csv");
    await writeFile(file, "text,said\na,\nb,mine\nc,\n");
    const files = { input: file, output: file, inPlace: true };
    const contents: string[] = [];
    for (const limit of [1, 1, 1]) {
      await enrichFile(files, "{{ text }}", model(), here({ ...KEEP, limit }));
      contents.push(await readFile(file, "utf8"));
    }
    expect(contents).toEqual([
      "text,said,said_status,said_error\na,A,ok,\nb,mine,skipped,\nc,,skipped,\n",
      "text,said,said_status,said_error\na,A,ok,\nb,mine,skipped,\nc,C,ok,\n",
      contents[1],
    ]);
    expect(sent()).toBe(2);
  });
});
