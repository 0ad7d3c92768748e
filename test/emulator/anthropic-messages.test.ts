import { describe, expect, it } from "vitest";
import { table } from "../../src/emulator/emulator.ts";
import { call, clientOf, ended, paramsOf, resultsOf, stage } from "./anthropic-drive.ts";

const MESSAGES = "/v1/messages";

describe("who is let in", () => {
  it("comes with a key in either header and a known version", async () => {
    const { emulator } = await stage({ apiKeys: ["good"] });
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await call(emulator, MESSAGES, { headers, body: paramsOf("x") })).status;
    const version = { "anthropic-version": "2023-06-01" };
    expect(await ask({ ...version, "x-api-key": "good" })).toBe(200);
    expect(await ask({ ...version, authorization: "Bearer good" })).toBe(200);
    expect(await ask({ "anthropic-version": "2026-10-21", "x-api-key": "good" })).toBe(200);
    expect(await ask({ ...version, "x-api-key": "bad" })).toBe(401);
    expect(await ask(version)).toBe(401);
    expect(await ask({ "x-api-key": "good" })).toBe(400);
    expect(await ask({ "anthropic-version": "2020-01-01", "x-api-key": "good" })).toBe(400);
  });

  it("hears of a wrong key in Anthropic's shape", async () => {
    const { emulator } = await stage({ apiKeys: ["good"] });
    await expect(clientOf(emulator, "bad").messages.create(paramsOf("x"))).rejects.toMatchObject({
      status: 401,
      error: { type: "error", error: { type: "authentication_error" } },
    });
  });
});

describe("a live message", () => {
  it("answers, counts and bills", async () => {
    const { emulator, client } = await stage();
    const message = await client.messages.create(paramsOf("hello"));
    expect(message).toMatchObject({
      type: "message",
      role: "assistant",
      model: "claude-test",
      content: [{ type: "text", text: "hello" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 9, output_tokens: 2, service_tier: "standard" },
    });
    expect(emulator.stats()).toMatchObject({ liveCalls: 1, promptTokensBilled: 9 });
  });

  it("answers by a schema, and calls a tool it is forced to", async () => {
    const { client } = await stage();
    const schema = {
      type: "object" as const,
      properties: { label: { type: "string", enum: ["a", "b"] } },
      required: ["label"],
      additionalProperties: false,
    };
    const formed = await client.messages.create({
      ...paramsOf("x"),
      output_config: { format: { type: "json_schema", schema } },
    });
    const [block] = formed.content;
    expect(JSON.parse(block?.type === "text" ? block.text : "")).toEqual({
      label: expect.stringMatching(/^[ab]$/) as unknown,
    });
    const called = await client.messages.create({
      ...paramsOf("x"),
      tools: [{ name: "judge", input_schema: schema }],
      tool_choice: { type: "tool", name: "judge" },
    });
    expect(called).toMatchObject({
      stop_reason: "tool_use",
      content: [
        {
          type: "tool_use",
          name: "judge",
          input: { label: expect.stringMatching(/^[ab]$/) as unknown },
        },
      ],
    });
  });

  it("stops at its cap", async () => {
    const { client } = await stage();
    const message = await client.messages.create({ ...paramsOf("a".repeat(400)), max_tokens: 10 });
    expect(message).toMatchObject({ stop_reason: "max_tokens", usage: { output_tokens: 10 } });
  });

  it("writes a marked system prompt into the cache once and then reads it", async () => {
    const { client } = await stage();
    const ask = async (text: string): Promise<unknown> =>
      (
        await client.messages.create({
          ...paramsOf(text),
          system: [
            {
              type: "text",
              text: "s".repeat(400),
              cache_control: { type: "ephemeral", ttl: "1h" },
            },
          ],
        })
      ).usage;
    expect(await ask("one")).toMatchObject({
      cache_creation_input_tokens: 100,
      cache_creation: { ephemeral_1h_input_tokens: 100, ephemeral_5m_input_tokens: 0 },
      cache_read_input_tokens: 0,
      input_tokens: 8,
    });
    expect(await ask("two")).toMatchObject({
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 100,
      input_tokens: 8,
    });
  });

  it("reports the usage an answer claims", async () => {
    const usage = { promptTokens: 50, cachedTokens: 20, completionTokens: 7, reasoningTokens: 3 };
    const { client } = await stage({ answer: table(() => ({ content: "x", usage })) });
    expect((await client.messages.create(paramsOf("x"))).usage).toMatchObject({
      input_tokens: 30,
      cache_read_input_tokens: 20,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 3 },
    });
  });
});

describe("what a message is refused for", () => {
  it.each([
    [{ max_tokens: undefined }, "max_tokens: Field required"],
    [{ max_tokens: 0 }, "max_tokens"],
    [{ messages: [] }, "at least one message"],
    [{ messages: [{ role: "system", content: "x" }] }, 'Unexpected role \\"system\\"'],
    [{ messages: [{ role: "user" }] }, "messages.0.content: Field required"],
    [{ messages: [{ role: "user", content: "" }] }, "non-empty"],
    [{ max_completion_tokens: 5 }, "max_completion_tokens: Extra inputs are not permitted"],
    [{ model: "claude-opus-4-7", temperature: 1 }, "temperature"],
    [{ model: "claude-sonnet-5-5", top_p: 1 }, "top_p"],
    [
      { output_config: { format: { type: "json_schema", schema: { type: "object" } } } },
      "additionalProperties",
    ],
    [
      {
        output_config: { format: { type: "json_schema", schema: { type: "integer", minimum: 1 } } },
      },
      "'minimum' is not supported",
    ],
  ])("%j", async (changes, message) => {
    const { emulator } = await stage();
    const refused = await call(emulator, MESSAGES, { body: { ...paramsOf("x"), ...changes } });
    expect(refused.status).toBe(400);
    expect(JSON.stringify(refused.body)).toContain(message);
  });

  it("sampling parameters, by the version the call names", async () => {
    const { emulator, client } = await stage();
    const body = { ...paramsOf("x"), model: "claude-haiku-4-5", temperature: 1 };
    const ask = async (version: string): Promise<number> => {
      const headers = { "x-api-key": "k", "anthropic-version": version };
      return (await call(emulator, MESSAGES, { headers, body })).status;
    };
    expect([await ask("2023-06-01"), await ask("2026-10-21")]).toEqual([200, 400]);
    // The client of today names the later one, so a batch's rows fail one by one.
    const { id } = await client.messages.batches.create({
      requests: [{ custom_id: "a", params: body }],
    });
    await ended(client, id);
    expect(await resultsOf(client, id)).toMatchObject([
      { result: { type: "errored", error: { error: { type: "invalid_request_error" } } } },
    ]);
  });

  it("a prompt that is too long, and a model that does not exist", async () => {
    const { client } = await stage({ limits: { contextTokens: 20 }, models: ["claude-test"] });
    await expect(client.messages.create(paramsOf("a".repeat(400)))).rejects.toMatchObject({
      status: 400,
    });
    await expect(
      client.messages.create({ ...paramsOf("x"), model: "claude-other" }),
    ).rejects.toMatchObject({ status: 404 });
  });
});
