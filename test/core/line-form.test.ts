import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { lineEncoder, type EncodeLine } from "../../src/core/line-form.ts";
import type { Message, Request } from "../../src/core/request.ts";

const spec: Omit<Request, "messages"> = {
  model: "m",
  params: {},
  form: { kind: "text" },
  settings: {},
  promptCache: null,
  cells: [],
};

/** A line as providers write it: id first, system messages apart, texts as JSON. */
const encode: EncodeLine = ({ messages, model }, customId) =>
  JSON.stringify({
    custom_id: customId,
    body: {
      model,
      system: messages.filter(({ role }) => role === "system").map(({ content }) => content),
      turns: messages.filter(({ role }) => role !== "system"),
    },
  });

describe("a line encoder", () => {
  it("writes what the provider writes, whatever the texts are", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 8 }),
      fc.constantFrom("⟦text⟧", "q00000000-0-0", "$&", "$1", '"', "\\", "\u2028", "\ud800"),
    );
    const role = fc.constantFrom("system" as const, "user" as const, "assistant" as const);
    const message: fc.Arbitrary<Message> = fc.record({ role, content: text });
    const before = fc.array(fc.array(message, { maxLength: 2 }), { minLength: 1, maxLength: 4 });
    const rows = fc.array(fc.record({ before: fc.nat(), last: message }), { maxLength: 40 });
    fc.assert(
      fc.property(before, rows, (beginnings, asked) => {
        const encodeLine = lineEncoder(encode, spec);
        for (const [at, row] of asked.entries()) {
          const first = beginnings[row.before % beginnings.length] ?? [];
          const request: Request = { ...spec, messages: [...first, row.last] };
          const id = `rabcdefg-1-${String(at)}`;
          expect(encodeLine(request, id)).toBe(encode(request, id));
        }
      }),
    );
  });

  it("leaves requests with pictures to the provider, and asks it for few others", () => {
    let calls = 0;
    const encodeLine = lineEncoder((request, id) => {
      calls += 1;
      return encode(request, id);
    }, spec);
    const system: Message = { role: "system", content: "Be brief." };
    for (let row = 0; row < 100; row += 1)
      encodeLine(
        { ...spec, messages: [system, { role: "user", content: `row ${String(row)}` }] },
        "a-1-1",
      );
    expect(calls).toBe(1);
    const picture: Message = { role: "user", content: [{ type: "image", url: "https://a.test" }] };
    const request = { ...spec, messages: [system, picture] };
    expect(encodeLine(request, "a-1-2")).toBe(encode(request, "a-1-2"));
    expect(calls).toBe(2);
  });
});
