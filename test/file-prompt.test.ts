import { describe, expect, it } from "vitest";
import { filePrompt } from "../src/file-prompt.ts";
import { fileOf } from "./frame/support.ts";

const ask = async (row: number | undefined, more: object = {}, content = "text\none\ntwo\n") =>
  await filePrompt({
    file: { input: await fileOf(content, "in.csv") },
    template: "say {{ text }}",
    model: "",
    options: more,
    row,
  });

describe("filePrompt", () => {
  it("gives the messages of a row as they would be sent, with examples and instructions before it", async () => {
    const examples = [{ input: { text: "hi" }, output: "greeting" }];
    const shown = await ask(1, { system: "Be kind.", examples });
    expect(shown).toEqual({
      row: 1,
      schema: null,
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "say hi" },
        { role: "assistant", content: "greeting" },
        { role: "user", content: "say two" },
      ],
    });
  });

  it("takes the first row that would be asked, and its text as it would be cut", async () => {
    const content = 'text,n\n"",1\n"one two",2\n';
    const shown = await ask(undefined, { maxChars: 5, onLong: "truncate" }, content);
    expect(shown).toMatchObject({ row: 1, messages: [{ content: "say one" }] });
    const labelled = await ask(undefined, { output: { labels: ["a", "b"] } });
    expect(labelled.schema).toMatchObject({ properties: { label: { enum: ["a", "b"] } } });
  });

  it("refuses a row that is not there, and one that would not be asked", async () => {
    await expect(ask(2)).rejects.toMatchObject({
      code: "row_unknown",
      message: expect.stringContaining("no row 3") as string,
    });
    const blank = "text,n\n,1\nlong text,2\n";
    await expect(ask(0, {}, blank)).rejects.toMatchObject({ code: "row_unknown" });
    await expect(ask(1, { maxChars: 3 }, blank)).rejects.toMatchObject({ code: "row_unknown" });
    await expect(ask(undefined, {}, "text,n\n,1\n")).rejects.toMatchObject({
      code: "row_unknown",
      message: expect.stringContaining("No row") as string,
    });
  });
});
