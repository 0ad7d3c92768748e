import { describe, expect, it } from "vitest";
import type { ResponseCreateParamsNonStreaming } from "openai/resources/responses/responses";
import { create, ended, linesIn, stage } from "./drive.ts";

const TOOL = {
  type: "function",
  name: "weather",
  strict: false,
  parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
} as const;

const LONG = "Be brief, and kind. ".repeat(300);

describe("live responses", () => {
  it("answer at once, in the words of this endpoint, and are billed", async () => {
    const { client, emulator } = await stage();
    const reply = await client.responses.create({
      model: "m",
      instructions: "Be brief.",
      input: [{ role: "user", content: [{ type: "input_text", text: "hello there, friend" }] }],
    });
    expect(reply).toMatchObject({ object: "response", status: "completed", error: null });
    expect(reply.output_text).toBe("hello there, friend");
    expect(reply.usage).toMatchObject({ input_tokens: 19, output_tokens: 5, total_tokens: 24 });
    expect(emulator.stats()).toMatchObject({ liveCalls: 1, promptTokensBilled: 19 });
  });

  it("show the answerer a chat request that asks the same", async () => {
    const seen: unknown[] = [];
    const { client } = await stage({
      answer: ({ endpoint, body }) => {
        seen.push({ endpoint, body });
        return { content: "{}" };
      },
    });
    const schema = { type: "object", properties: {}, required: [], additionalProperties: false };
    await client.responses.create({
      model: "m",
      instructions: "Be brief.",
      input: [
        {
          role: "user",
          content: [
            { type: "input_text", text: "What?" },
            { type: "input_image", detail: "auto", image_url: "https://e.com/a.png" },
            {
              type: "input_file",
              filename: "a.pdf",
              file_data: "data:application/pdf;base64,aGk=",
            },
            { type: "input_file", file_url: "https://e.com/a.pdf" },
          ],
        },
      ],
      max_output_tokens: 64,
      reasoning: { effort: "low" },
      tools: [TOOL],
      tool_choice: "auto",
      text: { format: { type: "json_schema", name: "answer", strict: true, schema } },
    });
    const { type, ...called } = TOOL;
    expect(seen).toEqual([
      {
        endpoint: "/v1/responses",
        body: {
          model: "m",
          messages: [
            { role: "system", content: "Be brief." },
            {
              role: "user",
              content: [
                { type: "text", text: "What?" },
                { type: "image_url", image_url: { url: "https://e.com/a.png" } },
                {
                  type: "file",
                  file: { filename: "a.pdf", file_data: "data:application/pdf;base64,aGk=" },
                },
                { type: "file", file: { file_id: "https://e.com/a.pdf" } },
              ],
            },
          ],
          max_completion_tokens: 64,
          reasoning_effort: "low",
          tools: [{ type, function: called }],
          tool_choice: "auto",
          response_format: {
            type: "json_schema",
            json_schema: { name: "answer", strict: true, schema },
          },
        },
      },
    ]);
  });

  it("call the tool that must be called, with arguments that fit its schema", async () => {
    const { client } = await stage();
    const tool_choice = { type: "function", name: "weather" } as const;
    const reply = await client.responses.create({
      ...{ model: "m", input: "Paris?", tools: [TOOL], tool_choice },
    });
    const [call] = reply.output;
    if (call?.type !== "function_call") throw new Error("There is no call.");
    expect(call.name).toBe("weather");
    expect(JSON.parse(call.arguments)).toEqual({ city: expect.any(String) as string });
    expect(reply.output).toHaveLength(1);
  });

  it("end incomplete at the most tokens asked for, and by a filter", async () => {
    const { client, emulator } = await stage();
    const body = { model: "m", input: "word ".repeat(40), max_output_tokens: 16 };
    const cut = await client.responses.create(body);
    expect(cut.status).toBe("incomplete");
    expect(cut.incomplete_details).toEqual({ reason: "max_output_tokens" });
    expect(cut.usage?.output_tokens).toBe(16);
    emulator.setFaults({ contentFilterRows: 1 });
    const filtered = await client.responses.create({ model: "m", input: "x" });
    expect(filtered.incomplete_details).toEqual({ reason: "content_filter" });
  });

  it("say refusals and thoughts in items of their own", async () => {
    const answer = () => ({ refusal: "I cannot.", usage: { reasoningTokens: 9 } });
    const { client } = await stage({ answer });
    const reply = await client.responses.create({ model: "m", input: "x" });
    expect(reply.output.map(({ type }) => type)).toEqual(["reasoning", "message"]);
    expect(reply.output[1]).toMatchObject({ content: [{ type: "refusal", refusal: "I cannot." }] });
    expect(reply.usage?.output_tokens_details.reasoning_tokens).toBe(9);
  });

  it("take cached tokens off a beginning that came before under the same key", async () => {
    const { client } = await stage();
    const ask = async (key: string, instructions = LONG): Promise<number | undefined> => {
      const body = { model: "m", input: "x", instructions, prompt_cache_key: key };
      return (await client.responses.create(body)).usage?.input_tokens_details.cached_tokens;
    };
    expect(await ask("a")).toBe(0);
    expect(await ask("a")).toBe(1408);
    expect(await ask("b")).toBe(0);
    expect(await ask("a", `${LONG} More.`)).toBe(0);
  });

  const image = { type: "image_url", image_url: { url: "https://e.com/a.png" } };
  const loose = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  it.each([
    ["no input", { input: undefined }, "input", "missing_required_parameter"],
    ["messages", { messages: [] }, "messages", "unsupported_parameter"],
    ["chat's cap", { max_tokens: 99 }, "max_tokens", "unsupported_parameter"],
    ["a seed", { seed: 1 }, "seed", "unknown_parameter"],
    ["stop texts", { stop: ["x"] }, "stop", "unknown_parameter"],
    ["a low cap", { max_output_tokens: 15 }, "max_output_tokens", "integer_below_min_value"],
    [
      "a chat part",
      { input: [{ role: "user", content: [image] }] },
      "input[0].content[0]",
      "invalid_value",
    ],
    ["an odd role", { input: [{ role: "robot", content: "x" }] }, "input[0].role", "invalid_value"],
    ["an odd effort", { reasoning: { effort: "huge" } }, "reasoning.effort", "invalid_value"],
    ["a choice without tools", { tool_choice: "required" }, "tool_choice", null],
    [
      "a loose schema",
      { text: { format: { type: "json_schema", name: "a", strict: true, schema: loose } } },
      "text.format",
      null,
    ],
    [
      "heat for a model that thinks",
      { model: "o4-mini", temperature: 0 },
      "temperature",
      "unsupported_value",
    ],
  ])("refuse %s", async (_what, changes, param, code) => {
    const { client, emulator } = await stage();
    const body = { model: "m", input: "x", ...changes } as ResponseCreateParamsNonStreaming;
    await expect(client.responses.create(body)).rejects.toMatchObject({ status: 400, param, code });
    expect(emulator.stats().liveCalls).toBe(0);
  });
});

it("a batch of responses is answered row by row, and one bad row is an error row", async () => {
  const { client } = await stage();
  const line = (id: string, body: object): object => ({
    custom_id: id,
    method: "POST",
    url: "/v1/responses",
    body: { model: "m", ...body },
  });
  const lines = [line("a", { input: "hello" }), line("b", { input: "x", seed: 1 })];
  const batch = await ended(client, (await create(client, lines, "/v1/responses")).id);
  expect(batch).toMatchObject({ status: "completed", endpoint: "/v1/responses" });
  expect(batch.request_counts).toEqual({ total: 2, completed: 1, failed: 1 });
  const [answered] = await linesIn(client, batch.output_file_id);
  expect(answered).toMatchObject({
    custom_id: "a",
    response: {
      status_code: 200,
      body: {
        object: "response",
        output: [{ type: "message", content: [{ type: "output_text", text: "hello" }] }],
      },
    },
  });
  const [failed] = await linesIn(client, batch.error_file_id);
  expect(failed).toMatchObject({
    custom_id: "b",
    response: { status_code: 400, body: { error: { code: "unknown_parameter" } } },
  });
});
