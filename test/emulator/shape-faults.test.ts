import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/emulator/answer.ts";
import { createFaultState } from "../../src/emulator/fault-state.ts";
import type { Faults } from "../../src/emulator/faults.ts";
import { misshapen } from "../../src/emulator/shape-faults.ts";

const CONTENT = JSON.stringify({ name: "x", tags: ["a"], note: null, inner: { n: 1 } });
const CALLED: Answer = { toolCalls: [{ name: "answer", arguments: { n: 1 } }] };

function under(faults: Faults, answer: Answer = { content: CONTENT }): Answer {
  return misshapen(answer, createFaultState(1, faults), { key: ["a"] });
}

function levelsOf(value: unknown): number {
  const isObject = typeof value === "object" && value !== null;
  return isObject ? 1 + Math.max(0, ...Object.values(value).map(levelsOf)) : 0;
}

describe("a structured answer", () => {
  it("is another shape", () => {
    const wrong = [["wrong"]];
    expect(JSON.parse(under({ wrongShapeRows: 1 }).content ?? "")).toEqual({
      ...{ name: wrong, note: wrong, inner: wrong },
      tags: { wrong: true },
    });
    expect(under({ wrongShapeRows: 1 }, { content: "{}" }).content).toBe('{"wrong":true}');
    expect(under({ wrongShapeRows: 1 }, CALLED).toolCalls).toEqual([
      { name: "answer", arguments: { n: wrong } },
    ]);
  });

  it("is nested 200 levels deep", () => {
    expect(levelsOf(JSON.parse(under({ deepRows: 1 }).content ?? ""))).toBe(200);
    expect(levelsOf(under({ deepRows: 1 }, CALLED).toolCalls?.[0]?.arguments)).toBe(200);
  });

  it("names a member twice, and is JSON all the same", () => {
    const { content } = under({ duplicateKeyRows: 1 });
    expect(content).toMatch(/^\{"name":null,"name":"x",/);
    expect(JSON.parse(content ?? "")).toEqual(JSON.parse(CONTENT));
    expect(under({ duplicateKeyRows: 1 }, { content: "{}" }).content).toBe("{}");
  });

  it("is huge, and says the same", () => {
    const { content } = under({ hugeRows: 1 });
    expect(content).toHaveLength(CONTENT.length + 2 ** 20);
    expect(JSON.parse(content ?? "")).toEqual(JSON.parse(CONTENT));
    expect(under({ hugeRows: { bytes: 5 } }).content).toHaveLength(CONTENT.length + 5);
  });

  it("stands in a fence, with whatever else befell it inside", () => {
    expect(under({ fencedRows: 1 }).content).toBe(`\`\`\`json\n${CONTENT}\n\`\`\``);
    expect(under({ fencedRows: 1, wrongShapeRows: 1 }).content).toMatch(/^```json\n.*wrong/);
  });
});

describe("free text", () => {
  const ALL = { wrongShapeRows: 1, deepRows: 1, duplicateKeyRows: 1, hugeRows: 1, fencedRows: 1 };

  it.each<Answer>([{ content: "a { b }" }, { content: "[1]" }, { content: "" }, {}])(
    "has no shape to lose: %j",
    (answer) => {
      expect(under(ALL, answer)).toBe(answer);
    },
  );

  it("does not use up a count", () => {
    const faults = createFaultState(1, { fencedRows: { count: 1 } });
    misshapen({ content: "text" }, faults, { key: ["a"] });
    expect(misshapen({ content: "{}" }, faults, { key: ["b"] }).content).toContain("```");
  });
});
