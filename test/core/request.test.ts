import { describe, expect, it } from "vitest";
import fc from "../property.ts";
import { canonicalJson, type Json } from "../../src/core/hash.ts";
import { requestIdentity, type Message, type Request } from "../../src/core/request.ts";

function requestId(provider: string, request: Request): string {
  return requestIdentity(provider, request).of(request.messages);
}

const base: Request = {
  model: "m",
  params: { temperature: 0, top_p: 1 },
  form: { kind: "labels", labels: [{ name: "a", description: "one" }, { name: "b" }] },
  settings: {},
  promptCache: null,
  messages: [{ role: "user", content: "hello" }],
  cells: ["hello"],
};

describe("the identity of a request", () => {
  it("is the same for the same content, whatever the order of its members and its cells", () => {
    const other: Request = { ...base, params: { top_p: 1, temperature: 0 }, cells: [] };
    expect(requestId("openai", other)).toBe(requestId("openai", base));
    expect(requestId("openai", base)).toMatch(/^[0-9a-f]{32}$/);
  });

  it("changes with everything that decides the answer", () => {
    const others: readonly Request[] = [
      { ...base, model: "m2" },
      { ...base, params: {} },
      { ...base, params: { ...base.params, temperature: 0.1 } },
      { ...base, form: { kind: "text" } },
      { ...base, form: { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } },
      { ...base, form: { kind: "labels", labels: [{ name: "b" }, { name: "a" }] } },
      { ...base, messages: [{ role: "system", content: "hello" }] },
      { ...base, messages: [{ role: "user", content: "hello " }] },
      { ...base, messages: [...base.messages, ...base.messages] },
    ];
    const ids = [base, ...others].map((request) => requestId("openai", request));
    ids.push(requestId("other", base));
    expect(new Set(ids).size).toBe(others.length + 2);
  });

  it("is one for messages that say the same and another for all else, whatever was asked before", () => {
    const content = fc.oneof(
      fc.string({ unit: "binary", maxLength: 2 }),
      fc.constantFrom("text\n", "json\n", '"\\ud800"', "\ud800", "\ufffd", "user text\n"),
      fc.constant([{ type: "image", url: "https://a.test/1.png" }] as const),
    );
    const role = fc.constantFrom("system" as const, "user" as const, "assistant" as const);
    const message: fc.Arbitrary<Message> = fc.record({ role, content });
    const lists = fc.array(fc.array(message, { maxLength: 3 }), { maxLength: 12 });
    fc.assert(
      fc.property(lists, (asked) => {
        const identity = requestIdentity("p", base);
        const byContent = new Map<string, string>();
        for (const messages of asked) {
          const id = identity.of(messages);
          expect(identity.of([...messages])).toBe(id);
          expect(requestIdentity("p", base).of(messages)).toBe(id);
          byContent.set(canonicalJson(messages as unknown as Json), id);
        }
        expect(new Set(byContent.values()).size).toBe(byContent.size);
      }),
    );
  });
});
