import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { memberScanner, ScanFault } from "../../src/frame/json-scan.ts";

/** White space, as anything that writes JSON may put it between any two tokens. */
const space = fc.constantFrom("", "", "", " ", "\n  ", "\t", "\r\n");

/** Any JSON value in any way of writing it. */
const written = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
    fc.constantFrom('"\\""', '"\\\\"', '"\\\\\\""', '"{[,:]}"', "1.50e+7", "-0", "true", "null"),
    fc.bigInt().map(String),
    fc
      .array(fc.tuple(space, tie("value"), space), { maxLength: 3 })
      .map((items) => `[${items.map((it) => it.join("")).join(",")}]`),
    fc
      .array(fc.tuple(space, fc.string(), space, tie("value"), space), { maxLength: 3 })
      .map(
        (members) =>
          `{${members.map(([a, name, b, value, c]) => `${a}${JSON.stringify(name)}${b}:${value}${c}`).join(",")}}`,
      ),
  ),
})).value;

const object = fc
  .array(fc.tuple(space, fc.string({ unit: "binary" }), space, space, written, space))
  .map((members) => ({
    members: members.map(([, name, , , value]) => [name, value] as const),
    text: `{${members
      .map(([a, name, b, c, value, d]) => `${a}${JSON.stringify(name)}${b}:${c}${value}${d}`)
      .join(",")}}`,
  }));

describe("memberScanner", () => {
  it("finds the names and the exact text of the values of any objects, one after another", () => {
    fc.assert(
      fc.property(fc.array(object), (objects) => {
        const scan = memberScanner();
        for (const { members, text } of objects) {
          const { names, starts, ends } = scan(text);
          const found = names.map((name, at) => [name, text.slice(starts[at], ends[at])]);
          expect(found).toEqual(members);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("tells names apart that begin alike, and decodes escapes", () => {
    const scan = memberScanner();
    const namesOf = (text: string): string[] => [...scan(text).names];
    expect(namesOf('{"a":1,"b":2}')).toEqual(["a", "b"]);
    expect(namesOf('{"a\\"":1,"bb":2}')).toEqual(['a"', "bb"]);
    expect(namesOf('{"\\u0061":1,"a":2}')).toEqual(["a", "a"]);
    expect(namesOf("{ }")).toEqual([]);
  });

  it.each([
    "",
    "{",
    "{}x",
    "1",
    "[]",
    '{"a"}',
    '{"a":}',
    '{"a":1',
    '{"a":1,}',
    "{a:1}",
    '{"a":"',
    '{"a":[1}',
  ])("refuses %s", (text) => {
    expect(() => memberScanner()(text)).toThrow(ScanFault);
  });
});
