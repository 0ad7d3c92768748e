import { describe, expect, it } from "vitest";
import type { Message, Part, Request } from "../../src/core/request.ts";
import { chatBody, readChat } from "../../src/provider/openai-chat-lines.ts";
import { OPENAI_DIALECT, type ChatDialect } from "../../src/provider/openai-dialect.ts";
import { request } from "./support.ts";

const LABELS = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
const IMAGE: Part = { type: "image", data: "iVBORw0KGgo=", mediaType: "image/png" };
const PDF: Part = { type: "file", data: "JVBERi0=", mediaType: "application/pdf" };
const LINK: Part = { type: "image", url: "https://example.com/a.png" };

function bodyFor(
  differing: Partial<Request>,
  dialect: Partial<ChatDialect> = {},
): Readonly<Record<string, unknown>> {
  return chatBody(request("hi", differing), { ...OPENAI_DIALECT, ...dialect });
}

function said(content: Message["content"], role: Message["role"] = "user"): Partial<Request> {
  return { messages: [{ role, content }] };
}

describe("the body of a chat request", () => {
  it("holds model and messages, and nothing that was not asked for", () => {
    const messages: readonly Message[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "in" },
      { role: "assistant", content: "out" },
      { role: "user", content: 'Say "hi"\u2028\n' },
    ];
    expect(bodyFor({ messages })).toEqual({ model: "m", messages });
  });

  it("holds every setting in OpenAI's words", () => {
    const parameters = { type: "object", properties: { city: { type: "string" } } };
    const settings: Request["settings"] = {
      ...{ maxTokens: 64, temperature: 0, topP: 0.5, seed: 7, stop: ["END"], reasoning: "low" },
      tools: [{ name: "weather", description: "Looks outside.", parameters }],
      toolChoice: { tool: "weather" },
    };
    expect(bodyFor({ settings, promptCache: { key: "k" } })).toEqual({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
      max_completion_tokens: 64,
      temperature: 0,
      top_p: 0.5,
      seed: 7,
      stop: ["END"],
      reasoning_effort: "low",
      tools: [
        {
          type: "function",
          function: { name: "weather", description: "Looks outside.", parameters },
        },
      ],
      tool_choice: { type: "function", function: { name: "weather" } },
      prompt_cache_key: "k",
    });
  });

  it("caps the answer under the host's own name, and leaves an empty list of tools out", () => {
    const body = bodyFor({ settings: { maxTokens: 9, tools: [] } }, { maxTokens: "max_tokens" });
    expect(body).toMatchObject({ max_tokens: 9 });
    expect(Object.keys(body)).toEqual(["model", "messages", "max_tokens"]);
  });

  it.each(["auto", "none", "required"] as const)("passes the tool choice %s on", (toolChoice) => {
    expect(bodyFor({ settings: { toolChoice } })["tool_choice"]).toBe(toolChoice);
  });

  it("lets the user's parameters win", () => {
    const params = { temperature: 1, model: "other", logprobs: true };
    expect(bodyFor({ settings: { temperature: 0 }, params })).toMatchObject(params);
  });
});

describe("labels in a chat request", () => {
  const schema = { properties: { label: { enum: ["a", "b"] } }, required: ["label"] };

  it("are a strict schema where the host knows one", () => {
    expect(bodyFor({ form: LABELS })).toMatchObject({
      messages: [{ role: "user", content: "hi" }],
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", strict: true, schema },
      },
    });
  });

  it("are told in the system message where the host knows JSON alone", () => {
    const messages: readonly Message[] = [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hi" },
    ];
    const body = bodyFor({ form: LABELS, messages }, { structured: "json_object" });
    expect(body["response_format"]).toEqual({ type: "json_object" });
    const [system, user] = body["messages"] as readonly [Message, Message];
    expect(system.content).toMatch(/^Be brief\.\n\nAnswer .*JSON.*"enum":\["a","b"\]/s);
    expect(user).toEqual(messages[1]);
  });

  it("are told in a message of their own where there is no system message, and no more than that where the host knows nothing", () => {
    const body = bodyFor({ form: LABELS }, { structured: "prompt" });
    expect(body).not.toHaveProperty("response_format");
    const [system, ...others] = body["messages"] as readonly Message[];
    expect(system).toMatchObject({ role: "system" });
    expect(system?.content).toContain('"enum":["a","b"]');
    expect(others).toEqual([{ role: "user", content: "hi" }]);
  });
});

describe("pictures and documents in a chat request", () => {
  it("are parts beside the text", () => {
    const messages = bodyFor(said([{ type: "text", text: "What?" }, LINK, IMAGE, PDF]))["messages"];
    expect(messages).toEqual([
      {
        role: "user",
        content: [
          { type: "text", text: "What?" },
          { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          { type: "image_url", image_url: { url: "data:image/png;base64,iVBORw0KGgo=" } },
          {
            type: "file",
            file: { filename: "file.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
          },
        ],
      },
    ]);
  });

  it("leave a text in parts a text, whoever says it", () => {
    const parts: readonly Part[] = [
      { type: "text", text: "a" },
      { type: "text", text: "b" },
    ];
    expect(bodyFor(said(parts, "assistant"))["messages"]).toEqual([
      { role: "assistant", content: "ab" },
    ]);
  });

  it.each<[string, Partial<Request>, Partial<ChatDialect>, RegExp]>([
    ["a file's address", said([{ type: "file", url: "https://e.com/a.pdf" }]), {}, /as its bytes/],
    ["a bucket's address", said([{ type: "image", url: "gs://b/a.png" }]), {}, /http and https/],
    ["an image in a system message", said([LINK], "system"), {}, /role system hold text/],
    ["an image in an answer", said([LINK], "assistant"), {}, /role assistant hold text/],
    ["an image, for a host without", said([LINK]), { images: false }, /no pictures/],
    ["a file, for a host without", said([PDF]), { files: false }, /no files/],
  ])("are refused: %s", (_what, differing, dialect, why) => {
    const encode = (): unknown => bodyFor(differing, dialect);
    expect(encode).toThrow(why);
    expect(encode).toThrow(expect.objectContaining({ code: "part_unsupported" }));
  });
});

describe("calls in a chat completion", () => {
  const call = (name: string, written: unknown): unknown => ({
    id: "call_1",
    type: "function",
    function: { name, arguments: written },
  });
  const reply = (message: unknown, finish_reason = "tool_calls"): Record<string, unknown> => ({
    choices: [{ index: 0, message, finish_reason }],
  });

  it("are read in their order, with their arguments", () => {
    const tool_calls = [call("a", '{"x":1}'), call("b", "null"), call("c", "{x")];
    expect(readChat(reply({ content: null, tool_calls }))).toEqual({
      text: "",
      toolCalls: [
        { name: "a", arguments: { x: 1 } },
        { name: "b", arguments: null },
        { name: "c", arguments: "{x" },
      ],
    });
  });

  it("stand beside what was said, whatever the finish reason", () => {
    const tool_calls = [call("a", "{}")];
    expect(readChat(reply({ content: "Let me see.", tool_calls }, "stop"))).toEqual({
      text: "Let me see.",
      toolCalls: [{ name: "a", arguments: {} }],
    });
  });

  it("of a custom tool carry their text", () => {
    const tool_calls = [{ type: "custom", custom: { name: "sql", input: "select 1" } }];
    expect(readChat(reply({ tool_calls }))).toEqual({
      text: "",
      toolCalls: [{ name: "sql", arguments: "select 1" }],
    });
  });

  it("without a name are none", () => {
    const tool_calls = [null, {}, { function: { arguments: "{}" } }];
    expect(readChat(reply({ content: "x", tool_calls }))).toEqual({ text: "x" });
  });

  it("that were cut off are no answer", () => {
    const reading = readChat(reply({ tool_calls: [call("a", '{"x":')] }, "length"));
    expect(reading).toMatchObject({ failure: { code: "truncated" } });
  });
});
