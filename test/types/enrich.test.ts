// The compiler checks this file: a line under @ts-expect-error that compiles is an error of its own.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl, { type DataFrame } from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import type { Cell } from "../../src/core/column.ts";
import type { CheckTemplate, ColumnsOf, Placeholders } from "../../src/core/placeholders.ts";
import type { RowErrorCode, RowStatus } from "../../src/core/result.ts";
import { enrichColumn, type AnswerOf, type EnrichedSchema } from "../../src/enrich.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import type { RowResult } from "../../src/session/row-result.ts";
import type { ModelSpec } from "../../src/provider/models.ts";

const typed = pl.DataFrame({
  id: pl.Series("id", [1], pl.Int64),
  feedback: pl.Series("feedback", ["fine"], pl.String),
});
const untyped: DataFrame = typed;

// Nothing listens there, and nothing here gets as far as calling it.
const model: ModelSpec = {
  provider: "openai",
  model: "m",
  apiKey: "test-key",
  baseUrl: "http://127.0.0.1:9/v1",
};

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), "types-"));
});
afterEach(async () => {
  await rm(runDir, { recursive: true, force: true });
});

type ResultOf<R> = R extends EnrichRun<infer T, unknown> ? T : never;
type SchemaOf<R> = ResultOf<R> extends { readonly schema: infer S } ? S : never;
type ValueOf<R> = R extends EnrichRun<unknown, infer V> ? V : never;

describe("a typed frame", () => {
  it("refuses a misspelt column, when compiled and when run", async () => {
    // @ts-expect-error the column is named feedback
    const misspelt = enrichColumn(typed, "{{ fedback }}", model, { runDir });
    await expect(misspelt).rejects.toMatchObject({ code: "unknown_column" });
    // @ts-expect-error one right column does not make up for a wrong one
    const second = enrichColumn(typed, "{{ id }} {{ feedback | trim }} {{ Feedback }}", model, {
      runDir,
    });
    await expect(second).rejects.toMatchObject({ code: "unknown_column" });
  });

  it("refuses a misspelt column of gold labels, when compiled and when run", async () => {
    const output = { labels: ["a", "b"] } as const;
    const cascade = { model: { ...model, model: "strong" }, target: 0.9 } as const;
    // @ts-expect-error the column is named feedback
    const misspelt = enrichColumn(typed, "{{ id }}", model, {
      ...{ runDir, output },
      cascade: { ...cascade, gold: "fedback" },
    });
    await expect(misspelt).rejects.toMatchObject({ code: "unknown_column" });
    const named = ["feedback"].join();
    for (const run of [
      enrichColumn(typed, "{{ id }}", model, {
        ...{ runDir, output },
        cascade: { ...cascade, gold: "feedback" },
      }),
      enrichColumn(typed, "{{ id }}", model, {
        runDir,
        output,
        cascade: { ...cascade, gold: named },
      }),
      enrichColumn(untyped, "{{ id }}", model, {
        ...{ runDir, output },
        cascade: { ...cascade, gold: "feedback" },
      }),
    ]) {
      expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<"a" | "b">();
      expect(await run.plan()).toMatchObject({ rows: 1, requests: 1 });
    }
  });

  it("takes its own columns, with filters, escapes and quoted names, and any text at run time", async () => {
    const text = ["{{ nope }}"].join();
    const runs = [
      enrichColumn(typed, "{{ id }}: {{feedback|trim|truncate: 20}}", model, { runDir }),
      enrichColumn(typed, '\\{{ any \\}} {{ feedback | default: "{{ x }}" }}', model, { runDir }),
      enrichColumn(typed, '{{ "feedback" }}', model, { runDir }),
    ];
    for (const run of runs) expect(await run.plan()).toMatchObject({ rows: 1, requests: 1 });
    await expect(enrichColumn(typed, text, model, { runDir })).rejects.toMatchObject({
      code: "unknown_column",
    });
  });

  it("gives template functions its own columns and no others", async () => {
    const run = enrichColumn(
      typed,
      (row) => {
        expectTypeOf(row).toEqualTypeOf<Readonly<Record<"id" | "feedback", Cell>>>();
        // @ts-expect-error there is no such column
        expect(row.nope).toBeUndefined();
        return typeof row.feedback === "string" ? row.feedback : null;
      },
      model,
      { runDir },
    );
    expect((await run.plan()).requests).toBe(1);
  });

  it("gives its result the new columns' names and types beside its own", () => {
    const output = { labels: ["good", "bad"] } as const;
    const run = enrichColumn(typed, "{{ feedback }}", model, { column: "mood", output });
    type Schema = SchemaOf<typeof run>;
    expectTypeOf<ColumnsOf<Schema>>().toEqualTypeOf<
      "id" | "feedback" | "mood" | "mood_status" | "mood_error"
    >();
    expectTypeOf<Schema["mood"]>().toEqualTypeOf<"good" | "bad" | null>();
    expectTypeOf<Schema["mood_status"]>().toEqualTypeOf<RowStatus>();
    expectTypeOf<Schema["mood_error"]>().toEqualTypeOf<RowErrorCode | null>();
    expectTypeOf<Schema["id"]>().toEqualTypeOf<pl.Int64>();
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<"good" | "bad">();
    expectTypeOf(run).toExtend<AsyncIterable<RowResult<"good" | "bad">>>();
    expect(run.progress()).toBeNull();
  });

  it("gives described labels and inline ones as unions too, and free text as text", () => {
    const described = enrichColumn(typed, "{{ feedback }}", model, {
      output: { labels: { praise: "kind words", blame: "" } },
    });
    const inline = enrichColumn(typed, "{{ feedback }}", model, { output: { labels: ["a", "b"] } });
    const text = enrichColumn(typed, "{{ feedback }}", model);
    expectTypeOf<ValueOf<typeof described>>().toEqualTypeOf<"praise" | "blame">();
    expectTypeOf<ValueOf<typeof inline>>().toEqualTypeOf<"a" | "b">();
    expectTypeOf<ValueOf<typeof text>>().toEqualTypeOf<string>();
    expectTypeOf<SchemaOf<typeof text>["enriched"]>().toEqualTypeOf<string | null>();
    expectTypeOf<SchemaOf<typeof described>["enriched"]>().toEqualTypeOf<
      "praise" | "blame" | null
    >();
    expect([described, inline, text].map((run) => run.progress())).toEqual([null, null, null]);
  });

  it("makes a result whose new columns the next template may name", async () => {
    const run = enrichColumn(typed, "{{ feedback }}", model, { column: "mood" });
    const next = (frame: ResultOf<typeof run>): readonly unknown[] => [
      enrichColumn(frame, "{{ mood }} {{ mood_status }} {{ id }}", model),
      // @ts-expect-error the first column was named mood
      enrichColumn(frame, "{{ moods }}", model),
    ];
    expect(next).toBeTypeOf("function");
    await run.detach();
  });
});

describe("an untyped frame", () => {
  it("takes any column when compiled, and refuses unknown ones when run", async () => {
    const run = enrichColumn(untyped, "{{ nope }}", model, { runDir });
    await expect(run).rejects.toMatchObject({ code: "unknown_column" });
    const known = enrichColumn(untyped, "{{ feedback }}", model, { runDir });
    expectTypeOf<SchemaOf<typeof known>["enriched_status"]>().toEqualTypeOf<RowStatus>();
    expect((await known.plan()).requests).toBe(1);
  });
});

describe("options", () => {
  it("refuse what they are not", async () => {
    const refused = [
      // @ts-expect-error not a way to treat blank cells
      () => enrichColumn(typed, "{{ id }}", model, { onNull: "drop" }),
      // @ts-expect-error no labels at all
      () => enrichColumn(typed, "{{ id }}", model, { output: { labels: [] } }),
      // A name without a provider is anyone's, which no type can tell.
      () => enrichColumn(typed, "{{ id }}", "my-model", { runDir }),
      // @ts-expect-error a frame is no list of rows
      () => enrichColumn([{ id: 1 }], "{{ id }}", model),
    ];
    await expect(async () => await refused[1]?.()).rejects.toMatchObject({
      code: "labels_invalid",
    });
    await expect(async () => await refused[2]?.()).rejects.toMatchObject({ code: "unknown_model" });
    await expect(async () => await refused[3]?.()).rejects.toMatchObject({ code: "frame_invalid" });
  });
});

it("placeholders are read from template literals", () => {
  expectTypeOf<Placeholders<"a {{ b }} {{c}} {{\n\td | trim }}">>().toEqualTypeOf<
    "b" | "c" | "d"
  >();
  expectTypeOf<Placeholders<"\\{{ a \\}} {{ b }}">>().toEqualTypeOf<"b">();
  expectTypeOf<Placeholders<'{{ "a | b" }}{{ c }}'>>().toEqualTypeOf<"c">();
  expectTypeOf<Placeholders<"no columns {here}">>().toEqualTypeOf<never>();
  expectTypeOf<Placeholders<string>>().toEqualTypeOf<string>();
  expectTypeOf<CheckTemplate<{ a: 1 }, "{{ a }}">>().toEqualTypeOf<"{{ a }}">();
  expectTypeOf<CheckTemplate<{ a: 1 }, "{{ b }} {{ a }}">>().toEqualTypeOf<{
    readonly "unknown column in template": "b";
    readonly "columns are": "a";
  }>();
  expectTypeOf<AnswerOf<undefined>>().toEqualTypeOf<string>();
  expectTypeOf<EnrichedSchema<{ a: 1 }, "x", undefined>["a"]>().toEqualTypeOf<1>();
  // A record of what the compiler was asked above, so that this file cannot pass without being read.
  const column: Placeholders<"{{ one }}"> = "one";
  expect(column).toBe("one");
});
