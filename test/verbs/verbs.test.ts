// The compiler checks this file as well: a line under @ts-expect-error that compiles is an error of its own.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as arrow from "apache-arrow";
import pl from "nodejs-polars";
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from "vitest";
import * as z from "zod";
import type { ColumnsOf } from "../../src/core/placeholders.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun } from "../../src/runs/runs.ts";
import { classify } from "../../src/verbs/classify.ts";
import { extract } from "../../src/verbs/extract.ts";
import { filter, filterTask } from "../../src/verbs/filter.ts";
import { score, scoreTask } from "../../src/verbs/score.ts";
import { summarize } from "../../src/verbs/summarize.ts";
import { fileTask } from "../../src/verbs/task.ts";
import { translate } from "../../src/verbs/translate.ts";
import { saying, stand } from "./support.ts";

type SchemaOf<R> =
  R extends EnrichRun<infer T, unknown>
    ? T extends { readonly schema: infer S }
      ? S
      : never
    : never;
type ValueOf<R> = R extends EnrichRun<unknown, infer V> ? V : never;

const frame = () =>
  pl.DataFrame({
    id: pl.Series("id", [1, 2, 3, 4], pl.Int64),
    text: pl.Series("text", ["late again", "thanks", null, "late again"], pl.String),
  });

describe("the verbs over a dataframe", () => {
  it("classify: one of the labels, or a list of them", async () => {
    const { emulator, model, quick } = await stand({
      answer: saying((text) => (text === "thanks" ? { label: "good" } : { label: "bad" })),
    });
    const run = classify(frame(), { ...quick, text: "text", labels: ["good", "bad"] }, model);
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<"good" | "bad">();
    expectTypeOf<SchemaOf<typeof run>["label"]>().toEqualTypeOf<"good" | "bad" | null>();
    const result = await run;
    expect(result.getColumn("label").toArray()).toEqual(["bad", "good", null, "bad"]);
    expect(emulator.stats().rowsExecuted).toBe(2);
    const many = classify(
      frame(),
      { ...quick, text: "text", labels: { good: "praise" }, multi: true, allowOther: true },
      model,
    );
    expectTypeOf<ValueOf<typeof many>>().toExtend<readonly string[]>();
    expect(await many.plan()).toMatchObject({ requests: 2 });
  });

  it("extract: a column for each field, checked by the user's own schema", async () => {
    const { model, quick } = await stand({
      answer: saying((text) => ({ words: text.split(" ").length, tone: "calm" })),
    });
    const schema = z.object({ words: z.int().max(9), tone: z.enum(["calm", "loud"]) });
    const run = extract(frame(), { ...quick, text: "text", schema, column: "x" }, model);
    expectTypeOf<ColumnsOf<SchemaOf<typeof run>>>().toEqualTypeOf<
      "id" | "text" | "x_words" | "x_tone" | "x_status" | "x_error"
    >();
    expectTypeOf<SchemaOf<typeof run>["x_tone"]>().toEqualTypeOf<"calm" | "loud" | null>();
    const result = await run;
    expect(result.getColumn("x_words").toArray()).toEqual([2, 1, null, 2]);
  });

  it("score: a number, whole where the range is", async () => {
    const { model, quick } = await stand({
      answer: saying((text) => ({ answer: text.length })),
    });
    const asked = { ...quick, text: "text", criterion: "how long it is" } as const;
    const run = score(frame(), { ...asked, range: [0, 20] }, model);
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<number>();
    expectTypeOf<SchemaOf<typeof run>["score"]>().toEqualTypeOf<number | null>();
    const result = await run;
    expect(result.getColumn("score").dtype).toEqual(pl.Int64);
    expect(result.getColumn("score").toArray()).toEqual([10, 6, null, 10]);
    const narrow = await score(frame(), { ...asked, range: [0, 7.5] }, model);
    expect(narrow.getColumn("score").dtype).toEqual(pl.Float64);
    expect(narrow.getColumn("score_error").toArray()).toEqual([
      "invalid_output",
      null,
      null,
      "invalid_output",
    ]);
  });

  it("translate and summarize: text", async () => {
    const { model, quick } = await stand({ answer: saying((text) => text.toUpperCase()) });
    const translated = translate(frame(), { ...quick, text: "text", to: "capitals" }, model);
    expectTypeOf<SchemaOf<typeof translated>["translation"]>().toEqualTypeOf<string | null>();
    const shouted = ["LATE AGAIN", "THANKS", null, "LATE AGAIN"];
    expect((await translated).getColumn("translation").toArray()).toEqual(shouted);
    const summed = summarize(frame(), { ...quick, text: "text", column: "s" }, model);
    expectTypeOf<SchemaOf<typeof summed>["s"]>().toEqualTypeOf<string | null>();
    expect((await summed).getColumn("s").toArray()).toEqual(shouted);
  });

  it("refuse a column that is not there, when compiled and when run, and options they have not", async () => {
    const { emulator, model, quick } = await stand();
    // @ts-expect-error the column is named text
    const misspelt = translate(frame(), { ...quick, text: "txt", to: "French" }, model);
    await expect(misspelt).rejects.toMatchObject({ code: "unknown_column" });
    const asked = { ...quick, text: "text", labels: ["a", "b"] } as const;
    // @ts-expect-error there is no such option
    const unknown = classify(frame(), { ...asked, mult: true }, model);
    expect(unknown.progress()).toBeNull();
    expect(emulator.requests()).toEqual([]);
  });
});

const ROWS = [
  '{"id":1,"text":"late one"}',
  '{"id":2,"text":"fine"}',
  '{"id":3,"text":null}',
  '{"id":4,"text":"late two"}',
  '{"id":5,"text":"nonsense"}',
];

/** Says true of what is late, and nothing that can be used of nonsense. */
const late = saying((text) =>
  text === "nonsense" ? "what?" : { answer: text.startsWith("late") },
);

describe("filter", () => {
  const mails = () =>
    pl.DataFrame({ text: pl.Series("text", ["late one", "fine", null, "late two", "nonsense"]) });

  it("adds booleans, and keeps every row unless told", async () => {
    const { model, quick } = await stand({ answer: late });
    const run = filter(mails(), { ...quick, text: "text", condition: "it is late" }, model);
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<boolean>();
    const result = await run;
    expect(result.getColumn("keep").dtype).toEqual(pl.Bool);
    expect(result.getColumn("keep").toArray()).toEqual([true, false, null, true, null]);
    expect((await run.report()).kept).toBeUndefined();
  });

  it("gives only the rows of which it holds, and those without an answer unless they are dropped", async () => {
    const { model, quick } = await stand({ answer: late });
    const asked = { ...quick, text: "text", condition: "it is late", keepRows: true } as const;
    const run = filter(mails(), asked, model);
    const kept = await run;
    expect(kept.getColumn("text").toArray()).toEqual(["late one", null, "late two", "nonsense"]);
    expect(kept.getColumn("keep_status").toArray()).toEqual(["ok", "skipped", "ok", "failed"]);
    const receipt = await run.report();
    expect(receipt.kept).toEqual({ rows: 4, unanswered: 2, leftOut: 1 });
    expect(receipt.rows).toMatchObject({ total: 5, ok: 3, skipped: 1, failed: 1 });
    const sure = await filter(mails(), { ...asked, failed: "drop" }, model);
    expect(sure.getColumn("text").toArray()).toEqual(["late one", "late two"]);
    expect(sure.schema.keep).toEqual(pl.Bool);
  });

  it("keeps no row where none is true, and the columns' types", async () => {
    const { model, quick } = await stand({ answer: saying(() => ({ answer: false })) });
    const asked = { ...quick, text: "text", condition: "it is late" } as const;
    const none = await filter(mails(), { ...asked, keepRows: true, failed: "drop" }, model);
    expect([none.height, none.schema.keep]).toEqual([0, pl.Bool]);
  });

  it.each([
    ["csv", "in.csv", 'id,text\n1,late one\r\n\n2,fine\n3,\n4,"late two"\n5,nonsense'],
    ["jsonl", "in.jsonl", `${ROWS.join("\n")}\n`],
    ["json", "in.json", `[\n  ${ROWS.join(",\n  ")}\n]\n`],
  ])("leaves rows out of a %s file, the rest as it stands", async (format, name, content) => {
    const { folder, model, quick } = await stand({ answer: late });
    const input = join(folder, name);
    await writeFile(input, content);
    const output = join(folder, `out.${format}`);
    const task = filterTask({ text: "text", condition: "late", keepRows: true });
    const receipt = await fileTask({ input, output }, task, model, quick);
    expect(receipt.kept).toEqual({ rows: 4, unanswered: 2, leftOut: 1 });
    const written = await readFile(output, "utf8");
    if (format === "csv")
      expect(written).toBe(
        "id,text,keep,keep_status,keep_error\n1,late one,true,ok,\r\n3,,,skipped,\n" +
          '4,"late two",true,ok,\n5,nonsense,,failed,invalid_output',
      );
    else {
      const lines = format === "json" ? (JSON.parse(written) as unknown[]) : jsonLines(written);
      expect(lines).toMatchObject([
        { id: 1, keep: true },
        { id: 3, keep: null, keep_status: "skipped" },
        { id: 4, text: "late two" },
        { id: 5, keep_error: "invalid_output" },
      ]);
    }
  });

  it.each(["csv", "json"])("leaves rows out of a file written anew as %s", async (format) => {
    const { folder, model, quick } = await stand({ answer: late });
    const input = join(folder, "in.jsonl");
    await writeFile(input, `${ROWS.join("\n")}\n`);
    const output = join(folder, `out.${format}`);
    const from = format === "csv" ? input : join(folder, "in.csv");
    if (format === "json") await writeFile(from, "id,text\n1,late one\n2,fine\n3,\n");
    const task = filterTask({ text: "text", condition: "late", keepRows: true, failed: "drop" });
    await fileTask({ input: from, output }, task, model, quick);
    const written = await readFile(output, "utf8");
    expect(written).toBe(
      format === "csv"
        ? "id,text,keep,keep_status,keep_error\n1,late one,true,ok,\n4,late two,true,ok,\n"
        : '[\n{"id":"1","text":"late one","keep":true,"keep_status":"ok","keep_error":null}\n]\n',
    );
  });

  it("writes an empty list where no row is left", async () => {
    const { folder, model, quick } = await stand({ answer: saying(() => ({ answer: false })) });
    const input = join(folder, "in.json");
    await writeFile(input, '[{"text":"a"}]');
    const output = join(folder, "out.json");
    const task = filterTask({ text: "text", condition: "late", keepRows: true });
    expect((await fileTask({ input, output }, task, model, quick)).kept?.rows).toBe(0);
    expect(JSON.parse(await readFile(output, "utf8"))).toEqual([]);
  });

  it("leaves out the same rows when it is gone on with by name", async () => {
    const { folder, model, quick } = await stand({ answer: late });
    vi.stubEnv("OPENAI_API_KEY", "test-key");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const files = { input: join(folder, "in.jsonl"), output: join(folder, "out.jsonl") };
    await writeFile(files.input, `${ROWS.join("\n")}\n`);
    const task = filterTask({ text: "text", condition: "late", keepRows: true, failed: "drop" });
    await fileTask(files, task, model, { ...quick, name: "r" });
    const written = await readFile(files.output, "utf8");
    expect(jsonLines(written)).toHaveLength(2);
    const receipt = await resumeRun(await findRun("r", quick.runDir), { pollEveryMs: 5 });
    expect(receipt.kept).toEqual({ rows: 2, unanswered: 0, leftOut: 3 });
    expect(await readFile(files.output, "utf8")).toBe(written);
  });

  it("takes votes, and not where rows are kept by them", async () => {
    const { emulator, model, quick } = await stand({ answer: late });
    const asked = { ...quick, text: "text", condition: "it is late", votes: 3 } as const;
    const voted = await filter(mails(), asked, model);
    expect(voted.getColumn("keep").toArray().slice(0, 4)).toEqual([true, false, null, true]);
    expect(voted.columns).toContain("keep_agreement");
    const sent = emulator.requests().length;
    const kept = filter(mails(), { ...asked, keepRows: true }, model);
    await expect(kept).rejects.toMatchObject({ code: "option_unsupported" });
    expect(emulator.requests()).toHaveLength(sent);
  });

  it.each(["parquet", "arrow", "arrows"])("leaves rows out of text written as %s", async (to) => {
    const { folder, model, quick } = await stand({ answer: late });
    const [input, output] = [join(folder, "in.jsonl"), join(folder, `out.${to}`)];
    await writeFile(input, `${ROWS.join("\n")}\n`);
    const task = filterTask({ text: "text", condition: "late", keepRows: true, failed: "drop" });
    const receipt = await fileTask({ input, output }, task, model, quick);
    expect(receipt.kept).toEqual({ rows: 2, unanswered: 0, leftOut: 3 });
    const bytes = await readFile(output);
    const read =
      to === "parquet"
        ? pl.readParquet(bytes)
        : to === "arrow"
          ? pl.readIPC(bytes)
          : pl.readIPCStream(bytes);
    expect(read.select("id", "text", "keep").rows()).toEqual([
      [1, "late one", true],
      [4, "late two", true],
    ]);
  });

  it.each(["parquet", "arrow"])("leaves rows out of %s that stays it", async (to) => {
    const { folder, model, quick } = await stand({ answer: late });
    const [input, output] = [join(folder, `in.${to}`), join(folder, `out.${to}`)];
    const df = pl.DataFrame({ text: ["late one", "no", "late two"], n: [1.5, 2.5, null] });
    if (to === "parquet") df.writeParquet(input);
    else df.writeIPC(input);
    const task = filterTask({ text: "text", condition: "late", keepRows: true });
    const receipt = await fileTask({ input, output }, task, model, quick);
    expect(receipt.kept).toEqual({ rows: 2, unanswered: 0, leftOut: 1 });
    const bytes = await readFile(output);
    const read = to === "parquet" ? pl.readParquet(bytes) : pl.readIPC(bytes);
    expect(read.select("text", "n", "keep").rows()).toEqual([
      ["late one", 1.5, true],
      ["late two", null, true],
    ]);
  });

  it("refuses to leave rows out where a column cannot be written again, before anything is sent", async () => {
    const { emulator, folder, model, quick } = await stand({ answer: late });
    const input = join(folder, "in.arrow");
    const text = arrow.vectorFromArray(["late one"], new arrow.Utf8());
    const numbers = arrow.vectorFromArray([1], new arrow.Int32()).data[0];
    const type = new arrow.SparseUnion([0], [new arrow.Field("n", new arrow.Int32(), true)]);
    const either = arrow.makeData({
      ...{ type, length: 1, nullCount: 0, typeIds: Int8Array.of(0), children: [numbers] },
    } as never);
    const table = new arrow.Table({ text, either: new arrow.Vector([either]) });
    await writeFile(input, arrow.tableToIPC(table, "file"));
    const task = filterTask({ text: "text", condition: "late", keepRows: true });
    const files = { input, output: join(folder, "out.arrow") };
    await expect(fileTask(files, task, model, quick)).rejects.toMatchObject({
      code: "output_format",
      message: expect.stringContaining('"either"') as unknown,
    });
    expect(emulator.requests()).toEqual([]);
  });
});

it("any task goes over a file, under the options of a run", async () => {
  const { folder, model, quick } = await stand({
    answer: saying((text) => ({ answer: text.length })),
  });
  const input = join(folder, "in.csv");
  await writeFile(input, "text\nfour\nseven77\n");
  const output = join(folder, "out.csv");
  const task = scoreTask({ text: "text", criterion: "length" });
  const run = fileTask({ input, output }, task, model, { ...quick, column: "n", limit: 1 });
  expect((await run).rows).toMatchObject({ ok: 1, skipped: 1 });
  expect(await readFile(output, "utf8")).toBe(
    "text,n,n_status,n_error\nfour,4,ok,\nseven77,,skipped,\n",
  );
});

function jsonLines(text: string): unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}
