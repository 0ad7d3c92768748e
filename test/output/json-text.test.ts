import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { parseJsonText, unfenced } from "../../src/output/json-text.ts";

describe("parseJsonText", () => {
  it("reads whatever JSON can hold, as JSON.parse does", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parseJsonText(text)).toEqual({ json: JSON.parse(text) as unknown });
      }),
    );
  });

  it("never throws, and reads nothing that JSON.parse does not", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = parseJsonText(text);
        if ("json" in read) expect(read.json).toEqual(JSON.parse(text));
      }),
    );
  });

  it.each([
    ['{"a":1,"b":2,"a":3}', 'names "a" twice'],
    ['[{"a":{"a":1}},{"a":1,"\\u0061":2}]', 'names "a" twice'],
    ['{"x":"\\"","x":1}', 'names "x" twice'],
    ["[1e400]", "too large"],
    ["-1e400", "too large"],
    [`{"a":{"b":[${"9".repeat(400)}]}}`, "too large"],
    [`${"[".repeat(101)}${"]".repeat(101)}`, "more than 100 levels"],
    ["[NaN]", "is not JSON"],
    ["", "is not JSON"],
  ])("refuses %s", (text, problem) => {
    expect(parseJsonText(text)).toEqual({ problem: expect.stringContaining(problem) as string });
  });

  it.each([
    '{"a":{"a":1},"b":{"a":1}}',
    '["a",":","a",":"]',
    '{"a":"{\\"a\\":1,\\"a\\":2}"}',
    '{"true":true,"e":1e2}',
    '{"\\\\":1,"\\\"":2,"a\\\\":"\\\\\\""}',
    `${"[".repeat(100)}${"]".repeat(100)}`,
  ])("takes %s", (text) => {
    expect(parseJsonText(text)).toHaveProperty("json");
  });
});

describe("unfenced", () => {
  it.each([
    ['```json\n{"a":1}\n```', '{"a":1}\n'],
    ['  ```\n{"a":1}```\n', '{"a":1}'],
    ["```JSON  \r\n[1]\n```", "[1]\n"],
  ])("is the inside of a reply that is one block: %j", (text, inside) => {
    expect(unfenced(text)).toBe(inside);
  });

  it.each(['{"a":1}', "```", "```json", "```json\n1", "x ```\n1\n```", "```\n1\n```\n```\n2\n```"])(
    "is the reply itself otherwise: %j",
    (text) => {
      expect(unfenced(text)).toBe(text);
    },
  );
});
