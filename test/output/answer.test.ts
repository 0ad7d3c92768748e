import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { AnswerForm } from "../../src/core/form.ts";
import { readAnswer, type Answer, type SucceededReply } from "../../src/output/answer.ts";
import { askedOutput, type OutputOption } from "../../src/output/form.ts";

type Reply = Omit<SucceededReply, "text">;

/** Reads a reply with this text in a form, as a strict provider's unless said otherwise. */
async function read(form: AnswerForm, text: string, more: Reply = {}): Promise<Answer> {
  return await readAnswer({ form, validate: null, isStrict: true }, { text, ...more });
}

/** Reads a reply as an output option asks. */
async function readAs(output: OutputOption, text: string, isStrict = true): Promise<Answer> {
  return await readAnswer({ ...(await askedOutput(output, "m")), isStrict }, { text });
}

const TEXT: AnswerForm = { kind: "text" };
const labelled = (...names: string[]): AnswerForm => ({
  kind: "labels",
  labels: names.map((name) => ({ name })),
});
const MOOD = labelled("positive", "negative", "Neutral");

describe("free text", () => {
  it("is taken exactly as it came, and only an empty one is invalid", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), async (text) => {
        expect(await read(TEXT, text)).toEqual({ value: text });
      }),
    );
    expect(await read(TEXT, "")).toHaveProperty("invalid");
  });
});

describe("a label", () => {
  it.each([
    ['{"label":"positive"}', "positive"],
    [' {\n "label" : "negative" }\n', "negative"],
    ['{"label":"POSITIVE"}', "positive"],
    ['{"label":"neutral"}', "Neutral"],
    ['{"label":"positive","reason":"kind words"}', "positive"],
  ])("is read from %s", async (text, value) => {
    expect(await read(MOOD, text)).toEqual({ value });
  });

  it.each([
    "positive",
    '"positive"',
    "",
    "null",
    "[]",
    '["positive"]',
    '[{"label":"positive"}]',
    "{}",
    '{"label":null}',
    '{"label":["positive"]}',
    '{"label":"positive "}',
    '{"label":"posit"}',
    '{"label":"constructor"}',
    '{"__proto__":{"label":"positive"}}',
    '```json\n{"label":"positive"}\n```',
    'Sure! {"label":"positive"}',
    '{"label":"positive"',
    '{"label":"positive",}',
    "{'label':'positive'}",
    '\uFEFF{"label":"positive"}',
    '{"label":"positive","label":"negative"}',
    '{"label":"positive","l\\u0061bel":"positive"}',
  ])("is never repaired out of %j", async (text) => {
    expect(await read(MOOD, text)).toHaveProperty("invalid");
  });

  it("that differs from two others in case only must be exact", async () => {
    const form = labelled("US", "us", "them");
    expect(await read(form, '{"label":"us"}')).toEqual({ value: "us" });
    expect(await read(form, '{"label":"US"}')).toEqual({ value: "US" });
    expect(await read(form, '{"label":"Us"}')).toHaveProperty("invalid");
    expect(await read(form, '{"label":"THEM"}')).toEqual({ value: "them" });
  });

  it("may have the name of a member every object has", async () => {
    const form = labelled("constructor", "__proto__");
    expect(await read(form, '{"label":"__proto__"}')).toEqual({ value: "__proto__" });
    expect(await read(form, '{"label":"toString"}')).toHaveProperty("invalid");
  });

  it("is always one of the labels, or invalid, whatever the text", async () => {
    const json = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string().map((label) => JSON.stringify({ label })),
    );
    await fc.assert(
      fc.asyncProperty(json, async (text) => {
        const answer = await read(MOOD, text);
        if ("value" in answer) expect(["positive", "negative", "Neutral"]).toContain(answer.value);
        else expect(answer.invalid.length).toBeLessThan(600);
      }),
    );
  });

  it("that is invalid is quoted with at most 80 characters", async () => {
    const answer = await read(MOOD, JSON.stringify({ label: `${"x".repeat(100)}end` }));
    expect(answer).toEqual({
      invalid: `The reply is none of the labels: "${"x".repeat(80)}…"`,
    });
  });

  it("of one's own is taken only where that is allowed, and when it is a label at all", async () => {
    const labels = ["good", "bad"] as const;
    const own = JSON.stringify({ label: " so-so " });
    expect(await readAs({ labels }, own)).toHaveProperty("invalid");
    expect(await readAs({ labels, allowOther: true }, own)).toEqual({ value: "so-so" });
    expect(await readAs({ labels, allowOther: true }, '{"label":"GOOD"}')).toEqual({
      value: "good",
    });
    for (const label of ["", "  ", "two\nlines", "x".repeat(81)])
      expect(await readAs({ labels, allowOther: true }, JSON.stringify({ label }))).toHaveProperty(
        "invalid",
      );
  });
});

describe("several labels", () => {
  const labels = ["a", "b", "c"] as const;

  it("are a set in the order they were given in, and may be none", async () => {
    const read = async (text: string): Promise<Answer> =>
      await readAs({ labels, multi: true }, text);
    expect(await read('{"labels":["c","A","c"]}')).toEqual({ value: ["a", "c"] });
    expect(await read('{"labels":[]}')).toEqual({ value: [] });
    for (const text of ['{"labels":["a","d"]}', '{"labels":"a"}', '{"label":"a"}', '["a"]'])
      expect(await read(text)).toHaveProperty("invalid");
  });

  it("keep others after them where they are allowed", async () => {
    expect(
      await readAs({ labels, multi: true, allowOther: true }, '{"labels":["z","b","y","z"]}'),
    ).toEqual({ value: ["b", "z", "y"] });
  });
});

describe("an answer that calls tools", () => {
  const toolCalls = [{ name: "weather", arguments: { city: "Rome" } }];

  it("needs no text", async () => {
    expect(await read(TEXT, "", { toolCalls })).toEqual({ value: null });
    expect(await read(MOOD, "", { toolCalls })).toEqual({ value: null });
    expect(await read(TEXT, "Let me look.", { toolCalls })).toEqual({ value: "Let me look." });
  });
});

describe("a vector", () => {
  const form = (dimensions: number | null): AnswerForm => ({ kind: "embedding", dimensions });
  const embedding = Float32Array.of(0.5, -1, 2);

  it("is taken in the length asked for, or in any", async () => {
    expect(await read(form(null), "", { embedding })).toEqual({ value: embedding });
    expect(await read(form(3), "", { embedding })).toEqual({ value: embedding });
    expect(await read(form(2), "", { embedding })).toEqual({
      invalid: "The reply is a vector of 3 numbers where 2 were asked for.",
    });
    expect(await read(form(null), "words")).toHaveProperty("invalid");
  });
});

const INVOICE = "total: float, count: int, paid: bool, on: date, kind: invoice|order, note?: str";
const SOUND = {
  total: 9.5,
  count: 2,
  paid: true,
  on: "2026-01-31",
  kind: "order",
  note: "late",
};

describe("an object", () => {
  const reply = (changes: object): string => JSON.stringify({ ...SOUND, ...changes });

  it("is taken as it is when it fits", async () => {
    expect(await readAs(INVOICE, reply({}))).toEqual({ value: SOUND });
  });

  it("has an optional property absent where the reply says null, as strict modes make it", async () => {
    const { note: _, ...others } = SOUND;
    expect(await readAs(INVOICE, reply({ note: null }))).toEqual({ value: others });
    expect(await readAs(INVOICE, JSON.stringify(others))).toEqual({ value: others });
    expect(await readAs(INVOICE, reply({ total: null }))).toHaveProperty("invalid");
    const nullish = z.object({ note: z.string().nullish(), mark: z.string().default("none") });
    expect(await readAs(nullish, '{"note":null,"mark":null}')).toEqual({
      value: { note: null, mark: "none" },
    });
  });

  it("has a word of an enum in the case it was given in", async () => {
    expect(await readAs(INVOICE, reply({ kind: "INVOICE" }))).toEqual({
      value: { ...SOUND, kind: "invoice" },
    });
  });

  it.each([
    ["a number as text", { total: "9.5" }],
    ["a whole number as text", { count: "2" }],
    ["a broken number for a whole one", { count: 2.5 }],
    ["a whole number beyond what is exact", { count: 2 ** 53 }],
    ["a boolean as text", { paid: "true" }],
    ["a boolean as a number", { paid: 1 }],
    ["a date that does not exist", { on: "2026-02-30" }],
    ["a date in another order", { on: "31.01.2026" }],
    ["a time with a date", { on: "2026-01-31T10:00:00Z" }],
    ["a word that is not in the enum", { kind: "receipt" }],
    ["an extra property", { colour: "red" }],
    ["null where there must be a value", { kind: null }],
    ["a list for a value", { total: [9.5] }],
  ])("with %s is invalid", async (_what, change) => {
    expect(await readAs(INVOICE, reply(change))).toHaveProperty("invalid");
  });

  it("with a missing property is invalid, and the message says where", async () => {
    expect(await readAs("a: int, b: str", '{"a":1}')).toEqual({
      invalid: "The reply does not fit the schema: must have required property 'b'.",
    });
    const nested = z.object({ items: z.array(z.object({ price: z.number() })) });
    const text = '{"items":[{"price":1},{"price":"two"}]}';
    expect(await readAs(nested, text)).toMatchObject({
      invalid: expect.stringMatching(/items\[1\]\.price: .*number/) as string,
    });
  });

  it.each([
    ['{"a":1,"a":2}', 'names "a" twice'],
    ['{"a":1,"b":{"c":1,"c":1}}', 'names "c" twice'],
    ['{"a":1e999}', "too large"],
    ['{"a":NaN}', "not JSON"],
    ['{"a":Infinity}', "not JSON"],
    ['{"a":01}', "not JSON"],
    [`${"[".repeat(101)}${"]".repeat(101)}`, "levels deep"],
    [`${'{"a":'.repeat(200)}1${"}".repeat(200)}`, "levels deep"],
  ])("is never read out of %s", async (text, why) => {
    expect(await readAs({ jsonSchema: {} }, `{"answer":${text}}`)).toMatchObject({
      invalid: expect.stringContaining(why) as string,
    });
  });

  it("in a fence is read only from a provider that was not asked for strict output", async () => {
    const fenced = '```json\n{"a":1}\n```';
    expect(await readAs("a: int", fenced, false)).toEqual({ value: { a: 1 } });
    expect(await readAs("a: int", fenced, true)).toHaveProperty("invalid");
    for (const text of [
      `Here it is:\n${fenced}`,
      `${fenced}\n${fenced}`,
      '```json {"a":1}```',
      '```\n{"a":1}',
    ])
      expect(await readAs("a: int", text, false)).toHaveProperty("invalid");
  });

  it("has the value that the schema's own code gives", async () => {
    const schema = z.object({ when: z.string().transform((text) => text.length) });
    expect(await readAs(schema, '{"when":"today"}')).toEqual({ value: { when: 5 } });
  });

  it("is refused by the schema's own code, at once or later, in its words", async () => {
    const even = z.object({ n: z.int().refine((n) => n % 2 === 0, "must be even") });
    expect(await readAs(even, '{"n":3}')).toEqual({
      invalid: "The reply does not fit the schema: n: must be even.",
    });
    const known = z.object({
      n: z.int().refine(async (n) => await Promise.resolve(n < 3), "is not known"),
    });
    expect(await readAs(known, '{"n":3}')).toMatchObject({
      invalid: expect.stringContaining("n: is not known") as string,
    });
    expect(await readAs(known, '{"n":2}')).toEqual({ value: { n: 2 } });
  });

  it("is invalid, not the end of the run, where the schema's code throws", async () => {
    const schema = z.object({ a: z.string().transform((text) => JSON.parse(text) as number) });
    expect(await readAs(schema, '{"a":"["}')).toMatchObject({
      invalid: expect.stringContaining("the schema threw") as string,
    });
  });

  it("is invalid where the schema's code gives what its column cannot hold", async () => {
    const lies = z.object({ n: z.unknown().transform(() => new Map([[1, 2]])) });
    expect(await readAs(lies, '{"n":1}')).toMatchObject({
      invalid: expect.stringContaining("n: a Map") as string,
    });
  });

  it("is unwrapped where the schema is not that of an object", async () => {
    expect(await readAs(z.array(z.int()), '{"answer":[1,2]}')).toEqual({ value: [1, 2] });
    expect(await readAs(z.int().nullable(), '{"answer":null}')).toEqual({ value: null });
    for (const text of ["[1,2]", '{"answers":[1]}', '{"answer":{}}'])
      expect(await readAs(z.array(z.int()), text)).toHaveProperty("invalid");
  });

  it("that is invalid is told in few words, however long the reply is", async () => {
    const long = "x".repeat(100_000);
    const texts = [long, JSON.stringify({ a: long }), JSON.stringify({ [long]: 1 })];
    for (const text of texts) {
      const answer = await readAs("a: int", text);
      expect(JSON.stringify(answer).length).toBeLessThan(700);
      expect(answer).toHaveProperty("invalid");
    }
  });
});
