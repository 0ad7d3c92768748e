/** A flag that would do nothing is refused, and nothing is sent. */

import { expect, it } from "vitest";
import { readCommandLine } from "../../src/cli/program.ts";

const RUN = ["run", "in.csv", "-p", "{{ text }}"];

/** What is wrong with a command line; null where nothing is. */
function wrongWith(words: readonly string[]): string | null {
  const reading = readCommandLine(words);
  if (reading.kind === "command") return reading.lacks()?.message ?? null;
  return reading.kind === "misuse" ? reading.message : null;
}

it.each([
  [["--data", "shared"], "'--data' says nothing without '--state'"],
  [["--batches-at-once", "3"], "'--batches-at-once' says nothing without '--state'"],
  [["--enqueued-tokens", "3"], "'--enqueued-tokens' says nothing without '--state'"],
  [["--sample-by", "kind"], "'--sample-by' says nothing without '--preview'"],
  [["--sample-seed", "1"], "'--sample-seed' says nothing without '--preview'"],
  [["--flatten", "1"], "'--flatten' says nothing without '--schema'"],
  [["--refresh", "--no-cache"], "'--refresh' cannot be used with option '--no-cache'"],
  [["--cache-file", "c.sqlite", "--no-cache"], "cannot be used with option '--no-cache'"],
])("%j alone", (words, told) => {
  expect(wrongWith([...RUN, ...words])).toContain(told);
});

it.each([
  [[...RUN, "--data", "shared", "--state"]],
  [[...RUN, "--sample-by", "kind", "--preview"]],
  [["preview", ...RUN.slice(1), "--sample-by", "kind", "--sample-seed", "1"]],
  [[...RUN, "--schema", "n: int", "--flatten", "1"]],
  [["extract", "in.csv", "--text", "text", "--schema", "n: int", "--flatten", "1"]],
  [[...RUN, "--refresh", "--cache-file", "c.sqlite"]],
])("is taken with the other: %j", (words) => {
  expect(wrongWith(words)).toBeNull();
});

it("is no matter where a configuration says it, which is for all commands", () => {
  const reading = readCommandLine(RUN);
  if (reading.kind !== "command") throw new Error(reading.kind);
  expect(reading.open.take("data", "shared")).toBeNull();
  expect(reading.lacks()).toBeNull();
});
