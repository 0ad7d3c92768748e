import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { NewCell, NewColumn } from "../../src/core/column.ts";
import { ballotOf, decided, decisionColumns, voteName } from "../../src/output/votes.ts";

const text = (name: string): NewColumn => ({ name, type: "text" });
const columns = ["mood_vote1", "mood_vote1_status", "mood_vote1_error"].map(text);
const ballot = ballotOf(columns, voteName("mood", 1));
const ok = (answer: string): readonly NewCell[] => [answer, "ok", null];
const failed: readonly NewCell[] = [null, "failed", "refused"];

describe("a vote", () => {
  it("has the column's own columns, and the agreement before status and error", () => {
    expect(decisionColumns("mood", ballot)).toEqual([
      text("mood"),
      { name: "mood_agreement", type: "float" },
      text("mood_status"),
      text("mood_error"),
    ]);
  });

  it("is decided by the most votes, the first of level ones, unanswered ones counting against", () => {
    expect(decided([ok("a"), ok("b"), ok("b")], ballot)).toEqual(["b", 2 / 3, "ok", null]);
    expect(decided([ok("b"), ok("a")], ballot)).toEqual(["b", 0.5, "ok", null]);
    expect(decided([failed, ok("a"), failed], ballot)).toEqual(["a", 1 / 3, "ok", null]);
  });

  it("without an answer ends as its first vote did", () => {
    expect(decided([failed, [null, "skipped", null]], ballot)).toEqual([
      null,
      null,
      "failed",
      "refused",
    ]);
  });

  it("is cached only when every vote is", () => {
    const cached: readonly NewCell[] = ["a", "cached", null];
    expect(decided([cached, cached], ballot)[2]).toBe("cached");
    expect(decided([cached, ok("a")], ballot)[2]).toBe("ok");
  });

  it("is decided by whoever has more than half, in whatever order the votes come", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1 }), (answers) => {
        const [winner, share] = decided(answers.map(ok), ballot);
        const most = answers.filter((answer) => answer === winner).length;
        expect(share).toBe(most / answers.length);
        for (const answer of answers)
          expect(answers.filter((one) => one === answer).length).toBeLessThanOrEqual(most);
      }),
    );
  });

  it("compares answers of several columns whole", () => {
    const two = ballotOf(
      ["p_vote1_a", "p_vote1_b", "p_vote1_status", "p_vote1_error"].map(text),
      "p_vote1",
    );
    const votes = [
      ["x", "1", "ok", null],
      ["x", "2", "ok", null],
      ["y", "2", "ok", null],
      ["y", "2", "ok", null],
    ];
    expect(decided(votes, two)).toEqual(["y", "2", 0.5, "ok", null]);
  });
});
