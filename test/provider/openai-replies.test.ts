import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Result } from "../../src/core/result.ts";
import { parseReplyLine } from "../../src/provider/openai-replies.ts";

type Json = Readonly<Record<string, unknown>>;

const USAGE = {
  prompt_tokens: 8,
  completion_tokens: 2,
  total_tokens: 10,
  prompt_tokens_details: { cached_tokens: 3, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 0 },
};
const COUNTED = {
  inputTokens: 8,
  cachedInputTokens: 3,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  outputTokens: 2,
  reasoningTokens: 1,
};

function choice(message: Json, finish: string | null = "stop"): Json {
  return {
    index: 0,
    message: { role: "assistant", refusal: null, ...message },
    finish_reason: finish,
  };
}

function completion(first: unknown, more: Json = {}): Json {
  return {
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1789000100,
    model: "gpt-5-mini-2026-08-07",
    choices: first === undefined ? [] : [first],
    usage: USAGE,
    ...more,
  };
}

function answered(status: number, body: unknown, more: Json = {}): string {
  const response = { status_code: status, request_id: "req_a", body };
  return JSON.stringify({ id: "batch_req_1", custom_id: "r-1-0", response, error: null, ...more });
}

function httpError(status: number, code: string | null = null): string {
  const error = { message: "No good.", type: "invalid_request_error", param: null, code };
  return answered(status, { error });
}

function unrun(error: unknown, more: Json = {}): string {
  return JSON.stringify({ id: "batch_req_3", custom_id: "r-1-0", response: null, error, ...more });
}

function failureOf(line: string): Extract<Result, { status: "failed" }>["failure"] {
  const result = parseReplyLine(line);
  if (result.status !== "failed") throw new Error("The line was read as an answer.");
  expect(result.customId).toBe("r-1-0");
  return result.failure;
}

describe("a reply line with an answer", () => {
  const ok = { status: "succeeded", customId: "r-1-0", model: "gpt-5-mini-2026-08-07" };

  it("gives its text, model and usage", () => {
    expect(parseReplyLine(answered(200, completion(choice({ content: "hello" }))))).toEqual({
      ...ok,
      text: "hello",
      finishReason: "stop",
      usage: COUNTED,
    });
  });

  it("tells why the model stopped, whether or not that leaves an answer", () => {
    const cut = completion(choice({ content: "hel" }, "length"));
    expect(parseReplyLine(answered(200, cut))).toMatchObject({
      status: "failed",
      finishReason: "length",
    });
    const unsaid = completion(choice({ content: "hello" }, null));
    expect(parseReplyLine(answered(200, unsaid))).not.toHaveProperty("finishReason");
  });

  it("counts as one for every 2xx status, whatever else the line holds", () => {
    const body = completion(choice({ content: "", annotations: [] }), { service_tier: "default" });
    expect(parseReplyLine(answered(201, body, { extra: [1] }))).toMatchObject({ ...ok, text: "" });
  });

  it("may lack usage, model and finish reason", () => {
    const body = completion({ message: { content: "x" } }, { usage: undefined, model: undefined });
    expect(parseReplyLine(answered(200, body))).toEqual({
      ...ok,
      text: "x",
      model: null,
      usage: null,
    });
  });

  it("takes missing details of usage for none", () => {
    const usage = { prompt_tokens: 4, completion_tokens: 5, prompt_tokens_details: null };
    const body = completion(choice({ content: "x" }), { usage });
    expect(parseReplyLine(answered(200, body)).usage).toEqual({
      inputTokens: 4,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,
      cacheWriteHourTokens: 0,
      outputTokens: 5,
      reasoningTokens: 0,
    });
  });

  it("may begin with a byte order mark and end in a carriage return", () => {
    const line = answered(200, completion(choice({ content: "x" })));
    expect(parseReplyLine(`\uFEFF${line}\r`)).toEqual(parseReplyLine(line));
  });

  it("may come as a list of parts", () => {
    const content = [
      { type: "text", text: "one " },
      { type: "image_url", image_url: {} },
      { type: "text", text: "two" },
    ];
    const body = completion(choice({ content }));
    expect(parseReplyLine(answered(200, body))).toMatchObject({ ...ok, text: "one two" });
  });
});

describe("a reply line of another endpoint", () => {
  const ok = { status: "succeeded", customId: "r-1-0", model: "m-1" };

  it("is known by its body: a response, with usage in its own words", () => {
    const body = {
      object: "response",
      model: "m-1",
      status: "completed",
      output: [{ type: "message", content: [{ type: "output_text", text: "hello" }] }],
      usage: {
        input_tokens: 8,
        input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
        output_tokens: 2,
        output_tokens_details: { reasoning_tokens: 1 },
        total_tokens: 10,
      },
    };
    const expected = { ...ok, text: "hello", finishReason: "completed", usage: COUNTED };
    expect(parseReplyLine(answered(200, body))).toEqual(expected);
    expect(parseReplyLine(answered(200, { ...body, object: undefined }))).toEqual(expected);
    const cutOff = {
      ...body,
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    };
    expect(parseReplyLine(answered(200, cutOff))).toMatchObject({
      status: "failed",
      failure: { code: "truncated" },
      finishReason: "max_output_tokens",
      usage: COUNTED,
    });
  });

  it("is known by its body: a vector, which has no output to be charged", () => {
    const data = [{ object: "embedding", index: 0, embedding: [1, 0.5] }];
    const usage = { prompt_tokens: 5, total_tokens: 5 };
    expect(parseReplyLine(answered(200, { object: "list", data, model: "m-1", usage }))).toEqual({
      ...ok,
      text: "",
      embedding: Float32Array.of(1, 0.5),
      usage: {
        inputTokens: 5,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      },
    });
  });

  it("may hold calls", () => {
    const tool_calls = [{ type: "function", function: { name: "t", arguments: "{}" } }];
    const body = completion(choice({ content: null, tool_calls }, "tool_calls"));
    expect(parseReplyLine(answered(200, body))).toMatchObject({
      status: "succeeded",
      text: "",
      toolCalls: [{ name: "t", arguments: {} }],
    });
  });
});

describe("a reply line without a usable answer", () => {
  const said = (message: Json, finish?: string): string =>
    answered(200, completion(choice(message, finish)));

  it.each([
    ["cut off", said({ content: "half" }, "length"), "truncated"],
    ["cut off with nothing said", said({ content: "" }, "length"), "truncated"],
    ["stopped by a filter", said({ content: null }, "content_filter"), "refused"],
    ["declined", said({ content: null, refusal: "I cannot." }), "refused"],
    ["without content", said({ content: null }), "invalid_output"],
    ["with parts that hold no text", said({ content: [{ type: "image_url" }] }), "invalid_output"],
    ["with content that is no text", said({ content: 5 }), "invalid_output"],
    ["without choices", answered(200, completion(undefined)), "invalid_output"],
    ["whose choice is null", answered(200, completion(null)), "invalid_output"],
    ["with a body that is null", answered(200, null), "invalid_output"],
    ["with a body that is text", answered(200, "<html>"), "invalid_output"],
  ])("is final when %s", (_what, line, code) => {
    expect(failureOf(line)).toMatchObject({ code, retryable: false });
  });

  it("is billed for what it used, and a refusal is told in the model's words", () => {
    const line = said({ content: null, refusal: "I cannot." });
    expect(parseReplyLine(line).usage).toEqual(COUNTED);
    expect(failureOf(line).message).toBe("I cannot.");
  });

  it.each([
    [400, null, "invalid_input", false],
    [422, null, "invalid_input", false],
    [400, "context_length_exceeded", "too_long", false],
    [413, null, "too_long", false],
    [401, null, "provider_error", false],
    [404, null, "provider_error", false],
    [408, null, "provider_error", true],
    [409, null, "provider_error", true],
    [429, null, "rate_limited", true],
    [500, null, "provider_error", true],
    [503, null, "provider_error", true],
    [302, null, "provider_error", false],
  ])("HTTP %i (%s) is %s, to be sent again: %s", (status, code, expected, retryable) => {
    const failure = failureOf(httpError(status, code));
    expect(failure).toEqual({
      code: expected,
      message: `HTTP ${String(status)}: No good.`,
      retryable,
    });
  });

  it.each([null, "<html>502</html>", {}, { error: "text" }, { error: { message: 5 } }])(
    "an HTTP error with the body %j still says its status",
    (body) => {
      expect(failureOf(answered(500, body)).message).toBe("HTTP 500: no message");
    },
  );

  it.each([
    [{ code: "batch_expired", message: "Too late." }, "expired", "Too late."],
    [{ code: "batch_cancelled", message: "Stopped." }, "cancelled", "Stopped."],
    [{ code: "server_error", message: "Broke." }, "provider_error", "Broke."],
    [{ code: "batch_expired" }, "expired", "The request was not executed."],
    [null, "provider_error", "The request was not executed."],
    ["text", "provider_error", "The request was not executed."],
  ])("one that never ran with %j is %s and may be sent again", (error, code, message) => {
    expect(failureOf(unrun(error))).toEqual({ code, message, retryable: true });
  });

  it.each([
    ["no response member", { response: undefined }],
    ["a response that is a list", { response: [200] }],
    ["a status that is text", { response: { status_code: "200", body: {} } }],
  ])("one with %s never ran", (_what, more) => {
    expect(failureOf(unrun(null, more))).toMatchObject({ code: "provider_error", retryable: true });
  });

  it.each([
    "",
    "{",
    "[]",
    "null",
    "5",
    '"text"',
    '[{"custom_id":"r-1-0"}]',
    answered(200, {}).slice(9),
  ])("that is no JSON object has no id: %j", (line) => {
    expect(parseReplyLine(line)).toMatchObject({
      status: "failed",
      customId: null,
      failure: { code: "provider_error", retryable: true },
    });
  });

  it.each([undefined, null, 5, ["r-1-0"]])("whose id is %j has none", (custom_id) => {
    const line = answered(200, completion(choice({ content: "x" })), { custom_id });
    expect(parseReplyLine(line).customId).toBeNull();
  });
});

it("no line makes the reader throw, and every one is an answer or a failure", () => {
  const depth = "[".repeat(100_000);
  const pieces = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({ custom_id: fc.jsonValue(), response: fc.jsonValue(), error: fc.jsonValue() })
      .map((line) => JSON.stringify(line)),
    fc.jsonValue().map((body) => answered(200, body)),
    fc.jsonValue().map((first) => answered(200, completion(first))),
    fc.jsonValue().map((output) => answered(200, { object: "response", output })),
    fc.jsonValue().map((data) => answered(200, { object: "list", data })),
    fc.constant(depth),
  );
  fc.assert(
    fc.property(pieces, (line) => {
      expect(["succeeded", "failed"]).toContain(parseReplyLine(line).status);
    }),
    { numRuns: 300 },
  );
});
