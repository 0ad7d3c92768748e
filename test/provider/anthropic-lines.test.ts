import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import type { Request } from "../../src/core/request.ts";
import {
  amendableFailures,
  amendMessageLine,
  encodeMessageLine,
} from "../../src/provider/anthropic-lines.ts";
import { readdressLine } from "../../src/provider/openai-lines.ts";

const request: Request = {
  model: "claude-haiku-4-5",
  params: {},
  form: { kind: "text" },
  settings: {},
  promptCache: null,
  messages: [{ role: "user", content: "hi" }],
  cells: [],
};

function paramsOf(changes: Partial<Request>): Record<string, unknown> {
  const line = encodeMessageLine({ ...request, ...changes }, "a-1-2");
  return (JSON.parse(line) as { params: Record<string, unknown> }).params;
}

describe("encodeMessageLine", () => {
  it("puts the id first and asks with the cap that the API demands", () => {
    expect(encodeMessageLine(request, "a-1-2")).toBe(
      '{"custom_id":"a-1-2","params":{"model":"claude-haiku-4-5","max_tokens":1024,"messages":[{"role":"user","content":"hi"}]}}',
    );
  });

  it("takes system messages out of the conversation", () => {
    const messages = [
      { role: "system", content: "Be brief." },
      { role: "system", content: "Be kind." },
      { role: "user", content: "one" },
      { role: "assistant", content: "two" },
    ] as const;
    expect(paramsOf({ messages })).toMatchObject({
      system: [
        { type: "text", text: "Be brief." },
        { type: "text", text: "Be kind." },
      ],
      messages: messages.slice(2),
    });
  });

  it("asks for labels by a schema, beside whatever else configures the output", () => {
    const form = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
    expect(paramsOf({ form, params: { output_config: { effort: "low" } } })).toMatchObject({
      output_config: {
        effort: "low",
        format: {
          type: "json_schema",
          schema: {
            properties: { label: { enum: ["a", "b"] } },
            additionalProperties: false,
          },
        },
      },
    });
  });

  it("lets params win", () => {
    expect(paramsOf({ params: { max_tokens: 5, top_k: 3, metadata: { user_id: "u" } } })).toEqual({
      model: "claude-haiku-4-5",
      max_tokens: 5,
      top_k: 3,
      metadata: { user_id: "u" },
      messages: request.messages,
    });
  });

  it.each([
    ["claude-opus-4-7", false],
    ["claude-opus-4-7-20260101", false],
    ["claude-opus-5-5", false],
    ["claude-sonnet-5", false],
    ["claude-haiku-5-1", false],
    ["claude-opus-4-6", true],
    ["claude-opus-4-20250514", true],
    ["claude-sonnet-4-9", true],
    ["claude-3-5-haiku-20241022", true],
    ["a-gateways-alias", true],
  ])("knows whether %s takes sampling parameters: %s", (model, takes) => {
    const encode = (): unknown => paramsOf({ model, params: { temperature: 0 } });
    if (takes) expect(encode()).toMatchObject({ temperature: 0 });
    else expect(encode).toThrow(InputError);
  });

  it("refuses what no batch can have, before anything is sent", () => {
    expect(() => paramsOf({ params: { stream: true } })).toThrow(/stream.*Nothing was sent/);
    expect(() => paramsOf({ params: { speed: "fast" } })).toThrow(InputError);
    expect(paramsOf({ params: { stream: false } })).toMatchObject({ stream: false });
  });
});

describe("asking again", () => {
  const line = encodeMessageLine({ ...request, params: { max_tokens: 50 } }, "a-1-2");

  it("changes the id alone, which stays first", () => {
    expect(readdressLine(line, "a-2-2")).toBe(line.replace("a-1-2", "a-2-2"));
  });

  it("raises the cap after a cut-off answer, which there always is", () => {
    const failure = { code: "truncated", message: "m", retryable: false } as const;
    const amended = amendMessageLine(line, "a-2-2", failure);
    expect(amended).toBe(line.replace("a-1-2", "a-2-2").replace("50", "100"));
    expect([...amendableFailures()].toSorted()).toEqual(["invalid_output", "truncated"]);
  });

  it("says what was wrong with an unusable one", () => {
    const failure = { code: "invalid_output", message: "Not JSON.", retryable: false } as const;
    const amended = amendMessageLine(line, "a-2-2", failure);
    expect(amended.startsWith('{"custom_id":"a-2-2"')).toBe(true);
    expect(JSON.parse(amended)).toMatchObject({
      params: {
        max_tokens: 50,
        messages: [
          {
            role: "user",
            content: [
              { type: "text", text: "hi" },
              { type: "text", text: expect.stringContaining("Not JSON.") as unknown },
            ],
          },
        ],
      },
    });
  });
});
