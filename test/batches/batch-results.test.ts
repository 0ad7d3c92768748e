import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import {
  resultLine,
  resultOfFailure,
  resultsById,
  succeededResults,
  unsuccessfulResults,
  valuesOf,
  type BatchResult,
} from "../../src/batches/batch-results.ts";
import { ROW_ERROR_CODES } from "../../src/core/result.ts";

const succeeded = (customId: string, value: string): BatchResult<string> => ({
  status: "succeeded",
  customId,
  text: value,
  value,
  toolCalls: [],
  embedding: null,
  model: null,
  usage: null,
});

const id = fc.constantFrom("a", "b", "c", "d");
const result: fc.Arbitrary<BatchResult<string>> = fc.oneof(
  fc.tuple(id, fc.string()).map(([customId, value]) => succeeded(customId, value)),
  fc.record({ status: fc.constantFrom("cancelled", "expired"), customId: id }),
  fc.record({
    status: fc.constant("failed"),
    customId: fc.option(id),
    code: fc.constant("refused"),
    message: fc.string(),
    retryable: fc.boolean(),
    usage: fc.constant(null),
  }),
);

describe("results", () => {
  it("are answers or not, each of them one of the two, in their order", () => {
    fc.assert(
      fc.property(fc.array(result), (results) => {
        const good = succeededResults(results);
        const bad = unsuccessfulResults(results);
        expect(good.length + bad.length).toBe(results.length);
        expect(good).toEqual(results.filter(({ status }) => status === "succeeded"));
        expect(bad).toEqual(results.filter(({ status }) => status !== "succeeded"));
        expect(valuesOf(results)).toEqual(good.map(({ value }) => value));
      }),
    );
  });

  it("are known by their ids, the first where one comes twice", () => {
    fc.assert(
      fc.property(fc.array(result), (results) => {
        const byId = resultsById(results);
        const ids = new Set(results.flatMap(({ customId }) => customId ?? []));
        expect(new Set(byId.keys())).toEqual(ids);
        for (const [customId, found] of byId)
          expect(found).toBe(results.find((one) => one.customId === customId));
      }),
    );
  });

  it("are one line of JSON each, vectors as lists of numbers", () => {
    fc.assert(
      fc.property(result, (one) => {
        expect(resultLine(one)).not.toContain("\n");
        expect(JSON.parse(resultLine(one))).toEqual(one);
      }),
    );
    const embedding = Float32Array.of(0.5, -1);
    const vector = { ...succeeded("a", ""), value: embedding, embedding };
    expect(JSON.parse(resultLine(vector))).toMatchObject({
      value: [0.5, -1],
      embedding: [0.5, -1],
    });
  });
});

describe("a failure", () => {
  it.each(ROW_ERROR_CODES)("%s is an ending with its id, or a failure", (code) => {
    const failure = { code, message: "m", retryable: true };
    const never = code === "cancelled" || code === "expired";
    expect(resultOfFailure("a", failure, null)).toEqual(
      never
        ? { status: code, customId: "a" }
        : { status: "failed", customId: "a", code, message: "m", retryable: true, usage: null },
    );
    // Without an id nobody knows whose ending it is.
    expect(resultOfFailure(null, failure, null).status).toBe("failed");
  });
});
