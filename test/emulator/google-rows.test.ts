import { FunctionCallingConfigMode, JobState, ThinkingLevel } from "@google/genai";
import { describe, expect, it } from "vitest";
import type { Answerer } from "../../src/emulator/emulator.ts";
import { googleStage, plain, uploaded } from "./google-drive.ts";

const model = "gemini-test";
const user = [{ role: "user", parts: [{ text: "hi" }] }];
const schema = {
  type: "object",
  properties: { label: { type: "string", enum: ["a", "b"] } },
  required: ["label"],
};
const judge = { name: "judge", description: "Judges.", parametersJsonSchema: schema };
const other = { name: "other", parametersJsonSchema: { type: "object" } };

describe("functions, by the official client", () => {
  it("are called when one must be, with arguments that satisfy its schema", async () => {
    const { client } = await googleStage();
    const mode = FunctionCallingConfigMode.ANY;
    const allowedFunctionNames = ["judge"];
    const config = {
      tools: [{ functionDeclarations: [other, judge] }],
      toolConfig: { functionCallingConfig: { mode, allowedFunctionNames } },
    };
    const reply = await client.models.generateContent({ model, contents: "x", config });
    expect(reply.functionCalls).toEqual([
      { name: "judge", args: { label: expect.stringMatching(/^[ab]$/) as string } },
    ]);
    expect(reply.candidates?.[0]?.finishReason).toBe("STOP");
    expect(reply.usageMetadata?.candidatesTokenCount).toBeGreaterThan(0);
    const free = { tools: config.tools };
    const said = await client.models.generateContent({ model, contents: "x", config: free });
    expect(said.functionCalls).toBeUndefined();
    expect(said.text).toBe("x");
  });

  it("are called as the answerer says, who is asked in the form of chat completions", async () => {
    const asked: unknown[] = [];
    const answer: Answerer = ({ body }) => {
      asked.push(body);
      return { content: "One.", toolCalls: [{ name: "judge", arguments: { label: "b" } }] };
    };
    const { client } = await googleStage({ answer });
    const config = { tools: [{ functionDeclarations: [judge] }], seed: 7, stopSequences: ["END"] };
    const reply = await client.models.generateContent({ model, contents: "x", config });
    expect(reply.candidates?.[0]?.content?.parts).toEqual([
      { text: "One." },
      { functionCall: { name: "judge", args: { label: "b" } } },
    ]);
    expect(asked).toEqual([
      {
        model,
        messages: [{ role: "user", content: "x" }],
        seed: 7,
        stop: ["END"],
        tools: [
          {
            type: "function",
            function: { name: "judge", description: "Judges.", parameters: schema },
          },
        ],
        tool_choice: "auto",
      },
    ]);
  });

  it("are not called with arguments that are no JSON", async () => {
    const toolCalls = [{ name: "judge", arguments: "{" }];
    const { client } = await googleStage({ answer: () => ({ content: null, toolCalls }) });
    const config = { tools: [{ functionDeclarations: [judge] }] };
    const reply = await client.models.generateContent({ model, contents: "x", config });
    expect(reply.candidates?.[0]).toMatchObject({ finishReason: "MALFORMED_FUNCTION_CALL" });
    expect(reply.functionCalls).toBeUndefined();
  });
});

describe("what else a request may ask", () => {
  it("is to think, which is counted apart from the answer", async () => {
    const { client, emulator } = await googleStage();
    const thinkingConfig = { thinkingLevel: ThinkingLevel.LOW };
    const config = { thinkingConfig };
    const reply = await client.models.generateContent({ model, contents: "hello", config });
    const thoughts = reply.usageMetadata?.thoughtsTokenCount ?? 0;
    expect(thoughts).toBeGreaterThan(0);
    expect(reply.usageMetadata?.candidatesTokenCount).toBe(2);
    expect(emulator.stats().completionTokensBilled).toBe(2 + thoughts);
    const off = { thinkingConfig: { thinkingBudget: 0 } };
    const plainly = await client.models.generateContent({ model, contents: "hello", config: off });
    expect(plainly.usageMetadata).not.toHaveProperty("thoughtsTokenCount");
  });

  it("is to stop at a text", async () => {
    const { client } = await googleStage();
    const config = { stopSequences: ["END"] };
    const reply = await client.models.generateContent({ model, contents: "one END two", config });
    expect(reply.text).toBe("one ");
  });

  it("is to look at pictures, which count and reach the answerer", async () => {
    const asked: unknown[] = [];
    const answer: Answerer = ({ body }) => {
      asked.push(body["messages"]);
      return { content: "A cat." };
    };
    const { client } = await googleStage({ answer });
    const parts = [
      { text: "What is this?" },
      { inlineData: { mimeType: "image/png", data: "AAAA" } },
      { fileData: { mimeType: "image/png", fileUri: "https://example.com/a.png" } },
    ];
    const contents = [{ role: "user", parts }];
    const reply = await client.models.generateContent({ model, contents });
    expect(reply.usageMetadata?.promptTokenCount).toBe(1 + 4 + 2 * 258);
    expect(asked).toEqual([
      [
        {
          role: "user",
          content: [
            { type: "text", text: "What is this?" },
            { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } },
            { type: "image_url", image_url: { url: "https://example.com/a.png" } },
          ],
        },
      ],
    ]);
  });

  it("is to read cached content, which is part of the prompt", async () => {
    const { client } = await googleStage();
    const cache = await client.caches.create({
      model,
      config: { contents: "x".repeat(400), systemInstruction: "y".repeat(40), displayName: "c" },
    });
    expect(cache).toMatchObject({ displayName: "c", usageMetadata: { totalTokenCount: 110 } });
    const { name = "" } = cache;
    expect(await client.caches.get({ name })).toMatchObject({ name, model: "models/gemini-test" });
    const config = { cachedContent: name };
    const reply = await client.models.generateContent({ model, contents: "hi", config });
    expect(reply.usageMetadata).toMatchObject({
      promptTokenCount: 112,
      cachedContentTokenCount: 110,
    });
    const listed = await Array.fromAsync(await client.caches.list());
    expect(listed.map((one) => one.name)).toEqual([name]);
    await client.caches.delete({ name });
    await expect(
      client.models.generateContent({ model, contents: "hi", config }),
    ).rejects.toMatchObject({ status: 403 });
  });

  const thinking = (config: object): object => ({
    contents: user,
    generationConfig: { thinkingConfig: config },
  });
  const calling = (config: object): object => ({
    contents: user,
    tools: [{ functionDeclarations: [judge] }],
    toolConfig: { functionCallingConfig: config },
  });
  const holding = (part: object): object => ({ contents: [{ role: "user", parts: [part] }] });
  const declaring = (...functionDeclarations: readonly object[]): object => ({
    contents: user,
    tools: [{ functionDeclarations }],
  });

  it.each<[string, object, string]>([
    ["gemini-test", thinking({ thinkingBudget: 1, thinkingLevel: "LOW" }), "only one of"],
    ["gemini-2.5-flash", thinking({ thinkingLevel: "LOW" }), "Thinking level"],
    ["gemini-2.5-pro", thinking({ thinkingBudget: 0 }), "only works in thinking mode"],
    ["gemini-3-flash", thinking({ thinkingBudget: 0 }), "only works in thinking mode"],
    ["gemini-2.0-flash", thinking({ thinkingBudget: 1024 }), "not supported for this model"],
    ["gemini-3-flash", thinking({ thinkingLevel: "MOST" }), "thinking_level"],
    ["gemini-3-flash", thinking({ budget: 1 }), "generation_config.thinking_config': Cannot find"],
    ["gemini-test", { contents: user, tools: [{ functions: [] }] }, "at 'request.tools[0]'"],
    ["gemini-test", declaring({ ...judge, schema }), "function_declarations[0]"],
    ["gemini-test", declaring({ name: "1st" }), "Invalid function name"],
    ["gemini-test", declaring(judge, judge), "Duplicate"],
    ["gemini-test", declaring({ ...judge, parameters: {} }), "Only one of parameters"],
    ["gemini-test", { ...calling({ mode: "ANY" }), tools: [] }, "without function_declarations"],
    ["gemini-test", calling({ mode: "auto" }), "function_calling_config.mode"],
    ["gemini-test", calling({ mode: "AUTO", allowedFunctionNames: ["judge"] }), "mode is ANY"],
    ["gemini-test", calling({ mode: "ANY", allowedFunctionNames: ["x"] }), "'x' is not among"],
    [
      "gemini-2.5-flash",
      { ...declaring(judge), generationConfig: { responseMimeType: "application/json" } },
      "is unsupported",
    ],
    ["gemini-test", holding({}), "one initialized field"],
    ["gemini-test", holding({ image: "AAAA" }), "contents[0].parts[0]"],
    ["gemini-test", holding({ inlineData: { data: "AAAA" } }), "Unsupported MIME type"],
    ["gemini-test", holding({ inlineData: { mimeType: "image/png", data: "?" } }), "Base64"],
    ["gemini-test", holding({ fileData: { fileUri: "s3://a/b" } }), "Unsupported file uri"],
    [
      "gemini-test",
      { contents: user, systemInstruction: { parts: [{ inlineData: {} }] } },
      "only contain text",
    ],
    ["gemini-test", { contents: user, cachedContent: "cachedContents/none" }, "not found"],
    ["gemini-test", { ...declaring(judge), cachedContent: "cachedContents/1" }, "can not be used"],
    [
      "gemini-test",
      { contents: user, generationConfig: { stopSequences: ["a", "b", "c", "d", "e", "f"] } },
      "stop_sequences",
    ],
  ])("is refused by %s for %j", async (name, request, message) => {
    const { emulator } = await googleStage();
    const init = { method: "POST", body: JSON.stringify(request) };
    const refused = await plain(emulator, `/v1beta/models/${name}:generateContent`, init);
    expect(JSON.stringify(refused.body).replaceAll("\\", "")).toContain(message);
    expect(refused.status).toBe(message === "not found" ? 403 : 400);
    expect(emulator.stats().liveCalls).toBe(0);
  });
});

describe("vectors, by the official client", () => {
  it("come live, of the length asked for, alike for the same text", async () => {
    const { client, emulator } = await googleStage();
    const config = { outputDimensionality: 4 };
    const contents = ["a", "b", "a"];
    const reply = await client.models.embedContent({ model, contents, config });
    const [a, b, again] = (reply.embeddings ?? []).map(({ values }) => values);
    expect(a).toHaveLength(4);
    expect(again).toEqual(a);
    expect(b).not.toEqual(a);
    expect(emulator.stats()).toMatchObject({ liveCalls: 3, completionTokensBilled: 0 });
  });

  it("come in batches, inline", async () => {
    const answer: Answerer = () => ({ embeddings: [[0.5, 0.25]] });
    const { client } = await googleStage({ answer });
    const { name = "" } = await client.batches.createEmbeddings({
      model,
      src: { inlinedRequests: { contents: ["one", "two"] } },
    });
    for (;;) {
      const batch = await client.batches.get({ name });
      if (batch.state !== JobState.JOB_STATE_SUCCEEDED) {
        expect(batch.state).toMatch(/PENDING|RUNNING/);
        await new Promise((resolve) => setTimeout(resolve, 2));
        continue;
      }
      expect(batch.dest?.inlinedEmbedContentResponses).toMatchObject(
        Array.from({ length: 2 }, () => ({
          response: { embedding: { values: [0.5, 0.25] }, tokenCount: "2" },
        })),
      );
      break;
    }
  });

  it("are of a batch that says what it is, and are refused row by row or whole", async () => {
    const { client, emulator } = await googleStage();
    const line = (key: string, request: object): object => ({ key, request });
    const content = { parts: [{ text: "a text" }] };
    const src = {
      fileName: await uploaded(client, [
        line("r0", { content, output_dimensionality: 2, taskType: "CLUSTERING" }),
        line("r1", { content: { parts: [{ text: "" }] } }),
        line("r2", { content, outputDimensionality: 4000 }),
        line("r3", { content, taskType: "GUESSING" }),
        line("r4", { content: { parts: [{ inlineData: {} }] } }),
      ]),
    };
    const { name = "" } = await client.batches.createEmbeddings({ model, src });
    let seen = (await plain(emulator, `/v1beta/${name}`)).body;
    while (seen["done"] !== true) seen = (await plain(emulator, `/v1beta/${name}`)).body;
    expect(seen).toMatchObject({
      metadata: {
        "@type": expect.stringMatching(/\.EmbedContentBatch$/) as string,
        batchStats: { successfulRequestCount: "1", failedRequestCount: "4" },
      },
    });
    const wrong = await uploaded(client, [line("r0", { contents: [content] })]);
    const refused = client.batches.createEmbeddings({ model, src: { fileName: wrong } });
    await expect(refused).rejects.toMatchObject({
      status: 400,
      message: expect.stringContaining("Row 1") as string,
    });
  });

  it("fail, and lack their tokens, when told to", async () => {
    const { emulator } = await googleStage({ faults: { failRows: { count: 1, status: 429 } } });
    const body = JSON.stringify({ content: { parts: [{ text: "x" }] } });
    const path = `/v1beta/models/${model}:embedContent`;
    expect(await plain(emulator, path, { method: "POST", body })).toMatchObject({ status: 429 });
    emulator.setFaults({ noUsage: 1 });
    const reply = await plain(emulator, path, { method: "POST", body });
    expect(Object.keys(reply.body)).toEqual(["embedding"]);
  });
});
