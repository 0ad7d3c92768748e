import { describe, expect, it } from "vitest";
import type { Cell } from "../../src/core/column.ts";
import { InputError } from "../../src/core/errors.ts";
import type { AnswerForm } from "../../src/core/form.ts";
import { parseTemplate } from "../../src/core/template.ts";
import type { Block } from "../../src/frame/frame.ts";
import {
  functionRendering,
  textRendering,
  type Example,
  type Preamble,
  type PromptAnswer,
} from "../../src/stages/render.ts";

type Columns = Readonly<Record<string, readonly Cell[]>>;

function blockOf(columns: Columns): Block {
  const rowCount = Object.values(columns)[0]?.length ?? 0;
  const text = (name: string): (string | null)[] =>
    (columns[name] ?? []).map((cell) =>
      cell === null ? null : JSON.stringify(cell).replaceAll('"', ""),
    );
  return { firstRow: 10, rowCount, text, values: (name) => columns[name] ?? [] };
}

/** What stands before the prompts, with examples of free text. */
function before(system?: string, examples: readonly Example[] = []): Preamble {
  return { system, examples, form: { kind: "text" } };
}

function byFunction(
  prompt: (row: Readonly<Record<string, Cell>>) => unknown,
  columns: Columns = { a: ["x"] },
  system?: string,
): ReturnType<ReturnType<ReturnType<typeof functionRendering>["prompts"]>> {
  const names = Object.keys(columns);
  const typed = prompt as (row: Readonly<Record<string, Cell>>) => PromptAnswer;
  return functionRendering({ columns: names, prompt: typed }, before(system)).prompts(
    blockOf(columns),
  )(0);
}

describe("a text template", () => {
  const block = blockOf({ a: ["x", null, " "], b: [1, 2, 3] });

  it("becomes the user's message after the system's, with the cells it holds", () => {
    const rendering = textRendering(parseTemplate("{{ a }}/{{ b }}"), before("Be kind."), "skip");
    expect(rendering.columns).toEqual(["a", "b"]);
    expect(rendering.prompts(block)(0)).toEqual({
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "x/1" },
      ],
      cells: ["x", "1"],
    });
  });

  it("asks nothing for a row with a blank cell, unless told to", () => {
    const skipping = textRendering(parseTemplate("{{ a }}"), before(), "skip").prompts(block);
    expect([skipping(1), skipping(2)]).toEqual([null, null]);
    const asking = textRendering(parseTemplate("<{{ a }}>"), before(), "empty").prompts(block);
    expect(asking(1)).toHaveProperty("messages", [{ role: "user", content: "<>" }]);
  });
});

describe("a template that is a function", () => {
  it("is given the row's values as they are, by name, and nothing inherited", () => {
    const seen: Readonly<Record<string, Cell>>[] = [];
    byFunction(
      (row) => {
        seen.push(row);
        return "x";
      },
      { n: [1.5], constructor: ["c"], big: [10n], none: [null] },
    );
    expect({ ...seen[0] }).toEqual({ n: 1.5, constructor: "c", big: 10n, none: null });
    expect("toString" in (seen[0] ?? {})).toBe(false);
  });

  it.each<[string, unknown, readonly object[]]>([
    [
      "text",
      "hi",
      [
        { role: "system", content: "S" },
        { role: "user", content: "hi" },
      ],
    ],
    [
      "parts",
      { user: "hi" },
      [
        { role: "system", content: "S" },
        { role: "user", content: "hi" },
      ],
    ],
    [
      "parts with a system of their own",
      { system: "T", user: "hi" },
      [
        { role: "system", content: "T" },
        { role: "user", content: "hi" },
      ],
    ],
    ["messages", [{ role: "user", content: "hi" }], [{ role: "user", content: "hi" }]],
  ])("may give %s", (_what, answer, messages) => {
    expect(byFunction(() => answer, { a: ["x"] }, "S")).toEqual({ messages, cells: ["hi"] });
  });

  it.each([[null], [""], [" \n"], [{ user: " " }], [[{ role: "system", content: "S" }]]])(
    "skips the row with %j",
    (answer) => {
      expect(byFunction(() => answer)).toBeNull();
    },
  );

  it.each([
    [5],
    [true],
    [{}],
    [{ user: 5 }],
    [[]],
    [["text"]],
    [[null]],
    [[{ role: "robot", content: "x" }]],
    [[{ role: "user" }]],
    [undefined],
    [Promise.resolve("late")],
  ])("may not give %j", (answer) => {
    expect(() => byFunction(() => answer)).toThrow(InputError);
    expect(() => byFunction(() => answer)).toThrow(/row 11/);
  });

  it("that throws names the row", () => {
    const act = (): unknown =>
      byFunction(() => {
        throw new Error("Broken.");
      });
    expect(act).toThrow(InputError);
    expect(act).toThrow(/row 11.*Broken\. ?Nothing|row 11.*Broken/);
  });
});

describe("examples", () => {
  const labels: AnswerForm = { kind: "labels", labels: [{ name: "good" }, { name: "bad" }] };
  const examples: readonly Example[] = [
    { input: { a: "fine", n: 3 }, output: "good" },
    { input: "Judge: awful", output: "bad" },
  ];
  const pairs = [
    { role: "assistant", content: '{"label":"good"}' },
    { role: "user", content: "Judge: awful" },
    { role: "assistant", content: '{"label":"bad"}' },
  ];

  it("come before the prompt, rendered as rows are, answered in the form asked for", () => {
    const preamble: Preamble = { system: "Be kind.", examples, form: labels };
    const rendering = textRendering(parseTemplate("{{ a }}/{{ n }}"), preamble, "skip");
    const block = blockOf({ a: ["x"], n: [1] });
    expect(rendering.prompts(block)(0)).toHaveProperty("messages", [
      { role: "system", content: "Be kind." },
      { role: "user", content: "fine/3" },
      ...pairs,
      { role: "user", content: "x/1" },
    ]);
  });

  it("go through a template function as rows do", () => {
    const preamble: Preamble = { system: undefined, examples, form: labels };
    const prompt = (row: Readonly<Record<string, Cell>>): string => `<${row["a"] as string}>`;
    const rendering = functionRendering({ columns: ["a"], prompt }, preamble);
    expect(rendering.prompts(blockOf({ a: ["x"] }))(0)).toHaveProperty("messages", [
      { role: "user", content: "<fine>" },
      ...pairs,
      { role: "user", content: "<x>" },
    ]);
  });

  it("are refused where one lacks a column the template names", () => {
    const make = (): unknown =>
      textRendering(
        parseTemplate("{{ a }} {{ b }}"),
        before(undefined, [{ input: { a: "x" }, output: "y" }]),
        "skip",
      );
    expect(make).toThrow(InputError);
    expect(make).toThrow('Example 1 cannot be used: its column "b" is blank');
  });
});

describe("pictures and documents of a template function", () => {
  it("may be bytes, whose type is read from them, beside text", () => {
    const made = byFunction(() => ({
      user: [
        { type: "text", text: "What is this?" },
        { type: "image", data: Uint8Array.of(0xff, 0xd8, 0xff, 0) },
        { type: "file", data: Uint8Array.of(1), mediaType: "text/plain" },
        { type: "image", url: "https://example.com/x.png" },
      ],
    }));
    expect(made).toEqual({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image", data: "/9j/AA==", mediaType: "image/jpeg" },
            { type: "file", data: "AQ==", mediaType: "text/plain" },
            { type: "image", url: "https://example.com/x.png" },
          ],
        },
      ],
      cells: ["What is this?"],
    });
  });

  it.each([
    [{ type: "image", data: Uint8Array.of(1, 2, 3) }],
    [{ type: "image", url: "cat.png" }],
    [{ type: "sound", url: "https://example.com/x.mp3" }],
  ])("are refused as %j", (part) => {
    expect(() => byFunction(() => ({ user: [part] }))).toThrow("something other than text");
  });
});
