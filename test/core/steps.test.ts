import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { stepNeeds, type StepNeeds } from "../../src/core/steps.ts";

function step(column: string, ...reads: readonly string[]): StepNeeds {
  return { column, adds: [column, `${column}_status`], reads };
}

describe("steps", () => {
  it("need the steps before them whose columns they read, and nothing of the input", () => {
    const steps = [step("a", "text"), step("b", "text", "a"), step("c", "a_status", "b", "a")];
    expect(stepNeeds(steps)).toEqual([[], [0], [0, 1]]);
  });

  it.each([
    ["a later one's column", [step("a", "b"), step("b", "text")], "which only a later step adds"],
    ["their own column", [step("a", "a")], "which only it itself adds"],
    ["a column that is added twice", [step("a"), step("a")], 'Two steps add a column named "a"'],
  ])("are refused where they read or add %s", (_what, steps, problem) => {
    expect(() => stepNeeds(steps)).toThrow(InputError);
    expect(() => stepNeeds(steps)).toThrow(problem);
  });
});
