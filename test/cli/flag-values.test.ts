import { describe, expect, it } from "vitest";
import { flagValues, type FlagValues } from "../../src/cli/flag-values.ts";

const values = flagValues((advice) => new Error(advice));

describe("a flag's value", () => {
  it.each<[keyof FlagValues, string, unknown]>([
    ["duration", "1m", 60_000],
    ["countOrNone", "0", 0],
    ["wholeNumber", "12", 12],
    ["portNumber", "0", 0],
    ["portNumber", "65535", 65_535],
    ["seedNumber", "0", 0],
    ["number", "0.7", 0.7],
    ["rate", "1", 1],
    ["amount", "12.5", 12.5],
    ["reasoning", "high", "high"],
    ["reasoning", "2000", { budgetTokens: 2000 }],
    ["texts", "a,b", ["a,b"]],
    ["pairs", "a=b=c", ["a=b=c"]],
  ])("%s reads %s", (name, text, value) => {
    expect(values[name](text)).toEqual(value);
  });

  it.each<[keyof FlagValues, readonly string[]]>([
    ["duration", ["", "0s", "5", "-1s", "soon"]],
    ["countOrNone", ["", "-1", "1.5", "many"]],
    ["wholeNumber", ["", "0", "-1", "1.5", "1e3", " 1", "0x10"]],
    ["portNumber", ["65536", "-1", ""]],
    ["seedNumber", ["1.5", "x", "99999999999999999"]],
    ["number", ["", " ", "-0.1", "warm", "NaN", "Infinity"]],
    ["rate", ["1.01", "-1", ""]],
    ["amount", ["-1", "", "$1"]],
    ["reasoning", ["", "0", "-5", "very", "1.5"]],
    ["pairs", ["=b", "a"]],
  ])("%s refuses %j, with what to write instead", (name, texts) => {
    for (const text of texts) expect(() => values[name](text)).toThrow(/^Write /);
  });

  it("is added to those before where a flag may be repeated", () => {
    expect(values.texts("b", values.texts("a"))).toEqual(["a", "b"]);
    expect(values.pairs("b=2", values.pairs("a=1"))).toEqual(["a=1", "b=2"]);
  });
});
