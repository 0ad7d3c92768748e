import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, folder, REVIEWS } from "./support.ts";

const GOLD = "review,gold,mood\nfine,good,good\nawful,bad,good\nmeh,,good\n";

it("eval scores a file, in words and as JSON, and fails below the accuracy asked for", async () => {
  const cwd = folder({ "answers.csv": GOLD });
  const words = ["eval", "answers.csv", "--pred", "mood", "--gold", "gold"];
  const passed = await cli(cwd, [...words, "--min-accuracy", "0.5", "--json"]);
  expect(passed.code).toBe(0);
  expect(JSON.parse(passed.stdout)).toMatchObject({ schemaVersion: 1, n: 2, correct: 1 });
  expect(passed.stderr).toContain("accuracy   50.0 %");
  const failed = await cli(cwd, [...words, "--min-accuracy", "0.6"]);
  expect(failed.code).toBe(3);
  expect(failed.stderr).toContain("below the 60.0 % asked for");
  const nameless = await cli(cwd, ["eval", "answers.csv", "--gold", "gold"]);
  expect(nameless.code).toBe(2);
  expect(nameless.stderr).toContain("--pred COLUMN");
});

it("eval and diff take runs, whose outputs and columns they know", async () => {
  const rows = REVIEWS.replace("id,review,zip", "id,review,gold")
    .replaceAll(/,0\d{4}$/gm, ",positive")
    .replaceAll(/,[16]0\d{3}$/gm, ",negative");
  const cwd = folder({ "reviews.csv": rows });
  const classify = ["classify", "reviews.csv", "--text", "review", "--labels"];
  await cli(cwd, [...classify, "positive,negative", "--name", "two", "-o", "two.csv"]);
  await cli(cwd, [...classify, "positive,negative,neutral", "--name", "three", "-o", "three.csv"]);
  const scored = await cli(cwd, ["eval", "two", "--gold", "gold", "--json"]);
  expect(scored.code).toBe(0);
  expect(JSON.parse(scored.stdout)).toMatchObject({ n: 5, pred: "label" });
  const compared = await cli(cwd, ["diff", "two", "three", "-o", "changed.csv", "--json"]);
  expect(compared.code).toBe(0);
  const { rows: all, changed } = JSON.parse(compared.stdout) as { rows: number; changed: number };
  expect(all).toBe(5);
  expect(readFileSync(join(cwd, "changed.csv"), "utf8").trim().split("\n")).toHaveLength(
    changed + 1,
  );
  const unknown = await cli(cwd, ["diff", "two", "four"]);
  expect(unknown.code).toBe(2);
});
