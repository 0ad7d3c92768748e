import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Message, Part } from "../../src/core/request.ts";
import { conversationOf, withTurn, type Turn } from "../../src/provider/anthropic-turns.ts";

const text = (said: string): object => ({ type: "text", text: said });

function blockOf(part: Part): unknown {
  const { turns } = conversationOf([{ role: "user", content: [part] }], null);
  return turns[0]?.content[0];
}

describe("conversationOf", () => {
  it("leaves plain turns plain, and makes one turn of what the same side says in a row", () => {
    const messages: readonly Message[] = [
      { role: "user", content: "one" },
      { role: "system", content: "Be brief." },
      { role: "user", content: [{ type: "text", text: "two" }] },
      { role: "assistant", content: "three" },
      { role: "user", content: "four" },
    ];
    expect(conversationOf(messages, null)).toEqual({
      system: [text("Be brief.")],
      turns: [
        { role: "user", content: [text("one"), text("two")] },
        { role: "assistant", content: "three" },
        { role: "user", content: "four" },
      ],
    });
  });

  it("loses no text and never has two turns of one side in a row, whatever is said", () => {
    const message = fc.record({
      role: fc.constantFrom("user" as const, "assistant" as const),
      content: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(message), fc.nat(4), (messages, lastUserMessages) => {
        const { turns } = conversationOf(messages, { lastUserMessages });
        expect(turns.every(({ role }, at) => role !== turns[at - 1]?.role)).toBe(true);
        const said = turns.flatMap(({ content }) =>
          typeof content === "string" ? content : content.map((block) => block["text"]),
        );
        expect(said).toEqual(messages.map(({ content }) => content));
        const marks = JSON.stringify(turns).split('"cache_control":{').length - 1;
        const users = messages.filter(({ role }) => role === "user").length;
        expect(marks).toBe(Math.min(users, lastUserMessages));
      }),
    );
  });

  it("marks the last system block and the last block of the last user messages", () => {
    const messages: readonly Message[] = [
      { role: "system", content: "a" },
      { role: "system", content: "b" },
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
      {
        role: "user",
        content: [
          { type: "text", text: "three" },
          { type: "text", text: "four" },
        ],
      },
      { role: "user", content: "five" },
    ];
    const mark = { cache_control: { type: "ephemeral", ttl: "1h" } };
    const cache = { system: true, lastUserMessages: 2, ttl: "1h" } as const;
    expect(conversationOf(messages, cache)).toEqual({
      system: [text("a"), { ...text("b"), ...mark }],
      turns: [
        { role: "user", content: "one" },
        { role: "assistant", content: "two" },
        {
          role: "user",
          content: [text("three"), { ...text("four"), ...mark }, { ...text("five"), ...mark }],
        },
      ],
    });
  });

  it.each<[Part, unknown]>([
    [
      { type: "image", url: "https://example.com/a.png" },
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
    ],
    [
      { type: "image", data: "AAAA", mediaType: "image/webp" },
      { type: "image", source: { type: "base64", media_type: "image/webp", data: "AAAA" } },
    ],
    [
      { type: "file", url: "https://example.com/a.pdf" },
      { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } },
    ],
    [
      { type: "file", data: "AAAA", mediaType: "application/pdf" },
      { type: "document", source: { type: "base64", media_type: "application/pdf", data: "AAAA" } },
    ],
    [
      { type: "file", data: Buffer.from("a;ö").toString("base64"), mediaType: "text/csv" },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "a;ö" } },
    ],
  ])("gives %j as a block", (part, block) => {
    expect(blockOf(part)).toEqual(block);
  });

  it.each<Part>([
    { type: "image", url: "gs://bucket/a.png" },
    { type: "file", url: "s3://bucket/a.pdf" },
    { type: "image", data: "AAAA", mediaType: "image/tiff" },
    { type: "file", data: "AAAA", mediaType: "application/zip" },
  ])("refuses %j", (part) => {
    expect(() => blockOf(part)).toThrow(expect.objectContaining({ code: "part_unsupported" }));
  });

  it.each(["system", "assistant"] as const)("refuses a picture in a message of the %s", (role) => {
    const part = { type: "image", url: "https://example.com/a.png" } as const;
    expect(() => conversationOf([{ role, content: [part] }], null)).toThrow(
      expect.objectContaining({ code: "part_unsupported" }),
    );
  });
});

describe("withTurn", () => {
  it("adds a turn, or adds to the last one", () => {
    const turns: readonly Turn[] = [{ role: "assistant", content: "a" }];
    const more = withTurn(turns, { role: "user", content: "b" });
    expect(more).toEqual([...turns, { role: "user", content: "b" }]);
    expect(withTurn(more, { role: "user", content: "c" })).toEqual([
      ...turns,
      { role: "user", content: [text("b"), text("c")] },
    ]);
  });
});
