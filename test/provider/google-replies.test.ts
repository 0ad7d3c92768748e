import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { RequestFailure, Result } from "../../src/core/result.ts";
import { parseGenerateLine } from "../../src/provider/google-replies.ts";

type Json = Readonly<Record<string, unknown>>;

const USAGE = {
  promptTokenCount: 8,
  cachedContentTokenCount: 3,
  toolUsePromptTokenCount: 2,
  candidatesTokenCount: 4,
  thoughtsTokenCount: 20,
  totalTokenCount: 34,
};
const COUNTED = {
  inputTokens: 10,
  cachedInputTokens: 3,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  outputTokens: 24,
  reasoningTokens: 20,
};

function answered(candidate: Json | null, more: Json = {}): string {
  const candidates = candidate === null ? {} : { candidates: [{ index: 0, ...candidate }] };
  const response = {
    ...candidates,
    usageMetadata: USAGE,
    modelVersion: "gemini-2.5-flash-001",
    ...more,
  };
  return JSON.stringify({ key: "r-1-0", response });
}

const said = (...parts: readonly Json[]): Json => ({ content: { role: "model", parts } });

function failureOf(result: Result): RequestFailure {
  if (result.status !== "failed") throw new Error("The line was read as an answer.");
  expect(result.customId).toBe("r-1-0");
  return result.failure;
}

describe("a Gemini reply line with an answer", () => {
  it("gives text, model and usage; thoughts are billed as output and are no answer", () => {
    const parts = [{ text: "let me see", thought: true }, { text: "h" }, { text: "i" }];
    expect(parseGenerateLine(answered({ ...said(...parts), finishReason: "STOP" }))).toEqual({
      status: "succeeded",
      customId: "r-1-0",
      text: "hi",
      model: "gemini-2.5-flash-001",
      finishReason: "STOP",
      usage: COUNTED,
    });
  });

  it("tells why the model stopped, whether or not that leaves an answer", () => {
    const cut = { ...said({ text: "h" }), finishReason: "MAX_TOKENS" };
    expect(parseGenerateLine(answered(cut))).toMatchObject({
      status: "failed",
      finishReason: "MAX_TOKENS",
    });
    expect(parseGenerateLine(answered(said({ text: "h" })))).not.toHaveProperty("finishReason");
  });

  it("gives the calls of functions in their order, beside what was said", () => {
    const calls = [
      { functionCall: { name: "look_up", args: { city: "Rome" } }, thoughtSignature: "s" },
      { functionCall: { name: "stop" } },
    ];
    const toolCalls = [
      { name: "look_up", arguments: { city: "Rome" } },
      { name: "stop", arguments: {} },
    ];
    const only = parseGenerateLine(answered({ ...said(...calls), finishReason: "STOP" }));
    expect(only).toEqual(expect.objectContaining({ status: "succeeded", text: "", toolCalls }));
    const both = said({ text: "hm", thought: true }, { text: "One moment." }, ...calls);
    expect(parseGenerateLine(answered(both))).toEqual(
      expect.objectContaining({ text: "One moment.", toolCalls }),
    );
  });

  it("gives a vector and the tokens it took, which come as text", () => {
    const response = { embedding: { values: [0.5, -0.25] }, tokenCount: "5" };
    expect(parseGenerateLine(JSON.stringify({ key: "r-1-0", response }))).toEqual({
      status: "succeeded",
      customId: "r-1-0",
      text: "",
      embedding: Float32Array.of(0.5, -0.25),
      model: null,
      usage: {
        inputTokens: 5,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        outputTokens: 0,
        reasoningTokens: 0,
      },
    });
    for (const embedding of [{}, { values: [] }, { values: [1, null] }, { values: "1" }, null]) {
      const line = JSON.stringify({ key: "r-1-0", response: { embedding } });
      expect(failureOf(parseGenerateLine(line)).code).toBe("invalid_output");
    }
  });

  it("may begin with a byte order mark, and lack usage, model and finish reason", () => {
    const more = { usageMetadata: undefined, modelVersion: undefined };
    expect(parseGenerateLine(`\uFEFF${answered(said({ text: "hi" }), more)}`)).toMatchObject({
      status: "succeeded",
      text: "hi",
      model: null,
      usage: null,
    });
  });

  it("may say beside it that all is well", () => {
    const line = JSON.parse(answered(said({ text: "hi" }))) as Json;
    for (const status of ["", "OK", { code: 0 }, null, {}])
      expect(parseGenerateLine(JSON.stringify({ ...line, status }))).toMatchObject({ text: "hi" });
  });
});

describe("a Gemini reply line without a usable answer", () => {
  it.each([
    ["MAX_TOKENS", "truncated"],
    ...["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"].map(
      (reason) => [reason, "refused"],
    ),
    ["IMAGE_SAFETY", "refused"],
    ...["OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "SOMETHING_NEW"].map((reason) => [
      reason,
      "invalid_output",
    ]),
  ])("stopped with %s is %s, and its usage counts", (finishReason, code) => {
    const result = parseGenerateLine(answered({ ...said({ text: "half" }), finishReason }));
    expect(failureOf(result)).toMatchObject({ code, retryable: false });
    expect(result.usage).toEqual(COUNTED);
  });

  it.each([
    ["a blocked prompt", null, { promptFeedback: { blockReason: "OTHER" } }, "refused"],
    ["no candidate", null, {}, "invalid_output"],
    ["no parts", { content: { role: "model" }, finishReason: "STOP" }, {}, "invalid_output"],
    ["thoughts only", said({ text: "hm", thought: true }), {}, "invalid_output"],
    ["a call without a name", said({ functionCall: { args: {} } }), {}, "invalid_output"],
  ])("with %s is a failure", (_, candidate, more, code) => {
    expect(failureOf(parseGenerateLine(answered(candidate, more))).code).toBe(code);
  });

  it("quotes what the service said about its stop", () => {
    const candidate = { finishReason: "OTHER", finishMessage: "Something odd." };
    expect(failureOf(parseGenerateLine(answered(candidate))).message).toContain("Something odd.");
  });
});

describe("a Gemini reply line with an error", () => {
  it.each([
    [{ code: 3, message: "Invalid value at 'x'." }, "invalid_input", false],
    [{ code: 3, message: "The input token count (9) exceeds the maximum" }, "too_long", false],
    [{ code: 8, message: "Quota." }, "rate_limited", true],
    [{ code: 1, message: "Stopped." }, "cancelled", true],
    [{ code: 5, message: "No such model." }, "provider_error", false],
    [{ code: 13, message: "Internal." }, "provider_error", true],
    [{ code: 14 }, "provider_error", true],
    [{ code: 429, message: "As HTTP." }, "rate_limited", true],
    [{ code: 503 }, "provider_error", true],
    [{ status: "INVALID_ARGUMENT", message: "By name." }, "invalid_input", false],
    ["INTERNAL", "provider_error", true],
  ])("%j is %s", (error, code, retryable) => {
    for (const name of ["error", "status"]) {
      const line = JSON.stringify({ key: "r-1-0", [name]: error });
      expect(failureOf(parseGenerateLine(line))).toMatchObject({ code, retryable });
    }
  });

  it("that cannot be read may be sent again, and never throws", () => {
    expect(parseGenerateLine("{")).toMatchObject({
      customId: null,
      failure: { code: "provider_error", retryable: true },
    });
    expect(failureOf(parseGenerateLine('{"key":"r-1-0"}'))).toMatchObject({ retryable: true });
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (response, error) => {
        const line = JSON.stringify({ key: "r-1-0", response, error });
        expect(parseGenerateLine(line).customId).toBe("r-1-0");
      }),
    );
  });
});
