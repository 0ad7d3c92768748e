/** `--fail-fast`: the first request that fails stops the run. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { table } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, manyRows, pointedAt } from "./support.ts";

const bad = { error: { status: 400, body: { error: { message: "no", code: "bad" } } } };
const ASK = ["in.csv", "-p", "{{ text }}", "-c", "mood", "-m", "openai/gpt-5-mini", "--yes"];

async function stand(config: object) {
  const emulator = await emulated({ answer: table((text) => (text.endsWith("3") ? bad : "fine")) });
  onTestFinished(async () => {
    await emulator.close();
  });
  const cwd = folder({ "in.csv": manyRows(40) });
  writeFileSync(join(cwd, "batchframe.config.json"), JSON.stringify(config));
  const env = pointedAt(emulator);
  const words = ["run", ...ASK, "--lane", "realtime", "-j", "1"];
  const asked = (): number => emulator.stats().rowsExecuted;
  return {
    run: async (...more: readonly string[]) => await cli(cwd, [...words, ...more], env),
    asked,
  };
}

it("stops at the first failure, whatever a configuration lets fail, and is gone on with", async () => {
  const { run, asked } = await stand({ maxFailures: "100%" });
  const stopped = await run("--fail-fast");
  expect(stopped.stderr).toContain("1 of 40 requests failed, more than the 0 that may");
  expect([stopped.code, asked() < 40]).toEqual([5, true]);
  const ended = await run();
  expect(ended.stderr).toContain("40 rows = 36 ok + 0 skipped + 4 failed");
});

it("in a configuration gives way to --max-failures in the words", async () => {
  const { run } = await stand({ failFast: true });
  const ended = await run("--max-failures", "10");
  expect([ended.code, ended.stderr]).toEqual([
    0,
    expect.stringContaining("36 ok + 0 skipped + 4 failed"),
  ]);
});

it("beside maxFailures in one configuration is refused, and words decide", async () => {
  const { run, asked } = await stand({ failFast: true, maxFailures: "10" });
  const refused = await run();
  expect([refused.code, asked()]).toEqual([2, 0]);
  expect(refused.stderr).toMatch(
    /batchframe\.config\.json sets both "failFast" and "maxFailures".*Nothing was sent/,
  );
  expect((await run("--max-failures", "10")).code).toBe(0);
});
