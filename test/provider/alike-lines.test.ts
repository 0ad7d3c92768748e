import { Readable } from "node:stream";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Result } from "../../src/core/result.ts";
import { linePieces, pieceOf } from "../../src/core/lines.ts";
import { alikeLines, type LineReading } from "../../src/provider/alike-lines.ts";
import { MESSAGE_PLACES, parseMessageLine } from "../../src/provider/anthropic-replies.ts";
import { GENERATE_PLACES, parseGenerateLine } from "../../src/provider/google-replies.ts";
import { parseVertexLine, PREDICTION_PLACES } from "../../src/provider/vertex-replies.ts";
import { parseReplyLine, REPLY_PLACES } from "../../src/provider/openai-replies.ts";

interface Said {
  readonly id: string;
  readonly text: string;
  readonly tokens: number;
  readonly cached?: number;
  readonly finish?: string;
  readonly fingerprint?: string | null;
}

/** A chat's reply as OpenAI writes it, with a space after each comma and colon. */
function chatLine({
  id,
  text,
  tokens,
  cached = 0,
  finish = "stop",
  fingerprint = null,
}: Said): string {
  const usage = `"usage": {"prompt_tokens": ${String(tokens)}, "completion_tokens": 5, "total_tokens": ${String(tokens + 5)}, "prompt_tokens_details": {"cached_tokens": ${String(cached)}}, "completion_tokens_details": {"reasoning_tokens": 2}}`;
  const message = `{"role": "assistant", "content": ${JSON.stringify(text)}, "refusal": null}`;
  const body = `{"id": "chatcmpl-${id}", "created": 1790000000, "model": "m", "choices": [{"index": 0, "message": ${message}, "finish_reason": ${JSON.stringify(finish)}}], ${usage}, "system_fingerprint": ${JSON.stringify(fingerprint)}}`;
  return `{"id": "batch_${id}", "custom_id": "r-${id}", "response": {"status_code": 200, "request_id": "${id}", "body": ${body}}, "error": null}`;
}

const responseLine = ({ id, text, tokens }: Said): string =>
  JSON.stringify({
    custom_id: id,
    response: {
      status_code: 200,
      body: {
        object: "response",
        status: "completed",
        output: [
          { type: "reasoning", id: `rs_${id}`, summary: [] },
          { type: "message", id: `msg_${id}`, content: [{ type: "output_text", text }] },
        ],
        usage: { input_tokens: tokens, output_tokens: 3 },
      },
    },
  });

const messageLine = ({ id, text, tokens, cached = 0 }: Said): string =>
  JSON.stringify({
    custom_id: id,
    result: {
      type: "succeeded",
      message: {
        id: `msg_${id}`,
        type: "message",
        role: "assistant",
        model: "claude",
        content: [{ type: "text", text }],
        stop_reason: "end_turn",
        stop_sequence: null,
        usage: {
          input_tokens: tokens,
          cache_creation_input_tokens: 10 * cached,
          cache_read_input_tokens: cached,
          cache_creation: { ephemeral_5m_input_tokens: cached, ephemeral_1h_input_tokens: cached },
          output_tokens: 5,
          service_tier: "batch",
        },
      },
    },
  });

const generateLine = ({ id, text, tokens, cached = 0 }: Said): string =>
  JSON.stringify({
    key: id,
    response: {
      candidates: [
        {
          content: { parts: [{ text, thoughtSignature: `s${id}` }], role: "model" },
          finishReason: "STOP",
          index: 0,
          avgLogprobs: -0.5 * tokens,
        },
      ],
      usageMetadata: {
        promptTokenCount: tokens,
        candidatesTokenCount: 5,
        totalTokenCount: tokens + 5 + cached,
        promptTokensDetails: [{ modality: "TEXT", tokenCount: tokens }],
        thoughtsTokenCount: cached,
      },
      modelVersion: "gemini",
      responseId: `r${id}`,
    },
  });

/** A prediction of Vertex's, which holds the request as it was asked. */
const predictionLine = ({ id, text, tokens, cached, finish }: Said): string => {
  const said = { id, text, tokens, ...(cached === undefined ? {} : { cached }) };
  const { key, response } = JSON.parse(generateLine(said)) as Readonly<Record<string, unknown>>;
  const prompt = `${text.slice(0, 20)} {"a": [1, {"b": "}]"}]}\n\\ ü\u0000 ${id}`;
  return JSON.stringify({
    status: "",
    processed_time: `2026-11-22T12:00:00.${String(tokens)}+00:00`,
    request: {
      systemInstruction: { parts: [{ text: "Answer briefly, bitte sehr: größer." }] },
      contents: [{ role: "user", parts: [{ text: prompt, fileData: null }] }],
      generationConfig: {
        stopSequences: finish === "length" ? ["}"] : [],
        responseSchema: { type: "OBJECT", properties: { label: { enum: ["a", text] } } },
        maxOutputTokens: 10,
      },
    },
    custom_id: key,
    response,
  });
};

/** A provider's lines, how they are read one by one, and where they differ. */
const KINDS = [
  { name: "chats", write: chatLine, read: parseReplyLine, places: REPLY_PLACES },
  { name: "the Responses API", write: responseLine, read: parseReplyLine, places: REPLY_PLACES },
  { name: "messages", write: messageLine, read: parseMessageLine, places: MESSAGE_PLACES },
  { name: "Gemini", write: generateLine, read: parseGenerateLine, places: GENERATE_PLACES },
  { name: "Vertex", write: predictionLine, read: parseVertexLine, places: PREDICTION_PLACES },
] as const;

const said: fc.Arbitrary<Said> = fc.record({
  id: fc.string({ unit: fc.constantFrom("a", "b", "0", "1", "9", "-", "_"), maxLength: 12 }),
  text: fc.oneof(
    fc.string({ unit: "binary", maxLength: 60 }),
    fc.constantFrom('{"label":"a"}', ""),
  ),
  tokens: fc.nat(2_000_000),
  cached: fc.nat(9),
  finish: fc.constantFrom("stop", "stop", "stop", "length", "content_filter"),
  fingerprint: fc.constantFrom(null, "fp_1", "fp_2"),
});

const line = linesOf(chatLine, responseLine);

function linesOf(...write: readonly ((what: Said) => string)[]): fc.Arbitrary<string> {
  return fc.tuple(fc.constantFrom(...write), said).map(([written, what]) => written(what));
}

/** A line with some characters exchanged, left out or put in, which may no longer be JSON. */
const damaged = (whole: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(
      whole,
      fc.array(
        fc.tuple(
          fc.nat(900),
          fc.nat(3),
          fc.oneof(
            fc.string({ unit: "binary", maxLength: 3 }),
            fc.constantFrom(
              '"',
              "\\",
              "\\u0041",
              "\n",
              ",",
              "}",
              "-1",
              "1.5",
              "1e3",
              "00",
              "null",
              "[]",
            ),
            fc.constantFrom(' "custom_id": "twice",', ' "content": "twice",', '"tool_calls":[{}],'),
          ),
        ),
        { minLength: 1, maxLength: 3 },
      ),
    )
    .map(([whole, changes]) =>
      changes.reduce(
        (text, [at, out, put]) => text.slice(0, at) + put + text.slice(at + out),
        whole,
      ),
    );

/** A line with bytes in it that are no UTF-8. */
const noUtf8 = (whole: fc.Arbitrary<string>): fc.Arbitrary<Buffer> =>
  fc
    .tuple(whole, fc.nat(900), fc.uint8Array({ minLength: 1, maxLength: 3 }))
    .map(([whole, at, bytes]) => {
      const text = Buffer.from(whole);
      return Buffer.concat([text.subarray(0, at), bytes, text.subarray(at)]);
    });

const asBytes = (line: string): Buffer => Buffer.from(line);
const withFeed = (line: Buffer): Buffer => Buffer.concat([line, Buffer.from("\n")]);

/** A reading that counts how often it is asked. */
function counted(each: (line: string) => Result): {
  readonly read: (line: string) => Result;
  readonly times: () => number;
} {
  let times = 0;
  return {
    read: (text) => {
      times += 1;
      return each(text);
    },
    times: () => times,
  };
}

/** A line read in the midst of others, as bytes. */
function inBytes({ parseIn }: LineReading, line: string): Result {
  const before = Buffer.from('{"é": "before"}\n');
  const bytes = Buffer.from(line);
  const piece = pieceOf(Buffer.concat([before, bytes, Buffer.from("\nafter")]));
  return parseIn(piece, before.length, before.length + bytes.length);
}

/** Bytes in pieces of this size. */
function* cutInto(bytes: Buffer, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("lines that are alike", () => {
  it.each(KINDS)("$name read in bytes as in texts, wherever the stream is cut", async (kind) => {
    const { write, read, places } = kind;
    const whole = linesOf(write);
    const lines = fc.array(
      fc.oneof(whole.map(asBytes), whole.map(asBytes), damaged(whole).map(asBytes), noUtf8(whole)),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.integer({ min: 1, max: 4000 }), async (some, size) => {
        const { parseIn } = alikeLines(read, places);
        const stream = Readable.from(cutInto(Buffer.concat(some.map(withFeed)), size));
        for await (const { piece, spans } of linePieces(stream))
          for (const { start, end } of spans) {
            const text = piece.bytes.toString("utf8", start, end);
            expect(parseIn(piece, start, end), text).toEqual(read(text));
          }
      }),
      { numRuns: 300 },
    );
  });

  it("read as they do one by one, whatever stands in them and in whatever order they come", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(line, line, damaged(line)), { maxLength: 40 }), (lines) => {
        const { parse } = alikeLines(parseReplyLine, REPLY_PLACES);
        for (const text of lines) expect(parse(text), text).toEqual(parseReplyLine(text));
      }),
      { numRuns: 500 },
    );
  });

  it.each(KINDS)("are read as JSON but a few times: $name", ({ write, read: each, places }) => {
    const { read, times } = counted(each);
    const fast = alikeLines(read, places);
    for (let at = 0; at < 1000; at++) {
      const text = write({ id: String(at), text: `"${String(at)}" ü\n`, tokens: at, cached: at });
      expect(fast.parse(text)).toEqual(each(text));
      expect(inBytes(fast, text)).toEqual(each(text));
    }
    expect(times()).toBeLessThan(10);
  });

  const odd = chatLine({ id: "7", text: "TEXT", tokens: 42 });
  it.each([
    ["a raw line feed in the answer", odd.replace("TEXT", "TE\nXT")],
    ["an escape that is none", odd.replace("TEXT", "TE\\xXT")],
    ["an escaped quotation mark at the answer's end", odd.replace("TEXT", String.raw`TEXT\\\"`)],
    ["an answer that is null", odd.replace('"TEXT"', "null")],
    ["an answer that is a list", odd.replace('"TEXT"', '["TEXT"]')],
    ["an empty answer", odd.replace("TEXT", "")],
    ["an id with an escape", odd.replace("r-7", String.raw`r-\u0037`)],
    ["an id twice", odd.replace('"error"', '"custom_id": "r-8", "error"')],
    ["a count that is no whole number", odd.replace(": 42", ": 42.5")],
    ["a count with an exponent", odd.replace(": 42", ": 42e1")],
    ["a count below zero", odd.replace(": 42", ": -42")],
    ["a count with a nought before it", odd.replace(": 42", ": 042")],
    ["a count that is null", odd.replace(": 42", ": null")],
    ["more after its end", `${odd} {}`],
    ["another finish reason", odd.replace('"stop"', '"length"')],
    ["a failure", odd.replace("200", "500")],
  ])("do not take for one of them a line with %s", (_, text) => {
    const fast = alikeLines(parseReplyLine, REPLY_PLACES);
    for (const id of ["1", "2", "3"]) fast.parse(chatLine({ id, text: id, tokens: 1 }));
    expect(text).not.toBe(odd);
    for (let times = 0; times < 3; times++) {
      expect(fast.parse(text)).toEqual(parseReplyLine(text));
      if (!text.includes("\n")) expect(inBytes(fast, text)).toEqual(parseReplyLine(text));
    }
  });

  const asked = predictionLine({ id: "7", text: "TEXT", tokens: 42 });
  const swapped = ((): string => {
    const { request, response, ...others } = JSON.parse(asked) as Record<string, unknown>;
    return JSON.stringify({ response, ...others, request });
  })();
  it.each([
    ["a raw tab in the request", asked.replace("bitte", "bi\tte")],
    ["an escape in the request that is none", asked.replace("bitte", "bi\\xtte")],
    ["half an escape in the request", asked.replace("bitte", "bi\\u12 tte")],
    ["a backslash at the end of a text of the request", asked.replace("größer.", "größer.\\")],
    ["a request that is cut off", asked.slice(0, asked.indexOf("bitte"))],
    ["an end in the middle of an escape", `${asked.slice(0, asked.indexOf("bitte"))}\\`],
    ["a text of the request that is none", asked.replace('"OBJECT"', "OBJECT")],
    ["a request that is asked otherwise", asked.replace('"fileData":null', '"fileData":{}')],
    ["other names in the request", asked.replace('"label"', '"id"')],
    ["its members in another order", swapped],
    ["its request twice", asked.replace('"request"', '"request":{"a":"b"},"request"')],
    ["its response twice", asked.replace('"response"', '"response":{},"response"')],
    ["a response in its request", asked.replace('"contents"', '"response":{},"contents"')],
    ["a status", asked.replace('"status":""', '"status":"Bad Request: no"')],
    ["a number for an id", asked.replace('"custom_id":"7"', '"custom_id":7')],
  ])("of predictions do not take for one of them a line with %s", (_, text) => {
    const fast = alikeLines(parseVertexLine, PREDICTION_PLACES);
    for (const id of ["1", "2", "3"]) fast.parse(predictionLine({ id, text: id, tokens: 1 }));
    expect(text).not.toBe(asked);
    for (let times = 0; times < 3; times++) {
      expect(fast.parse(text)).toEqual(parseVertexLine(text));
      expect(inBytes(fast, text)).toEqual(parseVertexLine(text));
    }
  });

  it("are read by a pattern however many escapes a request holds", () => {
    const { read, times } = counted(parseVertexLine);
    const fast = alikeLines(read, PREDICTION_PLACES);
    const whole = predictionLine({ id: "7", text: "TEXT", tokens: 42 });
    for (let at = 0; at < 3; at++) fast.parse(whole);
    const before = times();
    const long = whole.replace("bitte", "\\n".repeat(3_000_000));
    expect(fast.parse(long)).toEqual(fast.parse(whole));
    expect(times()).toBe(before);
  });

  it("cost a bounded number of attempts where none is like another", () => {
    const { read, times } = counted(parseReplyLine);
    const fast = alikeLines(read, REPLY_PLACES);
    for (let at = 0; at < 1000; at++)
      fast.parse(chatLine({ id: "a", text: "b", tokens: 1, finish: `stop${String(at)}` }));
    expect(times()).toBeLessThan(1000 + 8 * 4);
  });

  it("have no pattern made of them where a place is more than it is named for", () => {
    const strange = (text: string): Result => {
      const result = parseReplyLine(text);
      // What nobody would expect: the model's name depends on the answer's id.
      return result.status === "succeeded" ? { ...result, model: text.slice(8, 17) } : result;
    };
    const fast = alikeLines(strange, REPLY_PLACES);
    for (let at = 0; at < 50; at++) {
      const text = chatLine({ id: String(at), text: "b", tokens: 1 });
      expect(fast.parse(text)).toEqual(strange(text));
    }
  });
});
