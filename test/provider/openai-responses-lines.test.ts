import { describe, expect, it } from "vitest";
import type { Message, Part, Request } from "../../src/core/request.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { readResponse, responsesBody } from "../../src/provider/openai-responses-lines.ts";
import { request } from "./support.ts";

type Json = Readonly<Record<string, unknown>>;

function bodyFor(differing: Partial<Request>): Json {
  return responsesBody(request("hi", differing), OPENAI_DIALECT);
}

describe("the body of a request for a response", () => {
  it("turns system messages into instructions and the others into input", () => {
    const messages: readonly Message[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "in" },
      { role: "assistant", content: [{ type: "text", text: "out" }] },
      { role: "system", content: "Be kind." },
      { role: "user", content: "hi" },
    ];
    expect(bodyFor({ messages })).toEqual({
      model: "m",
      instructions: "Be brief.\n\nBe kind.",
      input: [
        { role: "user", content: "in" },
        { role: "assistant", content: "out" },
        { role: "user", content: "hi" },
      ],
    });
  });

  it("holds every setting in this endpoint's words, tools flat and not strict", () => {
    const parameters = { type: "object", properties: {} };
    const settings: Request["settings"] = {
      ...{ maxTokens: 64, temperature: 0, topP: 0.5, reasoning: "high" },
      tools: [{ name: "weather", parameters }],
      toolChoice: { tool: "weather" },
    };
    expect(bodyFor({ settings, promptCache: { key: "k" } })).toEqual({
      model: "m",
      input: [{ role: "user", content: "hi" }],
      max_output_tokens: 64,
      temperature: 0,
      top_p: 0.5,
      reasoning: { effort: "high" },
      tools: [{ type: "function", name: "weather", parameters, strict: false }],
      tool_choice: { type: "function", name: "weather" },
      prompt_cache_key: "k",
    });
  });

  it("asks for labels as a strict schema, and lets the user's parameters win", () => {
    const form = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
    const body = bodyFor({ form, params: { store: false, model: "other" } });
    expect(body).toMatchObject({
      model: "other",
      store: false,
      text: {
        format: {
          type: "json_schema",
          name: "answer",
          strict: true,
          schema: { properties: { label: { enum: ["a", "b"] } } },
        },
      },
    });
  });

  it("carries pictures and documents, by address and as bytes", () => {
    const content: readonly Part[] = [
      { type: "text", text: "What?" },
      { type: "image", url: "https://e.com/a.png" },
      { type: "image", data: "aGk=", mediaType: "image/png" },
      { type: "file", url: "https://e.com/a.pdf" },
      { type: "file", data: "aGk=", mediaType: "text/plain" },
    ];
    const { input } = bodyFor({ messages: [{ role: "user", content }] });
    expect(input).toEqual([
      {
        role: "user",
        content: [
          { type: "input_text", text: "What?" },
          { type: "input_image", detail: "auto", image_url: "https://e.com/a.png" },
          { type: "input_image", detail: "auto", image_url: "data:image/png;base64,aGk=" },
          { type: "input_file", file_url: "https://e.com/a.pdf" },
          { type: "input_file", filename: "file.txt", file_data: "data:text/plain;base64,aGk=" },
        ],
      },
    ]);
  });

  it.each(["system", "assistant"] as const)("refuses an image that %s shows", (role) => {
    const content = [{ type: "image", url: "https://e.com/a.png" }] as const;
    const encode = (): unknown => bodyFor({ messages: [{ role, content }] });
    expect(encode).toThrow(expect.objectContaining({ code: "part_unsupported" }));
  });
});

describe("a response", () => {
  const message = (content: unknown, more: Json = {}): Json => ({
    type: "message",
    role: "assistant",
    content,
    ...more,
  });
  const text = (words: string): Json => ({ type: "output_text", text: words, annotations: [] });
  const response = (output: unknown, more: Json = {}): Json => ({
    object: "response",
    status: "completed",
    output,
    ...more,
  });

  it("says the texts of its messages; thoughts and commentary are no part of them", () => {
    const output = [
      { type: "reasoning", summary: [{ type: "summary_text", text: "hm" }], content: [text("hm")] },
      message([text("On my way.")], { phase: "commentary" }),
      message([text("one "), text("two")], { phase: "final_answer" }),
    ];
    expect(readResponse(response(output))).toEqual({ text: "one two" });
    expect(readResponse({ output })).toEqual({ text: "one two" });
  });

  it("holds the calls that were wished, in their order", () => {
    const output = [
      { type: "function_call", call_id: "c1", name: "a", arguments: '{"x":1}' },
      message([text("Wait.")]),
      { type: "custom_tool_call", call_id: "c2", name: "b", input: "go" },
      { type: "web_search_call", id: "w", name: "c" },
    ];
    expect(readResponse(response(output))).toEqual({
      text: "Wait.",
      toolCalls: [
        { name: "a", arguments: { x: 1 } },
        { name: "b", arguments: "go" },
      ],
    });
  });

  const incomplete = (reason: unknown): Json =>
    response([message([text("half")])], {
      status: "incomplete",
      incomplete_details: reason === null ? null : { reason },
    });
  const failed = (code: string): Json =>
    response([], { status: "failed", error: { code, message: "No." } });

  it.each([
    ["cut off", incomplete("max_output_tokens"), "truncated", false],
    ["filtered", incomplete("content_filter"), "refused", false],
    ["incomplete for a new reason", incomplete("steered"), "invalid_output", false],
    ["incomplete for no reason", incomplete(null), "invalid_output", false],
    ["declined", response([message([{ type: "refusal", refusal: "No." }])]), "refused", false],
    ["busy", failed("rate_limit_exceeded"), "rate_limited", true],
    ["broken", failed("server_error"), "provider_error", true],
    ["late", failed("vector_store_timeout"), "provider_error", true],
    ["against a policy", failed("image_content_policy_violation"), "refused", false],
    ["ill asked", failed("invalid_prompt"), "invalid_input", false],
    ["cancelled", response([], { status: "cancelled" }), "cancelled", true],
    ["unfinished", response([], { status: "in_progress" }), "provider_error", true],
    ["empty", response([]), "invalid_output", false],
    ["empty of text", response([message([])]), "invalid_output", false],
    ["without output", response("text"), "invalid_output", false],
  ])("that is %s is no answer", (_what, body, code, retryable) => {
    expect(readResponse(body)).toMatchObject({ failure: { code, retryable } });
  });

  it("tells a refusal and a failure in the service's words", () => {
    const declined = response([message([{ type: "refusal", refusal: "I cannot." }])]);
    expect(readResponse(declined)).toMatchObject({ failure: { message: "I cannot." } });
    expect(readResponse(failed("invalid_prompt"))).toMatchObject({
      failure: { message: "invalid_prompt: No." },
    });
  });
});
