import type OpenAI from "openai";
import { describe, expect, it } from "vitest";
import type { AnswerRequest } from "../../src/emulator/answer.ts";
import { chatLine, linesIn, run, stage } from "./drive.ts";

type Body = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;

const hello = [{ role: "user", content: "hello there, friend" }];
const TOOL = {
  type: "function",
  function: {
    name: "weather",
    parameters: { type: "object", properties: { city: { enum: ["Paris", "Rome"] } } },
  },
} as const;
const OTHER = { type: "function", function: { name: "clock" } } as const;

async function ask(
  client: OpenAI,
  body: object,
): Promise<OpenAI.ChatCompletion & { readonly choice: OpenAI.ChatCompletion.Choice }> {
  const whole = { model: "m", messages: hello, ...body };
  const reply = await client.chat.completions.create(
    whole as OpenAI.ChatCompletionCreateParamsNonStreaming,
  );
  const [choice] = reply.choices;
  if (choice === undefined) throw new Error("There is no choice.");
  return { ...reply, choice };
}

describe("tools", () => {
  it.each([
    ["is named", { type: "function", function: { name: "weather" } }, [OTHER, TOOL], "stop"],
    ["is the first of those required", "required", [TOOL, OTHER], "tool_calls"],
  ])("are called when one %s, with arguments that fit", async (_what, choice, tools, finish) => {
    const { client } = await stage();
    const reply = await ask(client, { tools, tool_choice: choice });
    expect(reply.choice.finish_reason).toBe(finish);
    expect(reply.choice.message.content).toBeNull();
    const [call] = reply.choice.message.tool_calls ?? [];
    if (call?.type !== "function") throw new Error("There is no call.");
    expect(call.id).toMatch(/^call_/);
    expect(call.function.name).toBe("weather");
    const { city } = JSON.parse(call.function.arguments) as { city: string };
    expect(["Paris", "Rome"]).toContain(city);
    expect(reply.usage?.completion_tokens).toBeGreaterThan(0);
  });

  it("are called when the answerer says so, whatever else it says, unless none may be", async () => {
    const toolCalls = [
      { name: "weather", arguments: { city: "Rome" } },
      { name: "weather", arguments: "{half" },
    ];
    const { client } = await stage({ answer: () => ({ content: "Wait.", toolCalls }) });
    const reply = await ask(client, { tools: [TOOL] });
    expect(reply.choice).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: "Wait.",
        tool_calls: [
          { type: "function", function: { name: "weather", arguments: '{"city":"Rome"}' } },
          { type: "function", function: { name: "weather", arguments: "{half" } },
        ],
      },
    });
    const none = await ask(client, { tools: [TOOL], tool_choice: "none" });
    expect(none.choice).toMatchObject({ finish_reason: "stop", message: { content: "Wait." } });
    expect(none.choice.message.tool_calls).toBeUndefined();
  });

  it("are not called without being asked to", async () => {
    const { client } = await stage();
    const reply = await ask(client, { tools: [TOOL], tool_choice: "auto" });
    expect(reply.choice.message.content).toBe("hello there, friend");
    expect(reply.choice.message.tool_calls).toBeUndefined();
  });

  it("are cut off where a call is longer than the answer may be", async () => {
    const toolCalls = [{ name: "weather", arguments: { city: "x".repeat(99) } }];
    const { client } = await stage({ answer: () => ({ toolCalls }) });
    const reply = await ask(client, { tools: [TOOL], max_completion_tokens: 3 });
    expect(reply.choice.finish_reason).toBe("length");
    const [call] = reply.choice.message.tool_calls ?? [];
    expect(call).toMatchObject({ function: { arguments: '{"city":"xxx' } });
    expect(reply.usage?.completion_tokens).toBe(3);
  });
});

describe("a request with pictures and documents", () => {
  it("is counted and shown to the answerer as it came", async () => {
    const seen: AnswerRequest[] = [];
    const { client } = await stage({
      answer: (request) => {
        seen.push(request);
        return { content: "seen" };
      },
    });
    const content = [
      { type: "text", text: "What?" },
      { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } },
      { type: "file", file: { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" } },
    ];
    const messages = [{ role: "user", content }];
    const reply = await ask(client, { messages });
    expect(reply.usage?.prompt_tokens).toBe(3 + 4 + 2 + 85);
    expect(seen[0]?.body["messages"]).toEqual(messages);
  });

  const user = (part: object): object => ({ messages: [{ role: "user", content: [part] }] });
  it.each([
    ["sound", user({ type: "input_audio", input_audio: {} }), "messages[0].content[0]"],
    ["a part of no kind", user({ text: "x" }), "messages[0].content[0].type"],
    ["a part of another API", user({ type: "input_text" }), "messages[0].content[0].type"],
    [
      "an image from a bucket",
      user({ type: "image_url", image_url: { url: "gs://b/a.png" } }),
      "messages[0].content[0].image_url.url",
    ],
    [
      "an image that is none",
      user({ type: "image_url", image_url: { url: "data:text/plain;base64,aGk=" } }),
      "messages[0].content[0].image_url.url",
    ],
    [
      "a file by its address",
      user({ type: "file", file: { file_url: "https://e.com/a.pdf" } }),
      "messages[0].content[0].file.file_url",
    ],
    [
      "a file without a name",
      user({ type: "file", file: { file_data: "data:application/pdf;base64,aGk=" } }),
      "messages[0].content[0].file.filename",
    ],
    [
      "a file whose bytes are bare",
      user({ type: "file", file: { filename: "a.pdf", file_data: "aGk=" } }),
      "messages[0].content[0].file.file_data",
    ],
    [
      "an image in a system message",
      { messages: [{ role: "system", content: [{ type: "image_url" }] }] },
      "messages[0].content[0].type",
    ],
    ["an odd role", { messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
  ])("is refused with %s", async (_what, body, param) => {
    const { client, emulator } = await stage();
    await expect(ask(client, body)).rejects.toMatchObject({ status: 400, param });
    expect(emulator.stats().liveCalls).toBe(0);
  });
});

describe("parameters", () => {
  const strict = (schema: object, more: object = {}): object => ({
    response_format: { type: "json_schema", json_schema: { name: "a", strict: true, schema } },
    ...more,
  });
  const closed = { type: "object", properties: {}, required: [], additionalProperties: false };
  const named = (name: string): object => ({ type: "function", function: { name } });

  it.each([
    ["the old cap", { model: "o3-mini", max_tokens: 5 }, "max_tokens", "unsupported_parameter"],
    ["the old cap", { model: "gpt-5-nano", max_tokens: 5 }, "max_tokens", "unsupported_parameter"],
    ["heat", { model: "gpt-5.2", temperature: 0 }, "temperature", "unsupported_value"],
    ["top_p", { model: "o4-mini", top_p: 0.5 }, "top_p", "unsupported_parameter"],
    ["stop", { model: "gpt-5-mini", stop: ["x"] }, "stop", "unsupported_parameter"],
    ["an odd effort", { reasoning_effort: "huge" }, "reasoning_effort", "invalid_value"],
    ["no tools in a list", { tools: [] }, "tools", "empty_array"],
    ["a choice without tools", { tool_choice: "required" }, "tool_choice", null],
    ["a tool that is not there", { tools: [TOOL], tool_choice: named("x") }, "tool_choice", null],
    ["an odd choice", { tools: [TOOL], tool_choice: "often" }, "tool_choice", "invalid_value"],
    ["an odd name", { tools: [named("a b")] }, "tools[0].function.name", "invalid_value"],
    [
      "arguments that are no object",
      { tools: [{ type: "function", function: { name: "a", parameters: { type: "array" } } }] },
      "tools[0].function.parameters",
      "invalid_function_parameters",
    ],
    ["JSON that is not told of", { response_format: { type: "json_object" } }, "messages", null],
    ["a schema of no object", strict({ type: "array" }), "response_format", null],
    ["a keyword", strict({ ...closed, allOf: [] }), "response_format", null],
    [
      "an open object inside",
      strict({ ...closed, properties: { a: { ...closed, additionalProperties: true } } }),
      "response_format",
      null,
    ],
    [
      "an optional property in a choice",
      strict({ ...closed, $defs: { a: { anyOf: [{ ...closed, properties: { b: {} } }] } } }),
      "response_format",
      null,
    ],
  ])("are refused with %s: %j", async (_what, body, param, code) => {
    const { client } = await stage();
    await expect(ask(client, body)).rejects.toMatchObject({ status: 400, param, code });
  });

  it.each([
    ["the new cap", { model: "gpt-5-nano", max_completion_tokens: 5 }],
    ["the only heat", { model: "gpt-5-nano", temperature: 1 }],
    ["any heat without thinking", { model: "gpt-5.2", temperature: 0, reasoning_effort: "none" }],
    ["the old cap for a chat model", { model: "gpt-5-chat-latest", max_tokens: 5 }],
    ["the old cap for another model", { model: "gpt-4.1-mini", max_tokens: 5, temperature: 0 }],
    [
      "names that look like keywords",
      strict({ ...closed, properties: { not: { type: "string" } }, required: ["not"] }),
    ],
    ["a loose schema", { response_format: { type: "json_schema", json_schema: { name: "a" } } }],
  ])("are taken with %s", async (_what, body) => {
    const { client } = await stage();
    expect((await ask(client, body)).choice.finish_reason).toBe("stop");
  });
});

describe("cached tokens", () => {
  const system = { role: "system", content: "Be brief, and kind. ".repeat(300) };
  const body = (text: string, key?: string): object => ({
    messages: [system, { role: "user", content: text }],
    ...(key === undefined ? {} : { prompt_cache_key: key }),
  });

  it("are those of a beginning that came before under the same key", async () => {
    const { client } = await stage();
    const cached = async (text: string, key?: string): Promise<number | undefined> =>
      (await ask(client, body(text, key))).usage?.prompt_tokens_details?.cached_tokens;
    expect(await cached("a", "k")).toBe(0);
    expect(await cached("b", "k")).toBe(1408);
    expect(await cached("c")).toBe(0);
    expect(await cached("d", "other")).toBe(0);
  });

  it("are none where the beginning is short", async () => {
    const { client } = await stage();
    const short = { messages: [{ role: "system", content: "x".repeat(2000) }, ...hello] };
    await ask(client, { ...short, prompt_cache_key: "k" });
    const again = await ask(client, { ...short, prompt_cache_key: "k" });
    expect(again.usage?.prompt_tokens_details?.cached_tokens).toBe(0);
  });

  it("are counted in a batch's usage as well", async () => {
    const { client } = await stage();
    const lines = ["a", "b", "c"].map((text) => chatLine(text, text, body(text, "k") as Body));
    const batch = await run(client, lines);
    expect(batch.usage?.input_tokens_details.cached_tokens).toBe(2 * 1408);
    const rows = await linesIn(client, batch.output_file_id);
    expect(rows.filter((row) => JSON.stringify(row).includes('"cached_tokens":1408'))).toHaveLength(
      2,
    );
  });
});
