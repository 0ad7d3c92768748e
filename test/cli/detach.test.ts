/** `--detach`: all is sent, the process ends, and `collect` writes the output later. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";
import { cli, emulated, folder, manyRows, pointedAt, runsIn, startPiped } from "./support.ts";

const RUN = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes", "--poll", "20ms"];

it("sends every chunk, ends with 75, and leaves the rest to collect", async () => {
  const emulator = await emulated({ faults: { stuck: 1 } });
  const env = pointedAt(emulator);
  const cwd = folder({ "in.csv": manyRows(300) });
  const words = [...RUN, "--detach", "--json", "--chunk-rows", "100"];
  const left = await startPiped(cwd, words, env).ended;
  expect(left.code).toBe(75);
  // The first request of a large run is asked alone, and waited for: then all others are sent.
  expect(JSON.parse(left.stdout)).toEqual({
    schemaVersion: 1,
    run: runsIn(cwd)[0],
    status: "pending",
    requests: { total: 300, answered: 1, waiting: 0 },
  });
  expect(left.stderr).toContain("batches go on at 127.0.0.1:");
  expect(emulator.stats().batches).toMatchObject({ in_progress: 3 });
  expect(existsSync(join(cwd, "in.enriched.csv"))).toBe(false);

  expect(await cli(cwd, ["collect", "latest"], env)).toMatchObject({ code: 75 });
  emulator.setFaults({});
  emulator.release();
  // As a clock calls it: without the variable that named the address.
  const ended = await cli(cwd, ["collect"], { OPENAI_API_KEY: "k" });
  expect(ended).toMatchObject({ code: 0, stdout: "" });
  expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toContain(
    "300,text number 300,text number 300,ok,",
  );
  expect(emulator.stats()).toMatchObject({ batchesCreated: 3, bodiesBilledAgain: 0 });
  await emulator.close();
});

it("writes beside the input where standard output is a pipe", async () => {
  const emulator = await emulated({ faults: { stuck: 1 } });
  const cwd = folder({ "in.csv": manyRows(5) });
  const left = await startPiped(cwd, [...RUN, "--detach"], pointedAt(emulator)).ended;
  expect(left).toMatchObject({ code: 75, stdout: "" });
  expect(left.stderr).toMatch(/collect +(npx )?batchframe collect \S+\n$/);
  emulator.setFaults({});
  emulator.release();
  expect(await cli(cwd, ["collect"], pointedAt(emulator))).toMatchObject({ code: 0, stdout: "" });
  expect(existsSync(join(cwd, "in.enriched.csv"))).toBe(true);
  await emulator.close();
});

it.each([
  ["a free model", ["-m", "embedded/use-lite", "--labels", "a,b"], "its model runs here"],
  ["realtime", ["--lane", "realtime"], "its requests are asked one by one"],
])("is refused with %s, which nobody goes on with", async (_, words, told) => {
  const emulator = await emulated();
  const cwd = folder({ "in.csv": manyRows(5) });
  const ended = await cli(cwd, [...RUN, ...words, "--detach"], pointedAt(emulator));
  expect(ended).toMatchObject({ code: 2 });
  expect(ended.stderr).toContain(`${told}. Nothing was sent.`);
  expect(emulator.stats().calls).toEqual({});
  await emulator.close();
});

it("is refused with standard input, which is needed once more", async () => {
  const command = join(import.meta.dirname, "../../bin/batchframe.js");
  const words = [command, "run", "-", "-p", "{{ text }}", "-m", "openai/x", "--detach"];
  const run = spawned(process.execPath, words, { cwd: folder(), stdin: manyRows(2) });
  const { code, stderr } = await run.ended;
  expect(code).toBe(2);
  expect(stderr).toContain("cannot be used with standard input");
});

it("goes on with the key of the variable that --api-key-env named, whose value is kept nowhere", async () => {
  const emulator = await emulated({ faults: { stuck: 1 } });
  const cwd = folder({ "in.csv": manyRows(5) });
  const mine = { OPENAI_BASE_URL: emulator.url, MY_KEY: "sk-mine-never-to-be-kept" };
  const words = [...RUN, "--api-key-env", "MY_KEY", "--detach"];
  expect(await cli(cwd, words, mine)).toMatchObject({ code: 75 });
  emulator.setFaults({});
  emulator.release();
  const without = await cli(cwd, ["collect"]);
  expect(without).toMatchObject({ code: 4 });
  expect(without.stderr).toContain("environment variable MY_KEY, which is not set");
  expect(await cli(cwd, ["resume"], { MY_KEY: mine.MY_KEY })).toMatchObject({ code: 0 });
  for (const name of readdirSync(join(cwd, ".batchframe"), { recursive: true, encoding: "utf8" })) {
    const path = join(cwd, ".batchframe", name);
    if (statSync(path).isFile()) expect(readFileSync(path).includes(mine.MY_KEY)).toBe(false);
  }
  await emulator.close();
});
