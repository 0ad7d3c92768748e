import type Anthropic from "@anthropic-ai/sdk";
import { describe, expect, it } from "vitest";
import { table, type Answerer } from "../../src/emulator/emulator.ts";
import { call, ended, paramsOf, resultsOf, stage } from "./anthropic-drive.ts";

type Params = Anthropic.MessageCreateParamsNonStreaming;

const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk";
const TOOL = {
  name: "judge",
  input_schema: {
    type: "object" as const,
    properties: { label: { type: "string", enum: ["a", "b"] } },
    required: ["label"],
  },
};

describe("tools, by the official client", () => {
  it("are called when any must be, with arguments that satisfy the schema", async () => {
    const { client } = await stage();
    const asked = { ...paramsOf("x"), tools: [TOOL], tool_choice: { type: "any" } } as const;
    expect(await client.messages.create(asked as unknown as Params)).toMatchObject({
      stop_reason: "tool_use",
      content: [
        {
          type: "tool_use",
          id: expect.stringMatching(/^toolu_/) as string,
          name: "judge",
          input: { label: expect.stringMatching(/^[ab]$/) as string },
        },
      ],
    });
    expect(await client.messages.create({ ...paramsOf("x"), tools: [TOOL] })).toMatchObject({
      stop_reason: "end_turn",
      content: [{ type: "text", text: "x" }],
    });
  });

  it("are called as the answerer says, beside its text, in batches too", async () => {
    const toolCalls = [
      { name: "judge", arguments: { label: "a" } },
      { name: "judge", arguments: { label: "b" } },
    ];
    const answer: Answerer = () => ({ content: "Both.", toolCalls });
    const { client, emulator } = await stage({ answer });
    const params = { ...paramsOf("x"), tools: [TOOL] };
    const { id } = await client.messages.batches.create({
      requests: [{ custom_id: "r0", params }],
    });
    await ended(client, id);
    const [row] = await resultsOf(client, id);
    expect(row?.result).toMatchObject({
      message: {
        stop_reason: "tool_use",
        content: [
          { type: "text", text: "Both." },
          { type: "tool_use", input: { label: "a" } },
          { type: "tool_use", input: { label: "b" } },
        ],
      },
    });
    const content = row?.result.type === "succeeded" ? row.result.message.content : [];
    const ids = content.map((block) => (block.type === "tool_use" ? block.id : null));
    expect(new Set(ids).size).toBe(3);
    expect(emulator.stats().completionTokensBilled).toBeGreaterThan(20);
  });

  it("are not called by an answer that a fault has spoiled, refused or emptied", async () => {
    const asked = { ...paramsOf("x"), tools: [TOOL], tool_choice: { type: "any" } };
    const { client, emulator } = await stage();
    const create = (): Promise<unknown> => client.messages.create(asked as unknown as Params);
    emulator.setFaults({ refuseRows: 1 });
    expect(await create()).toMatchObject({ stop_reason: "refusal", content: [{ type: "text" }] });
    emulator.setFaults({ nullContentRows: 1 });
    expect(await create()).toMatchObject({ stop_reason: "end_turn", content: [] });
    emulator.setFaults({ invalidJsonRows: 1 });
    expect(await create()).toMatchObject({
      content: [{ type: "tool_use", input: { text: expect.stringContaining("Sure!") as string } }],
    });
  });
});

describe("what else a message may be asked", () => {
  it("is to think: a block of thought, and its tokens among the output's", async () => {
    const { client } = await stage();
    const message = await client.messages.create({
      ...paramsOf("hello"),
      max_tokens: 2000,
      thinking: { type: "enabled", budget_tokens: 1024 },
    });
    expect(message.content).toMatchObject([
      { type: "thinking", signature: expect.any(String) as string },
      { type: "text", text: "hello" },
    ]);
    const { output_tokens: output, output_tokens_details: details } = message.usage;
    expect(details?.thinking_tokens).toBeGreaterThan(0);
    expect(output).toBe(2 + (details?.thinking_tokens ?? 0));
  });

  it("is to stop at a text", async () => {
    const { client } = await stage();
    const asked = { ...paramsOf("one END two"), stop_sequences: ["STOP", "END"] };
    expect(await client.messages.create(asked)).toMatchObject({
      stop_reason: "stop_sequence",
      stop_sequence: "END",
      content: [{ type: "text", text: "one " }],
    });
  });

  it("is to look at pictures and documents, which count", async () => {
    const { client } = await stage();
    const plain = await client.messages.create(paramsOf("What is this?"));
    const content: Anthropic.ContentBlockParam[] = [
      { type: "image", source: { type: "base64", media_type: "image/png", data: PNG } },
      { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
      {
        type: "document",
        source: { type: "text", media_type: "text/plain", data: "x".repeat(40) },
      },
      { type: "text", text: "What is this?" },
    ];
    const seen = await client.messages.create({
      ...paramsOf(""),
      messages: [{ role: "user", content }],
    });
    expect(seen.content).toMatchObject([{ type: "text", text: "What is this?" }]);
    expect(seen.usage.input_tokens - plain.usage.input_tokens).toBe(2 * 1300 + 10);
  });

  it("is to keep prefixes in the cache: of tools, of the system and of turns", async () => {
    const { client } = await stage();
    const mark = { cache_control: { type: "ephemeral" as const } };
    const ask = async (last: string): Promise<Anthropic.Usage> => {
      const message = await client.messages.create({
        ...paramsOf(""),
        tools: [{ ...TOOL, ...mark }],
        system: [
          { type: "text", text: "s".repeat(400), cache_control: { type: "ephemeral", ttl: "1h" } },
        ],
        messages: [
          { role: "user", content: [{ type: "text", text: "example ".repeat(50), ...mark }] },
          { role: "assistant", content: "done" },
          { role: "user", content: last },
        ],
      });
      return message.usage;
    };
    const first = await ask("one");
    expect(first).toMatchObject({
      cache_read_input_tokens: 0,
      cache_creation: { ephemeral_1h_input_tokens: 100 },
    });
    expect(first.cache_creation?.ephemeral_5m_input_tokens).toBeGreaterThan(100);
    const second = await ask("two");
    expect(second).toMatchObject({
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: first.cache_creation_input_tokens,
      input_tokens: first.input_tokens,
    });
  });

  it("reads the longest prefix it knows, and writes only what comes after it", async () => {
    const { client } = await stage({ answer: table(() => "x") });
    const mark = { cache_control: { type: "ephemeral" as const } };
    const ask = async (text: string): Promise<Anthropic.Usage> => {
      const message = await client.messages.create({
        ...paramsOf(""),
        system: [{ type: "text", text: "s".repeat(400), ...mark }],
        messages: [{ role: "user", content: [{ type: "text", text, ...mark }] }],
      });
      return message.usage;
    };
    await ask("a".repeat(40));
    expect(await ask("b".repeat(40))).toMatchObject({
      cache_read_input_tokens: 100,
      cache_creation_input_tokens: 10,
    });
  });
});

const choice = (type: string, name?: string): object => ({ tool_choice: { type, name } });
const thinking = (value: object): object => ({ thinking: value, max_tokens: 5000 });
const BUDGET = { type: "enabled", budget_tokens: 2000 };
const content = (...blocks: readonly object[]): object => ({
  messages: [{ role: "user", content: blocks }],
});
const mark = { cache_control: { type: "ephemeral" } };

describe("what a message is refused for", () => {
  it.each<[object, string]>([
    [{ tools: [{ name: "a b", input_schema: { type: "object" } }] }, "tools.0.custom.name"],
    [{ tools: [{ name: "a" }] }, "tools.0.custom.input_schema: Field required"],
    [{ tools: [{ name: "a", input_schema: {} }] }, "input_schema.type"],
    [{ tools: [{ ...TOOL, parameters: {} }] }, "tools.0.custom.parameters: Extra inputs"],
    [{ tools: [TOOL, TOOL] }, "unique"],
    [choice("auto"), "only be specified while providing tools"],
    [{ tools: [TOOL], ...choice("tool", "other") }, "not found in provided tools"],
    [{ tools: [TOOL], ...choice("required") }, "tool_choice"],
    [{ tools: [TOOL], ...choice("any"), ...thinking(BUDGET) }, "forces tool use"],
    [thinking({ type: "enabled", budget_tokens: 1000 }), "greater than or equal to 1024"],
    [{ ...thinking(BUDGET), max_tokens: 2000 }, "must be greater than `thinking.budget_tokens`"],
    [{ ...thinking(BUDGET), temperature: 0 }, "temperature"],
    [{ ...thinking(BUDGET), top_p: 0.5 }, "top_p"],
    [{ ...thinking(BUDGET), model: "claude-opus-4-7" }, "not supported for this model"],
    [
      { ...thinking({ type: "adaptive" }), model: "claude-haiku-4-5" },
      "not supported for this model",
    ],
    [{ ...thinking({ type: "disabled" }), model: "claude-fable-5" }, "not supported"],
    [{ output_config: { effort: "minimal" } }, "output_config.effort"],
    [{ output_config: { effort: "low" }, model: "claude-3-5-haiku-20241022" }, "effort"],
    [
      {
        output_config: { format: { type: "json_schema", schema: { type: "string" } } },
        model: "claude-opus-4-1-20250805",
      },
      "does not support output format",
    ],
    [content({ type: "image_url" }), "messages.0.content.0: Input tag 'image_url'"],
    [content({ type: "text", text: "" }), "text content blocks must be non-empty"],
    [content({ type: "image" }), "source: Field required"],
    [
      content({
        type: "image",
        source: { type: "base64", media_type: "image/tiff", data: "AAAA" },
      }),
      "media_type",
    ],
    [
      content({ type: "image", source: { type: "base64", media_type: "image/png", data: "-" } }),
      "base64",
    ],
    [
      content({ type: "document", source: { type: "url", url: "gs://a/b.pdf" } }),
      "Only HTTP and HTTPS",
    ],
    [
      { messages: [{ role: "assistant", content: [{ type: "image", source: {} }] }] },
      "not permitted in this role",
    ],
    [{ system: [{ type: "image" }] }, "system.0: Input tag 'image'"],
    [
      content(...Array.from({ length: 5 }, () => ({ type: "text", text: "x", ...mark }))),
      "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ],
  ])("%j", async (changes, message) => {
    const { emulator } = await stage();
    const body = { ...paramsOf("x"), ...changes };
    const refused = await call(emulator, "/v1/messages", { body });
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body).replaceAll("\\", "")).toContain(message);
    expect(emulator.stats().liveCalls).toBe(0);
  });
});
