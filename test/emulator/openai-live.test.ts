import { describe, expect, it } from "vitest";
import { unitVector } from "../../src/emulator/unit-vector.ts";
import { clientOf, stage } from "./drive.ts";

const messages = [{ role: "user" as const, content: "hello there, friend" }];

describe("live chat completions", () => {
  it("answers at once and bills it", async () => {
    const { client, emulator } = await stage();
    const reply = await client.chat.completions.create({ model: "m", messages });
    expect(reply.choices[0]?.message.content).toBe("hello there, friend");
    expect(reply.usage).toMatchObject({
      prompt_tokens: 12,
      completion_tokens: 5,
      total_tokens: 17,
    });
    expect(emulator.stats()).toMatchObject({
      liveCalls: 1,
      rowsExecuted: 0,
      promptTokensBilled: 12,
      completionTokensBilled: 5,
    });
    expect(emulator.executions({ body: { model: "m", messages } })).toBe(1);
  });

  it("stops at the most tokens asked for", async () => {
    const { client } = await stage();
    const body = { model: "m", messages, max_completion_tokens: 2 };
    const reply = await client.chat.completions.create(body);
    expect(reply.choices[0]).toMatchObject({
      finish_reason: "length",
      message: { content: "hello th" },
    });
    expect(reply.usage?.completion_tokens).toBe(2);
  });

  it("meets the faults of rows", async () => {
    const { client, emulator } = await stage({ faults: { failRows: { count: 1, status: 429 } } });
    await expect(client.chat.completions.create({ model: "m", messages })).rejects.toMatchObject({
      status: 429,
      code: "rate_limit_exceeded",
    });
    emulator.setFaults({ refuseRows: 1 });
    const reply = await client.chat.completions.create({ model: "m", messages });
    expect(reply.choices[0]?.message).toMatchObject({
      content: null,
      refusal: expect.any(String) as string,
    });
  });

  it.each([
    ["no messages", { messages: undefined }, 400, "missing_required_parameter"],
    ["an empty list", { messages: [] }, 400, "empty_array"],
    ["a stream", { stream: true }, 400, "unsupported_value"],
    ["several choices", { n: 2 }, 400, "unsupported_value"],
    ["no tokens at all", { max_completion_tokens: 0 }, 400, "integer_below_min_value"],
    ["an unknown model", { model: "other" }, 404, "model_not_found"],
    [
      "a long prompt",
      { messages: [{ role: "user", content: "x".repeat(900) }] },
      400,
      "context_length_exceeded",
    ],
  ])("refuses %s", async (_, changes, status, code) => {
    const { client, emulator } = await stage({ models: ["m"], limits: { contextTokens: 200 } });
    const body = { model: "m", messages, ...changes } as Parameters<
      typeof client.chat.completions.create
    >[0];
    await expect(client.chat.completions.create(body)).rejects.toMatchObject({ status, code });
    expect(emulator.stats().liveCalls).toBe(0);
  });
});

describe("live embeddings", () => {
  it("gives the client's own reading of base64 the same vector as floats", async () => {
    const { client } = await stage();
    const usual = await client.embeddings.create({ model: "e", input: "hello", dimensions: 8 });
    const body = { model: "e", input: ["hello", "other"], dimensions: 8 };
    const floats = await client.embeddings.create({ ...body, encoding_format: "float" });
    expect(usual.data[0]?.embedding).toEqual([...unitVector("hello", 8)]);
    expect(floats.data[0]?.embedding).toEqual(usual.data[0]?.embedding);
    expect(floats.data[1]).toMatchObject({ object: "embedding", index: 1 });
    expect(floats.data[1]?.embedding).not.toEqual(floats.data[0]?.embedding);
    expect(floats.usage).toEqual({ prompt_tokens: 4, total_tokens: 4 });
  });

  it.each([
    ["a format there is not", { encoding_format: "int8" }, "encoding_format"],
    ["no dimensions at all", { dimensions: 0 }, "dimensions"],
    ["half a dimension", { dimensions: 1.5 }, "dimensions"],
  ])("refuses %s", async (_what, changes, param) => {
    const { client } = await stage();
    const body = { model: "e", input: "x", ...changes } as Parameters<
      typeof client.embeddings.create
    >[0];
    await expect(client.embeddings.create(body)).rejects.toMatchObject({ status: 400, param });
  });

  it("gives the answerer's vectors when it has some", async () => {
    const { client } = await stage({ answer: () => ({ embeddings: [[1, 0, 0]] }) });
    const reply = await client.embeddings.create({ model: "e", input: "x" });
    expect(reply.data[0]?.embedding).toEqual([1, 0, 0]);
  });

  it("takes lists of tokens and refuses nothing, too many and too long inputs", async () => {
    const { client } = await stage();
    const tokens = await client.embeddings.create({ model: "e", input: [1, 2, 3] });
    expect([tokens.data.length, tokens.usage.prompt_tokens]).toEqual([1, 3]);
    for (const input of ["", [], Array<string>(2049).fill("x"), "x".repeat(40_000)]) {
      await expect(client.embeddings.create({ model: "e", input })).rejects.toMatchObject({
        status: 400,
        param: "input",
      });
    }
  });
});

describe("models and keys", () => {
  it("lists the models that exist", async () => {
    const { client } = await stage({ models: ["a", "b"] });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["a", "b"]);
    expect((await client.models.retrieve("a")).id).toBe("a");
    await expect(client.models.retrieve("c")).rejects.toMatchObject({ status: 404 });
  });

  it("lets in the keys it knows, and no call without a key", async () => {
    const { emulator } = await stage({ apiKeys: ["right"] });
    await expect(clientOf(emulator, "wrong").models.list()).rejects.toMatchObject({
      status: 401,
      code: "invalid_api_key",
      requestID: expect.stringMatching(/^req_[0-9a-f]{32}$/) as string,
    });
    expect((await clientOf(emulator, "right").models.list()).data).toEqual([]);
    const open = await stage();
    expect((await fetch(`${open.emulator.url}/models`)).status).toBe(401);
  });
});
