import { describe, expect, it } from "vitest";
import { requestId, type Request } from "../../src/core/request.ts";

const base: Request = {
  model: "m",
  params: { temperature: 0, top_p: 1 },
  form: { kind: "labels", labels: [{ name: "a", description: "one" }, { name: "b" }] },
  settings: {},
  promptCache: null,
  messages: [{ role: "user", content: "hello" }],
  cells: ["hello"],
};

describe("requestId", () => {
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
});
