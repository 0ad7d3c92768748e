// The compiler checks this file: a line under @ts-expect-error that compiles is an error of its own.
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import pl, { type DataFrame } from "nodejs-polars";
import * as valibot from "valibot";
import { describe, expect, expectTypeOf, it } from "vitest";
import * as z from "zod";
import type { ColumnsOf } from "../../src/core/placeholders.ts";
import { enrichColumn, type AnswerOf, type EnrichedSchema } from "../../src/enrich.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import type { ModelSpec } from "../../src/provider/models.ts";

const frame = pl.DataFrame({ text: pl.Series("text", ["fine"], pl.String) });

// Nothing listens there, and no run here is started.
const model: ModelSpec = { provider: "openai", model: "m", baseUrl: "http://127.0.0.1:9/v1" };

type ResultOf<R> = R extends EnrichRun<infer T, unknown> ? T : never;
type SchemaOf<R> = ResultOf<R> extends { readonly schema: infer S } ? S : never;
type ValueOf<R> = R extends EnrichRun<unknown, infer V> ? V : never;

const ticket = z.object({
  team: z.enum(["billing", "other"]),
  score: z.number(),
  urgent: z.boolean(),
  quote: z.string().optional(),
  tags: z.array(z.string()),
  place: z.object({ line: z.int() }),
});

interface Ticket {
  team: "billing" | "other";
  score: number;
  urgent: boolean;
  quote?: string | undefined;
  tags: string[];
  place: { line: number };
}

describe("a schema's answers", () => {
  it("are its output, and its fields are columns", () => {
    const run = enrichColumn(frame, "{{ text }}", model, { column: "x", output: ticket });
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<Ticket>();
    type Schema = SchemaOf<typeof run>;
    expectTypeOf<ColumnsOf<Schema>>().toEqualTypeOf<
      | ("text" | "x_team" | "x_score" | "x_urgent" | "x_quote" | "x_tags" | "x_place")
      | ("x_status" | "x_error")
    >();
    expectTypeOf<Schema["x_team"]>().toEqualTypeOf<"billing" | "other" | null>();
    expectTypeOf<Schema["x_score"]>().toEqualTypeOf<number | null>();
    expectTypeOf<Schema["x_urgent"]>().toEqualTypeOf<boolean | null>();
    expectTypeOf<Schema["x_quote"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Schema["x_tags"]>().toEqualTypeOf<string[] | null>();
    expectTypeOf<Schema["x_place"]>().toEqualTypeOf<{ line: number } | null>();
    expect(run.progress()).toBeNull();
  });

  it("are the same for valibot and arktype, and what a transformation gives", () => {
    const ofValibot = toStandardJsonSchema(
      valibot.object({ k: valibot.picklist(["a", "b"]), n: valibot.number() }),
    );
    const ofArktype = type({ k: "'a'|'b'", n: "number" });
    const ofZod = z.object({ k: z.string().transform((text) => text.length) });
    const runs = [
      enrichColumn(frame, "{{ text }}", model, { column: "x", output: ofValibot }),
      enrichColumn(frame, "{{ text }}", model, { column: "x", output: ofArktype }),
    ] as const;
    expectTypeOf<ValueOf<(typeof runs)[0]>>().toEqualTypeOf<{ k: "a" | "b"; n: number }>();
    expectTypeOf<ValueOf<(typeof runs)[1]>>().toEqualTypeOf<{ k: "a" | "b"; n: number }>();
    expectTypeOf<SchemaOf<(typeof runs)[0]>["x_k"]>().toEqualTypeOf<"a" | "b" | null>();
    expectTypeOf<SchemaOf<(typeof runs)[1]>["x_n"]>().toEqualTypeOf<number | null>();
    expectTypeOf<AnswerOf<typeof ofZod>>().toEqualTypeOf<{ k: number }>();
    expect(ofZod.type).toBe("object");
    expect(runs.map((run) => run.progress())).toEqual([null, null]);
  });

  it("stay in one column where that is asked for, or where they are no object", () => {
    const whole = enrichColumn(frame, "{{ text }}", model, {
      column: "x",
      output: ticket,
      flatten: 0,
    });
    expectTypeOf<SchemaOf<typeof whole>["x"]>().toEqualTypeOf<Ticket | null>();
    expectTypeOf<ColumnsOf<SchemaOf<typeof whole>>>().toEqualTypeOf<
      "text" | "x" | "x_status" | "x_error"
    >();
    const list = enrichColumn(frame, "{{ text }}", model, {
      column: "x",
      output: z.array(z.number()),
    });
    expectTypeOf<SchemaOf<typeof list>["x"]>().toEqualTypeOf<number[] | null>();
    expect([whole, list].map((run) => run.progress())).toEqual([null, null]);
  });

  it("are JSON text in a column where no single type describes them", () => {
    type Either = EnrichedSchema<{ a: 1 }, "x", z.ZodUnion<[typeof ticket, z.ZodString]>>;
    expectTypeOf<Either["x"]>().toEqualTypeOf<string | null>();
    const mixed = z.object({
      either: z.union([z.string(), z.number()]),
      map: z.record(z.string(), z.number()),
    });
    type Mixed = EnrichedSchema<{ a: 1 }, "x", typeof mixed>;
    expectTypeOf<Mixed["x_either"]>().toEqualTypeOf<string | null>();
    expectTypeOf<Mixed["x_map"]>().toEqualTypeOf<string | null>();
    expect(mixed.type).toBe("object");
  });

  it("can be named by the next template, and misspelt ones cannot", () => {
    const run = enrichColumn(frame, "{{ text }}", model, { column: "x", output: ticket });
    const next = (result: ResultOf<typeof run>): readonly unknown[] => [
      enrichColumn(result, "{{ x_team }} {{ x_status }} {{ text }}", model),
      // @ts-expect-error the field is named team
      enrichColumn(result, "{{ x_teem }}", model),
      // @ts-expect-error an object's columns are its fields
      enrichColumn(result, "{{ x }}", model),
    ];
    expect([next, run.progress()]).toEqual([next, null]);
  });
});

describe("labels", () => {
  it("are a union, a list of them with multi, and open with allowOther", () => {
    expectTypeOf<AnswerOf<{ labels: readonly ["a", "b"] }>>().toEqualTypeOf<"a" | "b">();
    expectTypeOf<AnswerOf<{ labels: readonly ["a", "b"]; multi: false }>>().toEqualTypeOf<
      "a" | "b"
    >();
    expectTypeOf<AnswerOf<{ labels: readonly ["a", "b"]; multi: true }>>().toEqualTypeOf<
      readonly ("a" | "b")[]
    >();
    expectTypeOf<AnswerOf<{ labels: { a: "x"; b: "y" }; multi: true }>>().toEqualTypeOf<
      readonly ("a" | "b")[]
    >();
    expectTypeOf<AnswerOf<{ labels: readonly ["a"]; allowOther: true }>>().toEqualTypeOf<
      "a" | (string & {})
    >();
    const run = enrichColumn(frame, "{{ text }}", model, {
      column: "x",
      output: { labels: ["a", "b"], multi: true },
    });
    expectTypeOf<SchemaOf<typeof run>["x"]>().toEqualTypeOf<readonly ("a" | "b")[] | null>();
    expect(run.progress()).toBeNull();
  });
});

describe("a short form", () => {
  it("that is a literal has the type it describes", () => {
    type Read =
      AnswerOf<"topic: billing|bug | other, score: float, quote?: str, tags: (a|b)[], on: date, ok: bool">;
    expectTypeOf<Read>().toEqualTypeOf<{
      readonly topic: "billing" | "bug" | "other";
      readonly score: number;
      readonly quote?: string;
      readonly tags: readonly ("a" | "b")[];
      readonly on: string;
      readonly ok: boolean;
    }>();
    const run = enrichColumn(frame, "{{ text }}", model, {
      column: "x",
      output: "n: int, w?: a|b",
    });
    expectTypeOf<SchemaOf<typeof run>["x_n"]>().toEqualTypeOf<number | null>();
    expectTypeOf<SchemaOf<typeof run>["x_w"]>().toEqualTypeOf<"a" | "b" | null>();
    // @ts-expect-error there is no such field
    type None = SchemaOf<typeof run>["x_v"];
    expectTypeOf<None>().not.toBeNever();
    expect(run.progress()).toBeNull();
  });

  it("known only when run, and a JSON Schema, leave every column of theirs open", () => {
    const text = ["a: int"].join();
    const run = enrichColumn(frame, "{{ text }}", model, { column: "x", output: text });
    expectTypeOf<ValueOf<typeof run>>().toBeUnknown();
    const plain = enrichColumn(frame, "{{ text }}", model, {
      column: "x",
      output: { jsonSchema: { type: "object" } },
    });
    const next = (result: ResultOf<typeof plain>): readonly unknown[] => [
      enrichColumn(result, "{{ x_any }} {{ x }} {{ text }}", model),
      // @ts-expect-error not one of its columns
      enrichColumn(result, "{{ y_any }}", model),
    ];
    expectTypeOf<ResultOf<typeof plain>>().toExtend<DataFrame>();
    expect([next, run.progress(), plain.progress()]).toEqual([next, null, null]);
  });
});

describe("output", () => {
  it("refuses what no answer can be", () => {
    const refused = [
      // @ts-expect-error a label is text
      () => enrichColumn(frame, "{{ text }}", model, { output: { labels: [1, 2] } }),
      // @ts-expect-error several or not
      () => enrichColumn(frame, "{{ text }}", model, { output: { labels: ["a", "b"], multi: 2 } }),
      // @ts-expect-error levels are counted
      () => enrichColumn(frame, "{{ text }}", model, { output: ticket, flatten: "all" }),
      // @ts-expect-error a schema is an object
      () => enrichColumn(frame, "{{ text }}", model, { output: { jsonSchema: "object" } }),
    ];
    expect(refused).toHaveLength(4);
  });
});
