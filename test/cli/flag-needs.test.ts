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
  [["--sample-by", "kind"], "'--sample-by' says nothing without '--sample' or '--preview'"],
  [["--sample-seed", "1"], "'--sample-seed' says nothing without '--sample' or '--preview'"],
  [["--detach", "--notify", "x"], "'--detach' says nothing with '--notify'"],
  [["--detach", "--preview"], "'--detach' says nothing with '--preview'"],
  [["--detach", "--state", "postgres://h/d"], "'--detach' says nothing with '--state'"],
  [["--flatten", "1"], "'--flatten' says nothing without '--schema'"],
  [["--fail-fast", "--max-failures", "5%"], "'--fail-fast' cannot be used with option '--max-fail"],
  [["--refresh", "--no-cache"], "'--refresh' cannot be used with option '--no-cache'"],
  [["--cache-file", "c.sqlite", "--no-cache"], "cannot be used with option '--no-cache'"],
])("%j alone", (words, told) => {
  expect(wrongWith([...RUN, ...words])).toContain(told);
});

it.each([
  [["attach", "--state", "--poll", "1s"], "'--poll' says nothing with '--state'"],
  [["attach", "--state", "--max-cost", "1"], "'--max-cost' says nothing with '--state'"],
  [["cancel", "--state", "--keep-remote"], "'--keep-remote' says nothing with '--state'"],
  [["retry", "--state", "--notify", "true"], "'--notify' says nothing with '--state'"],
  [["retry", "--state", "--fail-fast"], "'--fail-fast' says nothing with '--state'"],
  [["retry", "--state", "--retries", "2"], "'--retries' says nothing with '--state'"],
  [["status", "--state", "--run-dir", "d"], "'--run-dir' says nothing with '--state'"],
  [["ls", "--state", "--run-dir", "d"], "'--run-dir' says nothing with '--state'"],
  [[...RUN, "--state", "--run-dir", "d"], "'--run-dir' says nothing with '--state'"],
  [[...RUN, "--state", "--confirm-above", "2"], "'--confirm-above' says nothing with '--state'"],
])("%j, where workers drive the run", (words, told) => {
  expect(wrongWith(words)).toContain(told);
});

it.each([
  ["collect", "--poll"],
  ["collect", "--stall"],
  ["collect", "--confirm-above"],
  ["cancel", "--yes"],
  ["cancel", "--max-cost"],
  ["cancel", "--stall"],
  ["cancel", "--rpm"],
  ["cancel", "--lane"],
])("%s, which never comes to it, has no %s", (command, flag) => {
  expect(wrongWith([command, flag, "1"])).toContain(`Unknown option '${flag}'`);
});

it.each([
  [["collect", "--max-cost", "1", "--yes", "--lane", "batch", "--failures-to", "f.csv"]],
  [["cancel", "--poll", "1s", "--failures-to", "f.csv", "--notify", "true"]],
  [["retry", "--state", "--only", "refused", "--max-cost", "3", "--json", "--quiet"]],
  [[...RUN, "--state", "--data", "d", "--poll", "1s", "--keep-remote", "--retries", "1"]],
  [["attach", "--poll", "1s", "--max-cost", "1"]],
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
