import { describe, expect, it } from "vitest";
import { colours } from "../../src/cli/colour.ts";
import { headText } from "../../src/cli/head-text.ts";
import type { RunPlan } from "../../src/index.ts";

const PLAN: RunPlan = {
  ...{ rows: 10, requests: 9, duplicates: 1, cached: 0, chunks: 1, bytes: 900 },
  ...{
    skipped: { blank: 0, limit: 0, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
    rejected: {},
    warnings: [],
  },
  ...{ inputTokens: null, outputTokens: null, costUsd: null, realtimeCostUsd: null },
  ...{ estimate: null, savedUsd: null, looks: [] },
};

/** The lines before a run, as they stand where there is room for them. */
function linesOf(plan: RunPlan): readonly string[] {
  const facts = {
    ...{ input: "in.csv", reading: {}, output: "out.csv", model: "openai/x", modelWhy: null },
    ...{ promptColumns: ["text"], column: "topic", runDir: undefined },
  };
  const host = { name: "api.example.com", free: false };
  const opened = { id: "in-topic-0123456", directory: "/runs/in-topic-0123456" };
  const look = { colours: colours(false), width: 200, wrapWidth: 200 };
  return headText(facts, { host, opened, plan }, look).split("\n");
}

describe("the head of a run", () => {
  it("is the input, the model, the column, the plan and the run", () => {
    const words = linesOf(PLAN).map((text) => text.split(" ")[0]);
    expect(words).toEqual(["input", "model", "column", "plan", "cost", "run"]);
    expect(linesOf(PLAN)[3]).toBe("plan      9 requests = 10 rows − 1 duplicate");
  });

  it("announces the request that is asked alone at full price", () => {
    expect(linesOf({ ...PLAN, lane: "batch", canary: true })[3]).toBe(
      "plan      9 requests = 10 rows − 1 duplicate · the first alone, in realtime, at full price",
    );
  });

  it("tells each warning of the plan below it", () => {
    const warnings = ["The mode does not take minLength.", "Nor \u001b[2Jmaximum."];
    expect(linesOf({ ...PLAN, warnings }).slice(3, 7)).toEqual([
      "plan      9 requests = 10 rows − 1 duplicate",
      "cost      unknown: no price for this model (--price in=…,out=…)",
      "note      The mode does not take minLength.",
      expect.stringMatching(/^note {6}Nor [^\u001b]*maximum\.$/),
    ]);
  });
});
