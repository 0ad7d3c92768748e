import { describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { echo, forward, table } from "../../src/emulator/answerers.ts";
import type { AnswerRequest } from "../../src/emulator/answer.ts";
import { stage } from "./drive.ts";

function ask(body: AnswerRequest["body"], endpoint = "/v1/chat/completions"): AnswerRequest {
  return { endpoint, body, customId: null, signal: new AbortController().signal };
}

const messages = [
  { role: "system", content: "be brief" },
  { role: "user", content: "first" },
  { role: "assistant", content: "reply" },
  {
    role: "user",
    content: [
      { type: "text", text: "sec" },
      { type: "text", text: "ond" },
    ],
  },
];

describe("echo", () => {
  it("says the last user message again", async () => {
    expect(await echo()(ask({ messages }))).toEqual({ content: "second" });
  });

  it("gives JSON that satisfies the schema, the same for the same message", async () => {
    const properties = { label: { enum: ["a", "b"] } };
    const schema = { type: "object", properties, required: ["label"] };
    const response_format = { type: "json_schema", json_schema: { name: "x", schema } };
    const answer = await echo({ seed: 1 })(ask({ messages, response_format }));
    const value = JSON.parse(answer.content ?? "") as { label: string };
    expect(["a", "b"]).toContain(value.label);
    expect(await echo({ seed: 1 })(ask({ messages, response_format }))).toEqual(answer);
  });

  it("reads a schema that is told in the words of a system message alone", async () => {
    const schema = { type: "object", properties: { n: { const: 7 } }, required: ["n"] };
    const content = `Be brief. Answer in this JSON Schema: ${JSON.stringify(schema)} and no words.`;
    const told = [{ role: "system", content }, ...messages];
    for (const more of [{}, { response_format: { type: "json_object" } }])
      expect(await echo()(ask({ messages: told, ...more }))).toEqual({ content: '{"n":7}' });
    for (const other of ["Be brief.", "JSON Schema: {broken}", `Such as ${JSON.stringify(schema)}`])
      expect(
        await echo()(ask({ messages: [{ role: "system", content: other }, ...messages] })),
      ).toEqual({ content: "second" });
  });

  it("gives an object when any JSON will do", async () => {
    const answer = await echo()(ask({ messages, response_format: { type: "json_object" } }));
    expect(JSON.parse(answer.content ?? "")).toEqual({ echo: "second" });
  });
});

describe("table", () => {
  it("looks the message up in a record, a map or a function", async () => {
    for (const entries of [
      { second: "found" },
      new Map([["second", "found"]]),
      (text: string) => (text === "second" ? "found" : undefined),
    ]) {
      expect(await table(entries)(ask({ messages }))).toEqual({ content: "found" });
    }
  });

  it("gives whole answers, and the other answerer's for what it does not hold", async () => {
    const answerer = table({ second: { refusal: "no" } }, () => ({ content: "otherwise" }));
    expect(await answerer(ask({ messages }))).toEqual({ refusal: "no" });
    expect(await answerer(ask({ messages: [] }))).toEqual({ content: "otherwise" });
  });
});

describe("forward", () => {
  it("answers with what another service says, its usage and its finish reason", async () => {
    const behind = await startEmulator({
      answer: () => ({
        content: "from behind",
        finishReason: "length",
        usage: { promptTokens: 11, completionTokens: 22 },
      }),
      apiKeys: ["inner"],
    });
    const answer = forward(`${behind.url}/chat/completions`, { apiKey: "inner" });
    const { client } = await stage({ answer });
    const user = [{ role: "user" as const, content: "hi" }];
    const reply = await client.chat.completions.create({ model: "m", messages: user });
    expect(reply.choices[0]?.message.content).toBe("from behind");
    expect(reply.choices[0]?.finish_reason).toBe("length");
    expect(reply.usage?.total_tokens).toBe(33);
    const direct = await client.embeddings.create({ model: "m", input: ["a", "b"] });
    expect(direct.data.map(({ embedding }) => embedding.length)).toEqual([256, 256]);
    expect(behind.stats().liveCalls).toBe(2);
    await behind.close();
  });

  it("passes an HTTP error on", async () => {
    const behind = await startEmulator({ apiKeys: ["inner"] });
    const answer = await forward(`${behind.url}/chat/completions`, { apiKey: "wrong" })(
      ask({ model: "m", messages }),
    );
    expect(answer.error?.status).toBe(401);
    await behind.close();
  });
});
