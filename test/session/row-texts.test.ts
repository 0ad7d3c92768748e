import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pl from "nodejs-polars";
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from "vitest";
import * as z from "zod";
import { enrichColumn, enrichFile } from "../../src/enrich.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import { reparseRun } from "../../src/reparse.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun } from "../../src/runs/runs.ts";
import { extract } from "../../src/verbs/extract.ts";
import { saying, stand } from "../verbs/support.ts";

type SchemaOf<R> =
  R extends EnrichRun<infer T, unknown>
    ? T extends { readonly schema: infer S }
      ? S
      : never
    : never;

const frame = (...texts: readonly (string | null)[]) =>
  pl.DataFrame({ text: pl.Series("text", [...texts], pl.String) });
const SCHEMA = "days: int, tone?: str";
const columnOf = (result: { getColumn(name: string): { toArray(): unknown[] } }, name: string) =>
  result.getColumn(name).toArray();

describe("quotes", () => {
  it("are spans of the row's own text, with its own white space; others are left out and counted", async () => {
    const { model, quick } = await stand({
      answer: saying((text) => ({
        answer: { days: 2, tone: "cross" },
        quotes: { days: "after two days", tone: text.includes("!") ? "died!" : "so calm" },
      })),
    });
    const texts = [
      "It died after\n two  days.",
      "Dead after two days: it died!",
      "Hello.",
    ] as const;
    const run = extract(
      frame(...texts, null),
      { ...quick, text: "text", schema: SCHEMA, quotes: true },
      model,
    );
    expectTypeOf<SchemaOf<typeof run>["extracted_days_quote"]>().toEqualTypeOf<string | null>();
    expectTypeOf<SchemaOf<typeof run>["extracted_tone_quote"]>().toEqualTypeOf<string | null>();
    const result = await run;
    expect(result.columns.slice(1)).toEqual([
      ...["extracted_days", "extracted_tone", "extracted_days_quote", "extracted_tone_quote"],
      ...["extracted_status", "extracted_error"],
    ]);
    expect(columnOf(result, "extracted_days")).toEqual([2, 2, 2, null]);
    expect(columnOf(result, "extracted_days_quote")).toEqual([
      ...["after\n two  days", "after two days", null, null],
    ]);
    expect(columnOf(result, "extracted_tone_quote")).toEqual([null, "died!", null, null]);
    expect((await run.report()).warnings).toEqual([
      "3 quotes do not occur in the row's text and are left out.",
    ]);
  });

  it("are asked for beside the answer, and the user's own check sees the answer alone", async () => {
    const asked: unknown[] = [];
    const { model, quick } = await stand({
      answer: ({ body }) => {
        asked.push(body);
        return { content: JSON.stringify({ answer: { n: 3 }, quotes: { n: " " } }) };
      },
    });
    const seen = vi.fn();
    const schema = z.strictObject({ n: z.int() }).refine((value) => {
      seen(value);
      return true;
    });
    const options = { ...quick, output: schema, quotes: true } as const;
    const run = enrichColumn(frame("three"), "{{ text }}", model, options);
    const result = await run;
    expect(columnOf(result, "enriched_n")).toEqual([3]);
    expect(columnOf(result, "enriched_n_quote")).toEqual([null]);
    // A quote of nothing but blanks is none, and none that is missing.
    expect((await run.report()).warnings).toBeUndefined();
    expect(seen).toHaveBeenCalledWith({ n: 3 });
    expect(seen.mock.calls.every(([value]) => JSON.stringify(value) === '{"n":3}')).toBe(true);
    const wire = {
      required: ["answer", "quotes"],
      additionalProperties: false,
      properties: {
        answer: { properties: { n: { type: "integer" } } },
        quotes: { properties: { n: { type: ["string", "null"] } }, required: ["n"] },
      },
    };
    expect(asked).toMatchObject([{ response_format: { json_schema: { schema: wire } } }]);
  });

  it("fail a row whose reply has no answer beside them, and need an object with fields", async () => {
    const { emulator, model, quick } = await stand({ answer: saying(() => ({ n: 3 })) });
    const ask = (output: Parameters<typeof extract>[1]["schema"]) =>
      enrichColumn(frame("three"), "{{ text }}", model, { ...quick, output, quotes: true });
    expect(columnOf(await ask("n: int"), "enriched_error")).toEqual(["invalid_output"]);
    const sent = emulator.requests().length;
    for (const output of [undefined, { labels: ["a", "b"] }, { jsonSchema: { type: "number" } }])
      await expect(ask(output as unknown as "n: int")).rejects.toMatchObject({
        code: "option_invalid",
      });
    expect(emulator.requests()).toHaveLength(sent);
  });

  it("are told again by a run that is read with another schema", async () => {
    const { folder, model, quick } = await stand({
      answer: saying(() => ({ answer: { days: 2 }, quotes: { days: "two days" } })),
    });
    vi.stubEnv("OPENAI_API_KEY", "test-key");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
    await writeFile(files.input, "text\nDead after two days.\n");
    const options = { ...quick, name: "r", output: "days: int", quotes: true } as const;
    await enrichFile(files, "{{ text }}", model, options);
    const written = await readFile(files.output, "utf8");
    expect(written).toBe(
      "text,enriched_days,enriched_days_quote,enriched_status,enriched_error\n" +
        "Dead after two days.,2,two days,ok,\n",
    );
    const run = await findRun("r", quick.runDir);
    await resumeRun(run, { pollEveryMs: 5 });
    expect(await readFile(files.output, "utf8")).toBe(written);
    await reparseRun(run, { schema: "days: float" });
    expect(await readFile(files.output, "utf8")).toBe(written);
    const refused = await reparseRun(run, { schema: "days: str" });
    expect(refused.failedBy).toEqual({ invalid_output: 1 });
  });

  it("make another request than the same schema without them", async () => {
    const { model, quick } = await stand();
    const hash = async (quotes: boolean) => {
      const options = { ...quick, output: "n: int", quotes, meta: ["prompt_hash"] } as const;
      const run = enrichColumn(frame("three"), "{{ text }}", model, options);
      return columnOf(await run, "enriched_prompt_hash")[0];
    };
    expect(await hash(true)).not.toBe(await hash(false));
  });

  it("must stand in examples as the model is to give them", async () => {
    const { model, quick } = await stand();
    const ask = (output: object) =>
      enrichColumn(frame("three"), "{{ text }}", model, {
        ...quick,
        output: "n: int",
        quotes: true,
        examples: [{ input: "one", output: output as never }],
      }).plan();
    await expect(ask({ n: 1 })).rejects.toMatchObject({ code: "example_invalid" });
    expect(await ask({ answer: { n: 1 }, quotes: { n: "one" } })).toMatchObject({ requests: 1 });
  });
});

describe("long texts", () => {
  const echo = saying((text) => text);
  const texts = ["one two three four", "one two", null, "one two three five", "one two three"];

  it("fail their rows unsent unless they may be cut", async () => {
    const { emulator, model, quick } = await stand({ answer: echo });
    const options = { ...quick, maxChars: 13 };
    const run = enrichColumn(frame(...texts), "{{ text }}", model, options);
    expect(await run.plan()).toMatchObject({ requests: 2, rejected: { too_long: 2 } });
    const result = await run;
    expect(columnOf(result, "enriched_error")).toEqual(["too_long", null, null, "too_long", null]);
    expect(result.columns).not.toContain("enriched_truncated");
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("are cut where a word ends, and the plan, the rows and the receipt say so", async () => {
    const { emulator, model, quick } = await stand({ answer: echo });
    const options = { ...quick, maxChars: 13, onLong: "truncate" } as const;
    const run = enrichColumn(frame(...texts), "{{ text }}", model, options);
    expectTypeOf<SchemaOf<typeof run>["enriched_truncated"]>().toEqualTypeOf<boolean | null>();
    const said = "2 rows have a text longer than 13 characters; only the beginning is sent.";
    expect(await run.plan()).toMatchObject({ requests: 2, cutRows: 2, warnings: [said] });
    const result = await run;
    expect(columnOf(result, "enriched")).toEqual([
      ...["one two three", "one two", null, "one two three", "one two three"],
    ]);
    // The last row says by itself what the others say once they are cut: one request, and nothing cut in it.
    expect(columnOf(result, "enriched_truncated")).toEqual([true, false, null, true, false]);
    expect(result.schema.enriched_truncated).toEqual(pl.Bool);
    expect((await run.report()).warnings).toEqual([said]);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("are measured once the template has cut them itself", async () => {
    const { model, quick } = await stand({ answer: echo });
    const ask = (template: string) =>
      enrichColumn(frame(...texts), template, model, { ...quick, maxChars: 7 }).plan();
    expect((await ask("{{ text | truncate: 7 }}")).rejected).toEqual({});
    expect((await ask("{{ text | json }}")).rejected).toEqual({ too_long: 3 });
  });

  it("keep a quote to what the model was shown", async () => {
    const { model, quick } = await stand({
      answer: saying(() => ({ answer: { n: 1 }, quotes: { n: "three" } })),
    });
    const options = { ...quick, text: "text", schema: "n: int", quotes: true } as const;
    const cut = { ...options, maxChars: 8, onLong: "truncate" } as const;
    const result = await extract(frame("one two three"), cut, model);
    expect(columnOf(result, "extracted_n_quote")).toEqual([null]);
  });

  it("are streamed through files as well, in more rows than a block holds", async () => {
    const { folder, model, quick } = await stand({ answer: echo });
    const input = join(folder, "in.csv");
    const rows = Array.from({ length: 2500 }, (_, row) =>
      row % 3 === 1 ? "short" : "rather long",
    );
    await writeFile(input, `text\n${rows.join("\n")}\n`);
    const output = join(folder, "out.csv");
    const options = { ...quick, maxChars: 6, onLong: "truncate" } as const;
    await enrichFile({ input, output }, "{{ text }}", model, options);
    const written = (await readFile(output, "utf8")).trim().split("\n").slice(1);
    expect(new Set(written)).toEqual(
      new Set(["rather long,rather,ok,,true", "short,short,ok,,false"]),
    );
    expect(written.filter((line) => line.endsWith("true"))).toHaveLength(1667);
  });

  it("make another run when they are treated otherwise", async () => {
    const { folder, model, quick } = await stand({ answer: echo });
    const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
    await writeFile(files.input, "text\nrather long\nshort\n");
    const ask = (more: object) => enrichFile(files, "{{ text }}", model, { ...quick, ...more });
    const failing = await ask({ maxChars: 6 });
    expect(failing.failedBy).toEqual({ too_long: 1 });
    const cut = await ask({ maxChars: 6, onLong: "truncate" });
    expect(cut.failedBy).toEqual({});
    expect(new Set([failing.run, cut.run, (await ask({ maxChars: 7 })).run]).size).toBe(3);
  });

  it("are refused where nothing says what is long, and where the template is a function", async () => {
    const { model, quick } = await stand();
    const cut = enrichColumn(frame("a"), "{{ text }}", model, { ...quick, onLong: "truncate" });
    await expect(cut).rejects.toMatchObject({ code: "option_invalid" });
    const none = enrichColumn(frame("a"), "{{ text }}", model, { ...quick, maxChars: 0 });
    await expect(none).rejects.toMatchObject({ code: "option_invalid" });
    const code = enrichColumn(frame("a"), () => "a", model, { ...quick, maxChars: 5 });
    await expect(code).rejects.toMatchObject({ code: "option_invalid" });
    // @ts-expect-error neither failing nor cutting nor asking in pieces
    const other = enrichColumn(frame("a"), "{{ text }}", model, { ...quick, onLong: "later" });
    await expect(other).rejects.toMatchObject({ code: "option_invalid" });
  });
});
