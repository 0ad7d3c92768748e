import { describe, expect, it } from "vitest";
import type { Answerer } from "../../src/emulator/emulator.ts";
import { googleClient, googleStage, plain } from "./google-drive.ts";

const model = "gemini-test";

describe("live generateContent", () => {
  it("answers the official client at once and bills it", async () => {
    const { client, emulator } = await googleStage();
    const reply = await client.models.generateContent({ model, contents: "hello there, friend" });
    expect(reply.text).toBe("hello there, friend");
    expect(reply.usageMetadata).toMatchObject({
      promptTokenCount: 6,
      candidatesTokenCount: 5,
      totalTokenCount: 11,
    });
    expect(emulator.stats()).toMatchObject({
      liveCalls: 1,
      promptTokensBilled: 6,
      completionTokensBilled: 5,
    });
  });

  it("asks the answerer in the form of chat completions", async () => {
    const asked: unknown[] = [];
    const answer: Answerer = ({ body, endpoint }) => {
      asked.push(endpoint, body);
      return { content: "yes" };
    };
    const { client } = await googleStage({ answer });
    await client.models.generateContent({
      model,
      contents: [
        { role: "user", parts: [{ text: "a" }, { text: "b" }] },
        { role: "model", parts: [{ text: "c" }] },
        { role: "user", parts: [{ text: "d" }] },
      ],
      config: {
        systemInstruction: "be brief",
        temperature: 0,
        maxOutputTokens: 9,
        responseMimeType: "application/json",
        responseJsonSchema: { type: "object" },
      },
    });
    expect(asked).toEqual([
      "/v1/models/gemini-test:generateContent",
      {
        model,
        messages: [
          { role: "system", content: "be brief" },
          { role: "user", content: "ab" },
          { role: "assistant", content: "c" },
          { role: "user", content: "d" },
        ],
        temperature: 0,
        max_completion_tokens: 9,
        response_format: {
          type: "json_schema",
          json_schema: { name: "answer", strict: true, schema: { type: "object" } },
        },
      },
    ]);
  });

  it("gives JSON that satisfies either kind of schema", async () => {
    const { client } = await googleStage();
    const properties = { label: { type: "string", enum: ["a", "b"] } };
    const config = { responseMimeType: "application/json" };
    const schemas = [
      { responseJsonSchema: { type: "object", properties, required: ["label"] } },
      {
        responseSchema: { type: "OBJECT", properties: { label: { type: "STRING", enum: ["a"] } } },
      },
    ];
    for (const schema of schemas) {
      const reply = await client.models.generateContent({
        model,
        contents: "x",
        config: { ...config, ...(schema as object) },
      });
      expect(JSON.parse(reply.text ?? "")).toEqual({
        label: expect.stringMatching(/^[ab]$/) as string,
      });
    }
  });

  it("counts thoughts beside the answer, and shows them only when asked", async () => {
    const answer: Answerer = () => ({
      content: "yes",
      usage: { promptTokens: 8, cachedTokens: 3, completionTokens: 25, reasoningTokens: 20 },
    });
    const { client, emulator } = await googleStage({ answer });
    const silent = await client.models.generateContent({ model, contents: "x" });
    expect(silent.candidates?.[0]?.content?.parts).toEqual([{ text: "yes" }]);
    expect(silent.usageMetadata).toMatchObject({
      promptTokenCount: 8,
      cachedContentTokenCount: 3,
      candidatesTokenCount: 5,
      thoughtsTokenCount: 20,
      totalTokenCount: 33,
    });
    expect(emulator.stats().completionTokensBilled).toBe(25);
    const config = { thinkingConfig: { includeThoughts: true } };
    const shown = await client.models.generateContent({ model, contents: "x", config });
    expect(shown.candidates?.[0]?.content?.parts).toHaveLength(2);
    expect(shown.candidates?.[0]?.content?.parts?.[0]).toMatchObject({ thought: true });
    expect(shown.text).toBe("yes");
  });

  it("stops at the most tokens asked for", async () => {
    const { client } = await googleStage();
    const contents = "hello there, friend";
    const config = { maxOutputTokens: 2 };
    const reply = await client.models.generateContent({ model, contents, config });
    expect(reply.candidates?.[0]).toMatchObject({ finishReason: "MAX_TOKENS" });
    expect(reply.text).toBe("hello th");
  });

  const user = [{ role: "user", parts: [{ text: "hi" }] }];
  const json = { responseMimeType: "application/json" };
  it.each([
    ["nothing to answer", { contents: [] }, 400],
    ["a role that does not exist", { contents: [{ role: "system", parts: [] }] }, 400],
    ["a member that does not exist", { contents: user, messages: [] }, 400],
    [
      "a schema without JSON",
      { contents: user, generationConfig: { responseJsonSchema: {} } },
      400,
    ],
    [
      "two schemas",
      { contents: user, generationConfig: { ...json, responseJsonSchema: {}, responseSchema: {} } },
      400,
    ],
    ["several candidates", { contents: user, generationConfig: { candidateCount: 2 } }, 400],
    ["no tokens", { contents: user, generationConfig: { max_output_tokens: 0 } }, 400],
    ["a long prompt", { contents: [{ parts: [{ text: "x".repeat(900) }] }] }, 400],
  ])("refuses %s", async (_, body, status) => {
    const { emulator } = await googleStage({ limits: { contextTokens: 200 } });
    const init = { method: "POST", body: JSON.stringify(body) };
    const reply = await plain(emulator, `/v1beta/models/${model}:generateContent`, init);
    expect(reply).toMatchObject({ status, body: { error: { code: status } } });
    expect(emulator.stats().liveCalls).toBe(0);
  });
});

describe("Gemini's models and keys", () => {
  it("are listed, shown, and 404 where they do not exist", async () => {
    const { client } = await googleStage({ models: ["a", "b"] });
    expect(await client.models.get({ model: "a" })).toMatchObject({ name: "models/a" });
    await expect(client.models.get({ model: "c" })).rejects.toMatchObject({ status: 404 });
    const contents = "x";
    await expect(client.models.generateContent({ model: "c", contents })).rejects.toMatchObject({
      status: 404,
    });
    const names: (string | undefined)[] = [];
    for await (const each of await client.models.list({ config: { queryBase: true } }))
      names.push(each.name);
    expect(names).toEqual(["models/a", "models/b"]);
  });

  it("refuse a key that is none with 400, and no key at all with 403", async () => {
    const { emulator } = await googleStage({ apiKeys: ["right"] });
    const contents = "x";
    const right = await googleClient(emulator, "right").models.generateContent({ model, contents });
    expect(right.text).toBe("x");
    const wrong = googleClient(emulator, "wrong").models.generateContent({ model, contents });
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("API_KEY_INVALID") as string,
    });
    const inQuery = await fetch(`${emulator.urls.google}/v1/batches?key=right`);
    expect(inQuery.status).toBe(200);
    const none = await fetch(`${emulator.urls.google}/v1/batches`);
    expect(none.status).toBe(403);
  });

  it("meet the faults of calls in Google's shape", async () => {
    const { emulator } = await googleStage({ faults: { error429: { retryAfterSeconds: 9 } } });
    const limited = await plain(emulator, "/v1/batches");
    expect(limited).toMatchObject({
      status: 429,
      body: { error: { status: "RESOURCE_EXHAUSTED" } },
    });
    expect(limited.headers.get("retry-after")).toBe("9");
    emulator.setFaults({ error500: 1 });
    expect(await plain(emulator, "/v1/batches")).toMatchObject({
      status: 500,
      body: { error: { code: 500, status: "INTERNAL" } },
    });
    emulator.setFaults({});
    expect((await plain(emulator, "/v1/nowhere")).status).toBe(404);
  });
});
