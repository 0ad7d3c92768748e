import { describe, expect, it } from "vitest";
import { idOfLine, parseMessageLine } from "../../src/provider/anthropic-replies.ts";

const usage = {
  input_tokens: 9,
  cache_creation_input_tokens: 100,
  cache_read_input_tokens: 20,
  cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 70 },
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
    cacheWriteTokens: 100,
    cacheWriteHourTokens: 70,
    outputTokens: 4,
    reasoningTokens: 3,
  };

  it("reads an answer, and counts cached tokens as input", () => {
    expect(parseMessageLine(succeeded({}))).toEqual({
      status: "succeeded",
      customId: "a",
      text: "hello",
      model: "claude-haiku-4-5-20251001",
      finishReason: "end_turn",
      usage: counted,
    });
  });

  it("tells why the model stopped, whether or not that leaves an answer", () => {
    const stopped = { stop_reason: "max_tokens" };
    expect(parseMessageLine(succeeded(stopped))).toMatchObject({
      status: "failed",
      finishReason: "max_tokens",
    });
    expect(parseMessageLine(succeeded({ stop_reason: null }))).not.toHaveProperty("finishReason");
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

  it("gives the calls of tools in their order, beside what was said", () => {
    const calls = [
      { type: "tool_use", id: "toolu_1", name: "look_up", input: { city: "Rome" } },
      { type: "tool_use", id: "toolu_2", name: "stop" },
    ];
    const toolCalls = [
      { name: "look_up", arguments: { city: "Rome" } },
      { name: "stop", arguments: {} },
    ];
    const stopped = { stop_reason: "tool_use" };
    expect(parseMessageLine(succeeded({ ...stopped, content: calls }))).toEqual(
      expect.objectContaining({ status: "succeeded", text: "", toolCalls }),
    );
    const content = [{ type: "text", text: "One moment." }, ...calls];
    expect(parseMessageLine(succeeded({ ...stopped, content }))).toEqual(
      expect.objectContaining({ text: "One moment.", toolCalls }),
    );
  });

  it("takes the input of the answer tool for the answer, and for no call", () => {
    const content = [
      { type: "text", text: "Here it is:" },
      { type: "tool_use", name: "answer", input: { label: "a" } },
    ];
    const result = parseMessageLine(succeeded({ content, stop_reason: "tool_use" }));
    expect(result).toMatchObject({ status: "succeeded", text: '{"label":"a"}' });
    expect(result).not.toHaveProperty("toolCalls");
    const none = [{ type: "tool_use", name: "answer" }];
    expect(parseMessageLine(succeeded({ content: none }))).toMatchObject({ text: "null" });
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
    for (const content of [[], null, "text", [{ type: "thinking", thinking: "hm" }]])
      expect(parseMessageLine(succeeded({ content, usage: undefined }))).toMatchObject({
        status: "failed",
        failure: { code: "invalid_output", retryable: false },
        usage: null,
      });
    expect(parseMessageLine(succeeded({ usage: { input_tokens: 1 } })).usage).toEqual({
      ...{
        inputTokens: 1,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      },
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
