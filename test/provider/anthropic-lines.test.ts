import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import type { Request } from "../../src/core/request.ts";
import {
  amendableFailures,
  amendMessageLine,
  encodeMessageLine,
  idOfLine,
  parseMessageLine,
} from "../../src/provider/anthropic-lines.ts";
import { readdressLine } from "../../src/provider/openai-lines.ts";

const request: Request = {
  model: "claude-haiku-4-5",
  params: {},
  form: { kind: "text" },
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
      system: "Be brief.\n\nBe kind.",
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
    const { params } = JSON.parse(amended) as { params: { messages: readonly unknown[] } };
    expect(params).toMatchObject({ max_tokens: 50 });
    expect(params.messages).toHaveLength(2);
    expect(params.messages[1]).toMatchObject({
      role: "user",
      content: expect.stringContaining("Not JSON.") as unknown,
    });
  });
});

const usage = {
  input_tokens: 9,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 20,
  cache_creation: null,
  output_tokens: 4,
  output_tokens_details: { thinking_tokens: 3 },
  service_tier: "batch",
};

function succeeded(message: Readonly<Record<string, unknown>>): string {
  const whole = {
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: "hello" }],
    stop_reason: "end_turn",
    usage,
    ...message,
  };
  return JSON.stringify({ custom_id: "a", result: { type: "succeeded", message: whole } });
}

function errored(type: string, message = "why"): string {
  const error = { type: "error", error: { type, message }, request_id: "req_9" };
  return JSON.stringify({ custom_id: "a", result: { type: "errored", error } });
}

describe("parseMessageLine", () => {
  const counted = {
    inputTokens: 129,
    cachedInputTokens: 20,
    outputTokens: 4,
    reasoningTokens: 3,
  };

  it("reads an answer, and counts cached tokens as input", () => {
    expect(parseMessageLine(succeeded({}))).toEqual({
      status: "succeeded",
      customId: "a",
      text: "hello",
      model: "claude-haiku-4-5-20251001",
      usage: counted,
    });
  });

  it("joins the text blocks and leaves out thoughts, tools and what is unknown", () => {
    const content = [
      { type: "thinking", thinking: "hm", text: "no" },
      { type: "text", text: "one " },
      { type: "tool_use", name: "t", input: {} },
      { type: "something_new" },
      null,
      { type: "text", text: "two" },
    ];
    expect(parseMessageLine(succeeded({ content }))).toMatchObject({ text: "one two" });
  });

  it.each([
    ["max_tokens", "truncated"],
    ["model_context_window_exceeded", "too_long"],
    ["refusal", "refused"],
    ["pause_turn", "invalid_output"],
  ])("takes an answer that stopped by %s for %s, and for billed", (stop, code) => {
    expect(parseMessageLine(succeeded({ stop_reason: stop }))).toMatchObject({
      status: "failed",
      customId: "a",
      failure: { code, retryable: false },
      usage: counted,
    });
  });

  it.each([["end_turn"], ["stop_sequence"], ["tool_use"], ["something_new"], [null]])(
    "takes one that stopped by %s as it is",
    (stop) => {
      expect(parseMessageLine(succeeded({ stop_reason: stop }))).toMatchObject({ text: "hello" });
    },
  );

  it("knows a message without text or usage", () => {
    for (const content of [[], null, [{ type: "tool_use", name: "t", input: {} }]])
      expect(parseMessageLine(succeeded({ content, usage: undefined }))).toMatchObject({
        status: "failed",
        failure: { code: "invalid_output", retryable: false },
        usage: null,
      });
    expect(parseMessageLine(succeeded({ usage: { input_tokens: 1 } })).usage).toEqual({
      ...{ inputTokens: 1, cachedInputTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    });
  });

  it.each([
    ["invalid_request_error", "invalid_input", false],
    ["request_too_large", "too_long", false],
    ["authentication_error", "provider_error", false],
    ["billing_error", "provider_error", false],
    ["permission_error", "provider_error", false],
    ["not_found_error", "provider_error", false],
    ["rate_limit_error", "rate_limited", true],
    ["api_error", "provider_error", true],
    ["overloaded_error", "provider_error", true],
    ["timeout_error", "provider_error", true],
    ["something_new", "provider_error", true],
  ])("reads %s as %s, to be sent again: %s", (type, code, retryable) => {
    const result = parseMessageLine(errored(type));
    expect(result).toMatchObject({ customId: "a", failure: { code, retryable }, usage: null });
    expect(result.status === "failed" && result.failure.message).toBe(`${type}: why`);
  });

  it("tells a prompt that is too long from one that is wrong", () => {
    const line = errored("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum");
    expect(parseMessageLine(line)).toMatchObject({ failure: { code: "too_long" } });
  });

  it.each([
    ["canceled", "cancelled"],
    ["expired", "expired"],
    ["something_new", "provider_error"],
  ])("hands on a request that is %s", (type, code) => {
    const line = JSON.stringify({ custom_id: "a", result: { type } });
    expect(parseMessageLine(line)).toMatchObject({
      customId: "a",
      failure: { code, retryable: true },
    });
  });

  it.each(["", "{", "[]", "null", '"a"', "{}", '{"custom_id":7}', '{"custom_id":"a","result":[]}'])(
    "never throws: %s",
    (line) => {
      expect(parseMessageLine(line)).toMatchObject({
        status: "failed",
        failure: { code: "provider_error", retryable: true },
      });
    },
  );

  it("forgives a byte order mark", () => {
    expect(parseMessageLine(`\uFEFF${succeeded({})}`)).toMatchObject({ text: "hello" });
  });
});

describe("idOfLine", () => {
  it("is the line's id, or null", () => {
    expect(idOfLine(succeeded({}))).toBe("a");
    for (const line of ["", "{}", '{"custom_id":1}', "[1]"]) expect(idOfLine(line)).toBeNull();
  });
});
