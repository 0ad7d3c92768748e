import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { cellJson, jsonText, jsonValue, newCellJson } from "../../src/frame/json-cells.ts";

describe("a value as it stands in a file", () => {
  it.each([
    [null, null, null],
    ["null", null, null],
    ["true", "true", true],
    ['"a\\u00e9\\n"', "aé\n", "aé\n"],
    ['""', "", ""],
    ["9007199254740993", "9007199254740993", 9007199254740993n],
    ["-9007199254740993", "-9007199254740993", -9007199254740993n],
    ["12", "12", 12],
    ["1.10", "1.10", 1.1],
    ["1E5", "1E5", 100_000],
    ["1e999", "1e999", "1e999"],
    [
      '[1, {"a": 12345678901234567890}]',
      '[1, {"a": 12345678901234567890}]',
      [1, { a: 12345678901234567890n }],
    ],
  ])("%s is %j as text, and a value", (raw, text, value) => {
    expect(jsonText(raw)).toBe(text);
    expect(jsonValue(raw)).toEqual(value);
  });

  it("has the text and the value that JSON.parse gives, for any string", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(jsonText(JSON.stringify(text))).toBe(text);
        expect(jsonValue(JSON.stringify(text))).toBe(text);
      }),
    );
  });
});

describe("newCellJson", () => {
  it("is what JSON.stringify gives for whatever JSON holds", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(newCellJson(value as Parameters<typeof newCellJson>[0])).toBe(JSON.stringify(value));
      }),
    );
  });

  it("writes vectors so that they read back to the same 32-bit floats, at any depth", () => {
    const vector = Float32Array.of(0.1, -1 / 3, 1e-30, 3);
    const read = JSON.parse(newCellJson({ v: [vector] })) as { v: number[][] };
    expect(Float32Array.from(read.v[0] ?? [])).toEqual(vector);
    expect(newCellJson(Float32Array.of(0.1))).toBe("[0.100000001]");
  });

  it("writes numbers that JSON does not have as null", () => {
    expect(newCellJson([NaN, Infinity, null])).toBe("[null,null,null]");
  });
});

describe("cellJson", () => {
  it.each([
    [null, null, "null"],
    ["9007199254740993", 9007199254740993n, "9007199254740993"],
    ["1.0", 1, "1.0"],
    ["NaN", NaN, "null"],
    ["true", true, "true"],
    ["2024-01-31", new Date(0), '"2024-01-31"'],
    ["1.10", "1.10", '"1.10"'],
    ['{"a":1}', { a: 1 }, '{"a":1}'],
    ["a", undefined, '"a"'],
  ])("of the text %j is the JSON of what it is", (text, value, json) => {
    expect(cellJson(text, value)).toBe(json);
  });
});
