/** --verbose tells what is held back without it. */

import { afterEach, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, manyRows, pointedAt } from "./support.ts";

let emulator: Emulator | null = null;

afterEach(async () => {
  await emulator?.close();
  emulator = null;
});

const RUN = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "--yes"];
const BATCH = /^chunk 1 · \w+.* · batch_\w+$/m;

it("tells every batch, and without it none", async () => {
  const here = (emulator = await emulated());
  const cwd = folder({ "in.csv": manyRows(3) });
  const words = [...RUN, "--lane", "batch", "--poll", "20ms"];
  const told = await cli(cwd, [...words, "-v"], pointedAt(here));
  expect(told.code).toBe(0);
  expect(told.stderr).toMatch(BATCH);
  expect(told.stderr).toContain(" · collected · 3 of 3 · batch_");
  const plain = await cli(cwd, [...words, "--no-cache"], pointedAt(here));
  expect(plain.code).toBe(0);
  expect(plain.stderr).not.toMatch(BATCH);
});

it("tells what is behind an error", async () => {
  const cwd = folder();
  const told = await cli(cwd, ["ls", "--config", "none.json", "-v"]);
  expect(told.code).toBe(2);
  expect(told.stderr).toMatch(/^ {2}because: Error: ENOENT/m);
  expect((await cli(cwd, ["ls", "--config", "none.json"])).stderr).not.toContain("because:");
});

it("cannot be quiet as well", async () => {
  const ended = await cli(folder(), ["ls", "-v", "-q"]);
  expect(ended).toMatchObject({ code: 2, stdout: "" });
  expect(ended.stderr).toContain("cannot be used with option '-q, --quiet'");
});
