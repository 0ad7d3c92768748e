import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Message, Request } from "../../src/core/request.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { embeddingBody, readEmbedding } from "../../src/provider/openai-embedding-lines.ts";
import { request } from "./support.ts";

const FORM = { kind: "embedding", dimensions: null } as const;

function bodyFor(differing: Partial<Request>): unknown {
  return embeddingBody(request("hello", { form: FORM, ...differing }), OPENAI_DIALECT);
}

describe("the body of a request for a vector", () => {
  it("holds the text, and asks for base64 where it is offered", () => {
    const body = { model: "m", input: "hello", encoding_format: "base64" };
    expect(bodyFor({})).toEqual(body);
    const host = { provider: "h", embeddings: "float" } as const;
    expect(embeddingBody(request("hello", { form: FORM }), host)).toEqual({
      ...body,
      encoding_format: "float",
    });
  });

  it("holds the dimensions when they were asked for, and lets the user's parameters win", () => {
    const form = { kind: "embedding", dimensions: 64 } as const;
    expect(bodyFor({ form, params: { encoding_format: "float", user: "u" } })).toEqual({
      model: "m",
      input: "hello",
      dimensions: 64,
      encoding_format: "float",
      user: "u",
    });
  });

  it.each<[string, readonly Message[], string, RegExp]>([
    [
      "an image",
      [{ role: "user", content: [{ type: "image", url: "https://e.com/a.png" }] }],
      "part_unsupported",
      /reads text alone/,
    ],
    [
      "instructions",
      [
        { role: "system", content: "s" },
        { role: "user", content: "u" },
      ],
      "setting_unsupported",
      /takes no system/,
    ],
    [
      "examples",
      [
        { role: "user", content: "a" },
        { role: "assistant", content: "b" },
        { role: "user", content: "c" },
      ],
      "setting_unsupported",
      /takes no examples/,
    ],
  ])("refuses %s", (_what, messages, code, why) => {
    const encode = (): unknown => bodyFor({ messages });
    expect(encode).toThrow(expect.objectContaining({ code }));
    expect(encode).toThrow(why);
  });
});

function reply(embedding: unknown): Record<string, unknown> {
  return { object: "list", data: [{ object: "embedding", index: 0, embedding }], model: "m" };
}

const vectors = fc
  .float32Array({ minLength: 1, maxLength: 40, noNaN: true, noDefaultInfinity: true })
  .map((vector) => Array.from(vector));

it("a vector comes back to the last bit, as numbers and as base64", () => {
  fc.assert(
    fc.property(vectors, (vector) => {
      const bytes = Buffer.alloc(vector.length * 4);
      for (const [at, value] of vector.entries()) bytes.writeFloatLE(value, at * 4);
      const expected = { text: "", embedding: Float32Array.from(vector) };
      expect(readEmbedding(reply(vector))).toEqual(expected);
      expect(readEmbedding(reply(bytes.toString("base64")))).toEqual(expected);
      // Some hosts leave the padding out.
      expect(readEmbedding(reply(bytes.toString("base64").replace(/=+$/, "")))).toEqual(expected);
    }),
  );
});

describe("a reply without a usable vector", () => {
  const notFinite = Buffer.alloc(4);
  notFinite.writeFloatLE(Infinity);

  it.each([
    ["no data", { data: [] }],
    ["several vectors", { data: [{ embedding: [1] }, { embedding: [2] }] }],
    ["data that is no list", { data: { embedding: [1] } }],
    ["an entry that is no object", { data: [5] }],
    ["an empty vector", reply([])],
    ["an empty text", reply("")],
    ["a member that is no number", reply([1, "2"])],
    ["a member that is null", reply([null])],
    ["bytes that are no whole floats", reply(Buffer.alloc(6).toString("base64"))],
    ["characters that are no base64", reply("AAA*AAA")],
    ["a number without end", reply(notFinite.toString("base64"))],
    ["an object for a vector", reply({ 0: 1 })],
  ])("has %s", (_what, body) => {
    expect(readEmbedding(body)).toMatchObject({
      failure: { code: "invalid_output", retryable: false },
    });
  });
});
