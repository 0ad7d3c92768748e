import { describe, expect, it } from "vitest";
import type { Cell } from "../../src/core/column.ts";
import { InputError } from "../../src/core/errors.ts";
import type { Prompt } from "../../src/core/request.ts";
import { parseTemplate } from "../../src/core/template.ts";
import type { Block } from "../../src/frame/frame.ts";
import { functionRendering, textRendering, type PromptAnswer } from "../../src/stages/render.ts";

type Columns = Readonly<Record<string, readonly Cell[]>>;

function blockOf(columns: Columns): Block {
  const rowCount = Object.values(columns)[0]?.length ?? 0;
  const text = (name: string): (string | null)[] =>
    (columns[name] ?? []).map((cell) =>
      cell === null ? null : JSON.stringify(cell).replaceAll('"', ""),
    );
  return { firstRow: 10, rowCount, text, values: (name) => columns[name] ?? [] };
}

function byFunction(
  prompt: (row: Readonly<Record<string, Cell>>) => unknown,
  columns: Columns = { a: ["x"] },
  system?: string,
): Prompt | null {
  const names = Object.keys(columns);
  const typed = prompt as (row: Readonly<Record<string, Cell>>) => PromptAnswer;
  return functionRendering({ columns: names, prompt: typed }, system).prompts(blockOf(columns))(0);
}

describe("a text template", () => {
  const block = blockOf({ a: ["x", null, " "], b: [1, 2, 3] });

  it("becomes the user's message after the system's, with the cells it holds", () => {
    const rendering = textRendering(parseTemplate("{{ a }}/{{ b }}"), "Be kind.", "skip");
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
    const skipping = textRendering(parseTemplate("{{ a }}"), undefined, "skip").prompts(block);
    expect([skipping(1), skipping(2)]).toEqual([null, null]);
    const asking = textRendering(parseTemplate("<{{ a }}>"), undefined, "empty").prompts(block);
    expect(asking(1)?.messages).toEqual([{ role: "user", content: "<>" }]);
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
