import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Request } from "../../src/core/request.ts";
import type { Result } from "../../src/core/result.ts";
import {
  amendableFailures,
  amendLine,
  encodeChatLine,
  parseChatLine,
  readdressLine,
} from "../../src/provider/openai-lines.ts";

const REQUEST: Request = {
  model: "gpt-5-mini",
  params: {},
  form: { kind: "text" },
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: 'Say "hi"\u2028\n' },
  ],
  cells: ["hi"],
};

type Json = Readonly<Record<string, unknown>>;

const USAGE = {
  prompt_tokens: 8,
  completion_tokens: 2,
  total_tokens: 10,
  prompt_tokens_details: { cached_tokens: 3, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 1, audio_tokens: 0 },
};
const COUNTED = { inputTokens: 8, cachedInputTokens: 3, outputTokens: 2, reasoningTokens: 1 };

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
  const result = parseChatLine(line);
  if (result.status !== "failed") throw new Error("The line was read as an answer.");
  expect(result.customId).toBe("r-1-0");
  return result.failure;
}

describe("a request line", () => {
  it("asks for a chat completion, the id first", () => {
    const line = encodeChatLine(REQUEST, "r-1-0");
    expect(line).toMatch(/^\{"custom_id":"r-1-0",/);
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toEqual({
      custom_id: "r-1-0",
      method: "POST",
      url: "/v1/chat/completions",
      body: { model: "gpt-5-mini", messages: REQUEST.messages },
    });
  });

  it("asks for labels as a strict schema, and lets the user's parameters win", () => {
    const form = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
    const params = { temperature: 0, model: "other" };
    const line = JSON.parse(encodeChatLine({ ...REQUEST, form, params }, "r-1-0")) as Json;
    expect(line["body"]).toMatchObject({
      model: "other",
      temperature: 0,
      response_format: {
        type: "json_schema",
        json_schema: { strict: true, schema: { properties: { label: { enum: ["a", "b"] } } } },
      },
    });
  });

  it("under a new id differs in the id alone, which stays first", () => {
    const line = encodeChatLine(REQUEST, "r-1-0");
    expect(readdressLine(line, "r-22-0")).toBe(line.replace('"r-1-0"', '"r-22-0"'));
  });
});

describe("asking again in other words", () => {
  const line = encodeChatLine({ ...REQUEST, params: { max_completion_tokens: 50 } }, "r-1-0");

  it("is possible for a cut-off answer only where the run sets a cap", () => {
    expect([...amendableFailures({})]).toEqual(["invalid_output"]);
    expect([...amendableFailures({ max_tokens: 5 })]).toEqual(["invalid_output", "truncated"]);
    expect([...amendableFailures({ max_completion_tokens: 5 })]).toContain("truncated");
  });

  it("doubles the cap of a cut-off answer and leaves the words alone", () => {
    const failure = { code: "truncated", message: "Cut off.", retryable: false } as const;
    expect(amendLine(line, "r-2-0", failure)).toBe(
      line.replace('"r-1-0"', '"r-2-0"').replace(":50", ":100"),
    );
  });

  it("says what was wrong with an unusable one", () => {
    const failure = { code: "invalid_output", message: "Not a label.", retryable: false } as const;
    const amended = JSON.parse(amendLine(line, "r-2-0", failure)) as { body: Json };
    const messages = amended.body["messages"] as readonly Json[];
    expect(messages.slice(0, 2)).toEqual(REQUEST.messages);
    expect(messages).toHaveLength(3);
    expect(messages[2]).toMatchObject({ role: "user" });
    expect(messages[2]?.["content"]).toContain("Not a label.");
    expect(amended.body["max_completion_tokens"]).toBe(50);
  });
});

describe("a reply line with an answer", () => {
  const ok = { status: "succeeded", customId: "r-1-0", model: "gpt-5-mini-2026-08-07" };

  it("gives its text, model and usage", () => {
    expect(parseChatLine(answered(200, completion(choice({ content: "hello" }))))).toEqual({
      ...ok,
      text: "hello",
      usage: COUNTED,
    });
  });

  it("counts as one for every 2xx status, whatever else the line holds", () => {
    const body = completion(choice({ content: "", annotations: [] }), { service_tier: "default" });
    expect(parseChatLine(answered(201, body, { extra: [1] }))).toMatchObject({ ...ok, text: "" });
  });

  it("may lack usage, model and finish reason", () => {
    const body = completion({ message: { content: "x" } }, { usage: undefined, model: undefined });
    expect(parseChatLine(answered(200, body))).toEqual({
      ...ok,
      text: "x",
      model: null,
      usage: null,
    });
  });

  it("takes missing details of usage for none", () => {
    const usage = { prompt_tokens: 4, completion_tokens: 5, prompt_tokens_details: null };
    const body = completion(choice({ content: "x" }), { usage });
    expect(parseChatLine(answered(200, body)).usage).toEqual({
      inputTokens: 4,
      cachedInputTokens: 0,
      outputTokens: 5,
      reasoningTokens: 0,
    });
  });

  it("may begin with a byte order mark and end in a carriage return", () => {
    const line = answered(200, completion(choice({ content: "x" })));
    expect(parseChatLine(`\uFEFF${line}\r`)).toEqual(parseChatLine(line));
  });

  it("may come as a list of parts", () => {
    const content = [
      { type: "text", text: "one " },
      { type: "image_url", image_url: {} },
      { type: "text", text: "two" },
    ];
    const body = completion(choice({ content }));
    expect(parseChatLine(answered(200, body))).toMatchObject({ ...ok, text: "one two" });
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
    expect(parseChatLine(line).usage).toEqual(COUNTED);
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
    expect(parseChatLine(line)).toMatchObject({
      status: "failed",
      customId: null,
      failure: { code: "provider_error", retryable: true },
    });
  });

  it.each([undefined, null, 5, ["r-1-0"]])("whose id is %j has none", (custom_id) => {
    const line = answered(200, completion(choice({ content: "x" })), { custom_id });
    expect(parseChatLine(line).customId).toBeNull();
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
    fc.constant(depth),
  );
  fc.assert(
    fc.property(pieces, (line) => {
      expect(["succeeded", "failed"]).toContain(parseChatLine(line).status);
    }),
    { numRuns: 300 },
  );
});
