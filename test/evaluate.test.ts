import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/core/errors.ts";
import { evaluateFile } from "../src/evaluate.ts";

async function file(...lines: readonly string[]): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), "evaluate-")), "answers.csv");
  await writeFile(path, `${lines.join("\n")}\n`);
  return path;
}

const ANSWERS = [
  "id,lang,mood,mood_confidence,gold",
  "1,en,good,0.9,good",
  "2,en,bad,0.95,good",
  "3,de,good,0.5,bad",
  "4,de, bad ,0.8,bad",
  "5,de,,,bad",
  "6,en,good,0.9,",
] as const;

describe("an evaluation", () => {
  it("scores the rows with a gold label, white space aside, and counts the unanswered as wrong", async () => {
    const report = await evaluateFile(await file(...ANSWERS), { pred: "mood", gold: "gold" });
    expect(report).toMatchObject({ n: 5, correct: 2, unanswered: 1, withoutGold: 1 });
    expect(report.accuracy).toBeCloseTo(0.4, 12);
    expect(report.confusion).toEqual([
      { gold: "good", pred: "good", rows: 1 },
      { gold: "good", pred: "bad", rows: 1 },
      { gold: "bad", pred: "good", rows: 1 },
      { gold: "bad", pred: "bad", rows: 1 },
      { gold: "bad", pred: null, rows: 1 },
    ]);
    expect(report.costPerCorrectUsd).toBeNull();
  });

  it("shows the most confidently wrong rows first", async () => {
    const report = await evaluateFile(await file(...ANSWERS), { pred: "mood", gold: "gold" });
    expect(report.disagreements).toEqual([
      { row: 1, gold: "good", pred: "bad", confidence: 0.95 },
      { row: 2, gold: "bad", pred: "good", confidence: 0.5 },
      { row: 4, gold: "bad", pred: null, confidence: null },
    ]);
  });

  it("keeps the worst of many rows, however many there are", async () => {
    const rows = Array.from({ length: 5000 }, (_, row) => `a,b,${String(row / 5000)}`);
    const path = await file("gold,p,p_confidence", ...rows);
    const { disagreements } = await evaluateFile(path, { pred: "p", gold: "gold" });
    expect(disagreements).toHaveLength(100);
    expect(disagreements[0]).toMatchObject({ row: 4999 });
    expect(disagreements[99]).toMatchObject({ row: 4900 });
  });

  it("scores each value of a column, and tells the cost of a right answer", async () => {
    const options = { pred: "mood", gold: "gold", by: "lang", costUsd: 1 };
    const report = await evaluateFile(await file(...ANSWERS), options);
    expect(report.parts).toMatchObject([
      { value: "de", n: 3, accuracy: 1 / 3 },
      { value: "en", n: 2, accuracy: 0.5 },
    ]);
    expect(report.costPerCorrectUsd).toBe(0.5);
  });

  it("refuses columns that do not exist and files without a gold label", async () => {
    const path = await file("a,gold", "x,");
    const unknown = evaluateFile(path, { pred: "aa", gold: "gold" });
    await expect(unknown).rejects.toBeInstanceOf(InputError);
    await expect(unknown).rejects.toMatchObject({ code: "unknown_column" });
    const empty = evaluateFile(path, { pred: "a", gold: "gold" });
    await expect(empty).rejects.toMatchObject({ code: "nothing_to_evaluate" });
  });
});
