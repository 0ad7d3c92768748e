import { describe, expect, it } from "vitest";
import type { CallSettings } from "../../src/core/call-settings.ts";
import { InputError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/core/hash.ts";
import type { RequestSpec } from "../../src/core/request.ts";
import {
  amendVertexLine,
  checkVertex,
  encodeVertexLine,
  readdressVertexLine,
} from "../../src/provider/vertex-lines.ts";
import { parseVertexLine } from "../../src/provider/vertex-replies.ts";
import { request, spec } from "./support.ts";

const LABELS = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;

function refusal(differing: Partial<RequestSpec>): InputError {
  try {
    checkVertex({ ...spec(), ...differing });
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error("Nothing was refused.");
}

function tools(parameters: JsonObject): CallSettings {
  return { tools: [{ name: "look_up", parameters }] };
}

describe("a request line", () => {
  it("begins with its id and holds a request as Gemini takes it", () => {
    const line = encodeVertexLine(request("hello", { form: LABELS }), "rabcdefg-1-0");
    expect(line).toMatch(/^\{"custom_id":"rabcdefg-1-0","request":\{/);
    expect(JSON.parse(line)).toMatchObject({
      request: {
        contents: [{ role: "user", parts: [{ text: "hello" }] }],
        generationConfig: { responseMimeType: "application/json" },
      },
    });
  });

  it("holds no reference in its schemas, wherever they come from", () => {
    const schema = {
      type: "object",
      properties: { a: { $ref: "#/$defs/a" } },
      $defs: { a: { type: "string" } },
    };
    const line = encodeVertexLine(
      request("hello", {
        settings: tools(schema),
        params: { generationConfig: { responseJsonSchema: schema } },
      }),
      "r-1-0",
    );
    const whole = { type: "object", properties: { a: { type: "string" } } };
    expect(JSON.parse(line)).toMatchObject({
      request: {
        tools: [{ functionDeclarations: [{ name: "look_up", parametersJsonSchema: whole }] }],
        generationConfig: { responseJsonSchema: whole },
      },
    });
    expect(line).not.toContain("$");
  });

  it("asks for what a schema describes in the part of JSON Schema that the importer takes", () => {
    const schema = {
      type: "object",
      properties: {
        name: { type: ["string", "null"] },
        count: { type: "integer", minimum: 1 },
        "how many": { type: "integer" },
      },
      required: ["name"],
    };
    const { "how many": _, ...properties } = schema.properties;
    const form = { kind: "object", schema: { ...schema, properties } } as const;
    checkVertex(spec(form));
    const line = encodeVertexLine(request("hello", { form }), "r-1-0");
    expect(JSON.parse(line)).toMatchObject({
      request: {
        generationConfig: {
          responseJsonSchema: {
            type: "object",
            properties: {
              name: { anyOf: [{ type: "string" }, { type: "null" }] },
              count: { type: "integer", minimum: 1 },
            },
          },
        },
      },
    });
    expect(refusal({ form: { kind: "object", schema } }).code).toBe("schema_unsupported");
  });

  it("is sent again under another id, unchanged or in other words", () => {
    const line = encodeVertexLine(request("hello", { settings: { maxTokens: 5 } }), "r-1-0");
    const again = JSON.parse(readdressVertexLine(line, "r-2-0")) as object;
    expect(again).toEqual({ ...(JSON.parse(line) as object), custom_id: "r-2-0" });
    const failure = { code: "truncated", message: "Cut.", retryable: false } as const;
    const longer = amendVertexLine(line, "r-3-0", failure);
    expect(longer).toMatch(/^\{"custom_id":"r-3-0"/);
    expect(JSON.parse(longer)).toMatchObject({
      request: { generationConfig: { maxOutputTokens: 10 } },
    });
    const other = { code: "invalid_output", message: "No label.", retryable: false } as const;
    expect(amendVertexLine(line, "r-3-0", other)).toContain("No label.");
  });
});

describe("what a run may ask of Vertex", () => {
  it("is text and labels with every setting of Gemini's, tools and cached content", () => {
    checkVertex(spec(LABELS));
    checkVertex({ ...spec(), promptCache: { content: "projects/p/cachedContents/1" } });
    const object = { type: "object", properties: { a: { type: ["string", "null"] } } };
    checkVertex({
      ...spec(),
      settings: { maxTokens: 5, temperature: 0, topP: 1, seed: 1, stop: ["x"], ...tools(object) },
    });
    checkVertex({ ...spec(), settings: tools({ type: "object", properties: {} }) });
  });

  it("is no vector and no cache key", () => {
    expect(refusal({ form: { kind: "embedding", dimensions: null } }).code).toBe(
      "output_unsupported",
    );
    expect(refusal({ promptCache: { key: "k" } }).code).toBe("setting_unsupported");
  });

  it.each<[string, Partial<RequestSpec>, string, string]>([
    [
      "types that differ in one place",
      {
        settings: {
          tools: ["a", "b"].map((name) => ({
            name,
            parameters: {
              type: "object",
              properties: { x: { type: "string", enum: name === "a" ? ["1"] : [1] } },
            },
          })),
        },
      },
      "schema_unsupported",
      "properties.x.enum[]",
    ],
    [
      "a schema too deep",
      { settings: tools(deep(7)) },
      "schema_unsupported",
      "parametersJsonSchema",
    ],
    [
      "an empty object among the params",
      { params: { tools: [{ googleSearch: {} }] } },
      "params_unsupported",
      "request.tools[].googleSearch",
    ],
    [
      "a schema that contains itself",
      { params: { responseSchema: { type: "array", items: { $ref: "#" } } } },
      "schema_unsupported",
      "generationConfig.responseSchema.items",
    ],
  ])("is refused before anything is sent for %s", (_, differing, code, path) => {
    const error = refusal(differing);
    expect(error.code).toBe(code);
    expect(error.message).toContain(path);
    expect(error.message).toContain("Nothing was sent.");
  });
});

/** A schema of objects in objects. */
function deep(levels: number): JsonObject {
  const inner = levels === 0 ? { type: "string" } : deep(levels - 1);
  return { type: "object", properties: { a: inner } };
}

describe("a reply line", () => {
  const response = {
    candidates: [{ content: { parts: [{ text: "hi" }] }, finishReason: "STOP" }],
    usageMetadata: {
      promptTokenCount: 9,
      cachedContentTokenCount: 4,
      candidatesTokenCount: 2,
      thoughtsTokenCount: 3,
    },
    modelVersion: "gemini-2.5-flash",
  };
  const parse = (line: object): ReturnType<typeof parseVertexLine> =>
    parseVertexLine(JSON.stringify(line));

  it("gives the answer with its usage, thoughts counted as output", () => {
    expect(parse({ status: "", request: {}, custom_id: "r-1-0", response })).toEqual({
      status: "succeeded",
      finishReason: "STOP",
      customId: "r-1-0",
      text: "hi",
      model: "gemini-2.5-flash",
      usage: {
        inputTokens: 9,
        cachedInputTokens: 4,
        cacheWriteTokens: 0,
        cacheWriteHourTokens: 0,
        outputTokens: 5,
        reasoningTokens: 3,
      },
    });
  });

  it("gives an id that was made a number on its way", () => {
    expect(parse({ custom_id: 17, response }).customId).toBe("17");
    expect(parse({ response }).customId).toBeNull();
  });

  it.each<[string, string, boolean]>([
    [
      'Bad Request: {"error":{"code":400,"message":"No.","status":"INVALID_ARGUMENT"}}',
      "invalid_input",
      false,
    ],
    [
      'Bad Request: {"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}}',
      "too_long",
      false,
    ],
    [
      'Too Many Requests: {"error":{"code":429,"message":"Slow.","status":"RESOURCE_EXHAUSTED"}}',
      "rate_limited",
      true,
    ],
    ['Internal Server Error: {"error":{"code":500,"message":"Oh."}}', "provider_error", true],
    ['Error: {"error":{"code":429,"message":"Slow."}}', "rate_limited", true],
    ["Too Many Requests", "rate_limited", true],
    ["Bad Request: the field 500 is wrong", "invalid_input", false],
    ["HTTP 429 from the model", "rate_limited", true],
    ["Something else", "provider_error", true],
    ['Bad Request: {"half a', "invalid_input", false],
  ])("that says %j failed as %s", (status, code, retryable) => {
    const result = parse({ status, request: {}, custom_id: "r-1-0" });
    expect(result).toMatchObject({
      status: "failed",
      customId: "r-1-0",
      failure: { code, retryable },
      usage: null,
    });
  });

  it("that failed says why in the words of the model's API alone", () => {
    const status = 'Error: {"error":{"code":404,"message":"No model.","status":"NOT_FOUND"}}';
    expect(parse({ status, custom_id: "a" })).toMatchObject({
      failure: { message: "NOT_FOUND: No model." },
    });
  });

  it("that is broken or empty has failed, and may be asked again", () => {
    for (const line of ["", "{", "[]", '{"custom_id":"a"}', '{"status":"","response":null}'])
      expect(parseVertexLine(line)).toMatchObject({
        status: "failed",
        failure: { code: "provider_error", retryable: true },
      });
  });

  it("that holds a blocked prompt or a cut-off answer has failed in Gemini's way", () => {
    const blocked = { promptFeedback: { blockReason: "SAFETY" } };
    expect(parse({ custom_id: "a", response: blocked })).toMatchObject({
      failure: { code: "refused" },
    });
    const cut = { candidates: [{ finishReason: "MAX_TOKENS" }] };
    expect(parse({ custom_id: "a", response: cut })).toMatchObject({
      failure: { code: "truncated" },
    });
  });
});
