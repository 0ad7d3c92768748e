import * as valibot from "valibot";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { NewColumn } from "../../src/core/column.ts";
import { answerSchema, isWrapped, WRAPPED, type AnswerForm } from "../../src/core/form.ts";
import {
  ANTHROPIC_SCHEMA_DIALECT,
  COMMON_DIALECT,
  GEMINI_SCHEMA_DIALECT,
  OPENAI_SCHEMA_DIALECT,
  PROMPT_SCHEMA_DIALECT,
} from "../../src/core/schema-dialect.ts";
import type { Json } from "../../src/core/hash.ts";
import { checkCells } from "../../src/frame/new-cells.ts";
import { readAnswer } from "../../src/output/answer.ts";
import { answerCells, newColumns } from "../../src/output/columns.ts";
import { answerForm, type OutputOption } from "../../src/output/form.ts";
import { schemaValidator } from "../../src/output/json-schema.ts";
import { typedValues, withNulls } from "./typed-values.ts";

function columnsOf(output: OutputOption, flatten?: number): readonly NewColumn[] {
  const layout = { form: answerForm(output, "m"), hasTools: false };
  return newColumns("c", { ...layout, ...(flatten === undefined ? {} : { flatten }) });
}

/** The columns of the answer alone, without status and error. */
function answerColumns(output: OutputOption, flatten?: number): readonly NewColumn[] {
  return columnsOf(output, flatten).slice(0, -2);
}

describe("newColumns", () => {
  it("are the answer, its status and its error", () => {
    expect(columnsOf(undefined)).toEqual([
      { name: "c", type: "text" },
      { name: "c_status", type: "text" },
      { name: "c_error", type: "text" },
    ]);
    expect(columnsOf({ labels: ["a", "b"] })[0]).toEqual({ name: "c", type: "text" });
    expect(columnsOf({ labels: ["a"], multi: true })[0]).toEqual({
      name: "c",
      type: { list: "text" },
    });
    expect(columnsOf({ embedding: true })[0]).toEqual({ name: "c", type: "embedding" });
    expect(
      newColumns("c", { form: answerForm(undefined, "m"), hasTools: true }).map(({ name }) => name),
    ).toEqual(["c", "c_tool_calls", "c_status", "c_error"]);
  });

  it("are one for each field of an object, in their order, typed by the schema", () => {
    expect(answerColumns("b: int, a?: float, e: x|y, t: date, l: str[][], y: bool")).toEqual([
      { name: "c_b", type: "integer" },
      { name: "c_a", type: "float" },
      { name: "c_e", type: "text" },
      { name: "c_t", type: "date" },
      { name: "c_l", type: { list: { list: "text" } } },
      { name: "c_y", type: "boolean" },
    ]);
  });

  it("flatten as many levels of objects as is asked", () => {
    const output = z.object({ a: z.object({ b: z.object({ n: z.int() }), d: z.iso.date() }) });
    const b = { struct: [{ name: "n", type: "integer" }] };
    const a = {
      struct: [
        { name: "b", type: b },
        { name: "d", type: "date" },
      ],
    };
    expect(answerColumns(output, 0)).toEqual([
      { name: "c", type: { struct: [{ name: "a", type: a }] } },
    ]);
    expect(answerColumns(output)).toEqual([{ name: "c_a", type: a }]);
    expect(answerColumns(output, 2)).toEqual([
      { name: "c_a_b", type: b },
      { name: "c_a_d", type: "date" },
    ]);
    expect(answerColumns(output, 9)).toEqual([
      { name: "c_a_b_n", type: "integer" },
      { name: "c_a_d", type: "date" },
    ]);
  });

  it("are text that holds JSON where no single type describes the values", () => {
    const output = z.object({
      record: z.record(z.string(), z.number()),
      either: z.union([z.string(), z.number()]),
      kinds: z.discriminatedUnion("k", [
        z.object({ k: z.literal("a"), n: z.int() }),
        z.object({ k: z.literal("b") }),
      ]),
      any: z.unknown(),
      pair: z.tuple([z.string(), z.int()]),
      open: z.looseObject({ a: z.int() }),
      changed: z.string().transform((text) => text.length),
    });
    expect(answerColumns(output).map(({ type: of }) => of)).toEqual(Array(7).fill("text"));
  });

  it("have a type where all branches share one", () => {
    const output = z.object({
      number: z.union([z.int(), z.number()]),
      word: z.union([z.enum(["a", "b"]), z.string()]),
      maybe: z.int().nullable().optional(),
      code: z.literal([1, 2, 3]),
      same: z.tuple([z.number(), z.number()]),
    });
    expect(answerColumns(output).map(({ type: of }) => of)).toEqual([
      "float",
      "text",
      "integer",
      "integer",
      { list: "float" },
    ]);
  });

  it("refuse a field whose column would have the name of another new one", () => {
    expect(() => columnsOf("status: str, n: int")).toThrow(
      expect.objectContaining({ code: "column_exists" }),
    );
    expect(columnsOf("status: str, n: int", 0)).toHaveLength(3);
    expect(() => columnsOf(z.object({ a_b: z.int(), a: z.object({ b: z.int() }) }), 2)).toThrow(
      '"c_a_b"',
    );
  });

  it("are the same for a schema of zod, valibot and arktype", () => {
    const ofZod = z.object({
      inner: z.object({ flag: z.boolean(), size: z.number().nullable() }),
      kind: z.enum(["a", "b"]),
      n: z.int().min(1),
      score: z.number(),
      tags: z.array(z.string()),
      note: z.string().optional(),
    });
    const ofValibot = toStandardJsonSchema(
      valibot.object({
        inner: valibot.object({
          flag: valibot.boolean(),
          size: valibot.nullable(valibot.number()),
        }),
        kind: valibot.picklist(["a", "b"]),
        n: valibot.pipe(valibot.number(), valibot.integer(), valibot.minValue(1)),
        score: valibot.number(),
        tags: valibot.array(valibot.string()),
        note: valibot.optional(valibot.string()),
      }),
    );
    const ofArktype = type({
      inner: { flag: "boolean", size: "number|null" },
      kind: "'a'|'b'",
      n: "number.integer >= 1",
      score: "number",
      tags: "string[]",
      "note?": "string",
    });
    const expected = [
      {
        name: "c_inner",
        type: {
          struct: [
            { name: "flag", type: "boolean" },
            { name: "size", type: "float" },
          ],
        },
      },
      { name: "c_kind", type: "text" },
      { name: "c_n", type: "integer" },
      { name: "c_score", type: "float" },
      { name: "c_tags", type: { list: "text" } },
      { name: "c_note", type: "text" },
    ];
    for (const schema of [ofZod, ofValibot, ofArktype])
      expect(answerColumns(schema)).toEqual(expected);
  });
});

describe("a value that fits its schema", () => {
  const formOf = (schema: object): Extract<AnswerForm, { kind: "object" }> => {
    const form = answerForm({ jsonSchema: schema as Readonly<Record<string, unknown>> }, "m");
    if (form.kind !== "object") throw new Error("a schema makes an object form");
    return form;
  };
  const sent = (form: ReturnType<typeof formOf>, value: Json): string =>
    JSON.stringify(isWrapped(form.schema) ? { [WRAPPED]: value } : value);

  it("survives reply, reading and cells, whether absent properties are left out or null", async () => {
    await fc.assert(
      fc.asyncProperty(typedValues, fc.nat(2), async ({ typed, value }, flatten) => {
        const form = formOf(typed.schema);
        const layout = { form, flatten, hasTools: false };
        const columns = newColumns("c", layout).slice(0, -2);
        for (const written of [value, withNulls(typed.schema, value)]) {
          const text = sent(form, written);
          const answer = await readAnswer({ form, validate: null, isStrict: true }, { text });
          if (written === value) expect(answer).toEqual({ value });
          // Where null is a value too, nobody can tell that it stands for an absent one.
          const read = "value" in answer ? (answer.value as Json) : "invalid";
          expect(withNulls(typed.schema, read)).toEqual(withNulls(typed.schema, value));
          const cells = answerCells(form, flatten)(value);
          expect(cells).toHaveLength(columns.length);
          for (const [at, column] of columns.entries()) checkCells(column, [cells[at] ?? null]);
          expect(answerCells(form, 0)(value)).toEqual([value === null ? null : typed.cell(value)]);
        }
        expect(newColumns("c", { ...layout, flatten: 0 })[0]?.type).toEqual(typed.type);
      }),
    );
  });

  it("fits what each provider is sent as well", async () => {
    const dialects = [
      ...[COMMON_DIALECT, OPENAI_SCHEMA_DIALECT, ANTHROPIC_SCHEMA_DIALECT],
      ...[GEMINI_SCHEMA_DIALECT, PROMPT_SCHEMA_DIALECT],
    ];
    await fc.assert(
      fc.asyncProperty(typedValues, async ({ typed, value }) => {
        const form = formOf(typed.schema);
        for (const dialect of dialects) {
          const written = dialect.requiresAll ? withNulls(typed.schema, value) : value;
          const check = await schemaValidator(answerSchema(form, dialect) ?? {});
          const reply = JSON.parse(sent(form, written)) as unknown;
          expect(check(reply)).toEqual({ value: reply });
        }
      }),
      { numRuns: 30 },
    );
  });

  it("is never read otherwise than it was written, however the reply is damaged", async () => {
    const damage = fc.record({ at: fc.nat(), drop: fc.nat(3), put: fc.string({ maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(typedValues, damage, async ({ typed, value }, { at, drop, put }) => {
        const form = formOf(typed.schema);
        const whole = sent(form, value);
        const place = at % (whole.length + 1);
        const text = whole.slice(0, place) + put + whole.slice(place + drop);
        const answer = await readAnswer({ form, validate: null, isStrict: false }, { text });
        if ("invalid" in answer) return;
        // What is still taken is what the text says to any reader of JSON, nulls for absent ones aside.
        const said = JSON.parse(text) as Json;
        const meant = isWrapped(form.schema) ? (said as Record<string, Json>)[WRAPPED] : said;
        const lower = (it: Json | undefined): string => JSON.stringify(it).toLowerCase();
        expect(lower(withNulls(typed.schema, answer.value as Json))).toBe(
          lower(withNulls(typed.schema, meant ?? null)),
        );
      }),
    );
  });

  it("that is null or missing makes every column null", () => {
    const form = formOf({ type: "object", properties: { a: { type: "string" }, b: {} } });
    expect(answerCells(form)(null)).toEqual([null, null]);
    expect(answerCells(form)(undefined)).toEqual([null, null]);
    expect(answerCells({ kind: "text" })(undefined)).toEqual([null]);
  });
});
