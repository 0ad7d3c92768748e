import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Params, Request } from "../../src/core/request.ts";
import {
  amendableGenerateFailures,
  amendGenerateLine,
  encodeGenerateLine,
  readdressKeyedLine,
} from "../../src/provider/google-lines.ts";

const REQUEST: Request = {
  model: "gemini-2.5-flash",
  params: {},
  form: { kind: "text" },
  settings: {},
  promptCache: null,
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: 'Say "hi"\u2028\n' },
    { role: "assistant", content: "hi" },
    { role: "user", content: "again" },
  ],
  cells: ["hi"],
};

const CONTENTS = [
  { role: "user", parts: [{ text: 'Say "hi"\u2028\n' }] },
  { role: "model", parts: [{ text: "hi" }] },
  { role: "user", parts: [{ text: "again" }] },
];
const SYSTEM = { parts: [{ text: "Be brief." }] };

function requestOf(request: Request): unknown {
  return (JSON.parse(encodeGenerateLine(request, "r-1-0")) as { request: unknown }).request;
}

describe("a Gemini request line", () => {
  it("holds the key first, then contents and the system's instruction, and no model", () => {
    const line = encodeGenerateLine(REQUEST, "r-1-0");
    expect(line).toMatch(/^\{"key":"r-1-0",/);
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toEqual({
      key: "r-1-0",
      request: { contents: CONTENTS, systemInstruction: SYSTEM },
    });
  });

  it("asks for labels as JSON by a JSON Schema", () => {
    const form = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
    expect(requestOf({ ...REQUEST, form })).toMatchObject({
      generationConfig: {
        responseMimeType: "application/json",
        responseJsonSchema: {
          type: "object",
          properties: { label: { type: "string", enum: ["a", "b"] } },
          required: ["label"],
          additionalProperties: false,
        },
      },
    });
  });

  it("puts parameters into the configuration, and members of the request beside it", () => {
    const params: Params = {
      temperature: 0,
      max_output_tokens: 9,
      responseMimeType: "text/x.enum",
      safetySettings: [],
      cached_content: "cachedContents/1",
      systemInstruction: { parts: [{ text: "other" }] },
      generationConfig: { topK: 3, temperature: 1 },
    };
    expect(requestOf({ ...REQUEST, params })).toEqual({
      contents: CONTENTS,
      systemInstruction: { parts: [{ text: "other" }] },
      generationConfig: {
        temperature: 1,
        max_output_tokens: 9,
        responseMimeType: "text/x.enum",
        topK: 3,
      },
      safetySettings: [],
      cached_content: "cachedContents/1",
    });
  });

  it("names cached content beside its turns", () => {
    const messages = [{ role: "user", content: "again" }] as const;
    const promptCache = { content: "cachedContents/1" };
    expect(requestOf({ ...REQUEST, messages, promptCache })).toEqual({
      contents: CONTENTS.slice(2),
      cachedContent: "cachedContents/1",
    });
  });

  it("changes its key and nothing else when it is sent again", () => {
    fc.assert(
      fc.property(fc.string(), (content) => {
        const request: Request = { ...REQUEST, messages: [{ role: "user", content }] };
        expect(readdressKeyedLine(encodeGenerateLine(request, "r-1-0"), "r-2-0")).toBe(
          encodeGenerateLine(request, "r-2-0"),
        );
      }),
    );
  });
});

describe("a Gemini embedding line", () => {
  const form = { kind: "embedding", dimensions: 256 } as const;

  it("holds the texts of the messages, the length asked for and the params", () => {
    const messages = [{ role: "user", content: "a text" }] as const;
    const params = { taskType: "CLUSTERING" };
    expect(encodeGenerateLine({ ...REQUEST, messages, form, params }, "r-1-0")).toBe(
      '{"key":"r-1-0","request":{"content":{"parts":[{"text":"a text"}]},"outputDimensionality":256,"taskType":"CLUSTERING"}}',
    );
    const own = { kind: "embedding", dimensions: null } as const;
    expect(requestOf({ ...REQUEST, messages, form: own })).toEqual({
      content: { parts: [{ text: "a text" }] },
    });
  });
});

describe("a Gemini request asked again", () => {
  const line = encodeGenerateLine(
    { ...REQUEST, params: { maxOutputTokens: 20, temperature: 0 } },
    "r-1-0",
  );

  it.each<[Params, readonly string[]]>([
    [{}, ["invalid_output"]],
    [{ maxOutputTokens: 5 }, ["invalid_output", "truncated"]],
    [{ max_output_tokens: 5 }, ["invalid_output", "truncated"]],
    [{ generationConfig: { maxOutputTokens: 5 } }, ["invalid_output", "truncated"]],
    [{ generation_config: { max_output_tokens: 5 } }, ["invalid_output", "truncated"]],
  ])("is worth it with %j after %j", (params, codes) => {
    const { settings, form } = REQUEST;
    expect([...amendableGenerateFailures({ params, settings, form })]).toEqual(codes);
  });

  it("is worth it after a cut-off answer where the settings cap it, and never for a vector", () => {
    const settings = { maxTokens: 5 };
    expect(amendableGenerateFailures({ ...REQUEST, settings }).has("truncated")).toBe(true);
    const form = { kind: "embedding", dimensions: null } as const;
    expect([...amendableGenerateFailures({ ...REQUEST, settings, form })]).toEqual([]);
  });

  it("may be twice as long after an answer that was cut off", () => {
    const failure = { code: "truncated", message: "Cut.", retryable: false } as const;
    expect(JSON.parse(amendGenerateLine(line, "r-2-0", failure))).toEqual({
      key: "r-2-0",
      request: {
        contents: CONTENTS,
        systemInstruction: SYSTEM,
        generationConfig: { maxOutputTokens: 40, temperature: 0 },
      },
    });
  });

  it("says what was wrong after an answer that could not be used", () => {
    const failure = { code: "invalid_output", message: "Not JSON.", retryable: false } as const;
    const amended = amendGenerateLine(line, "r-2-0", failure);
    expect(amended).toMatch(/^\{"key":"r-2-0",/);
    const { request } = JSON.parse(amended) as {
      request: { contents: unknown[]; generationConfig: unknown };
    };
    expect(request.contents.slice(0, 3)).toEqual(CONTENTS);
    expect(request.contents[3]).toMatchObject({
      role: "user",
      parts: [{ text: expect.stringContaining("Not JSON.") as string }],
    });
    expect(request.generationConfig).toEqual({ maxOutputTokens: 20, temperature: 0 });
  });
});
