import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt, REVIEWS } from "./support.ts";

let emulator: Emulator;

beforeAll(async () => {
  emulator = await emulated();
});
afterAll(async () => {
  await emulator.close();
});

const ask = (...more: readonly string[]): readonly string[] => [
  ...["run", "reviews.csv", "-p", "Say: {{ review }}", "-m", "openai/gpt-test", "--yes"],
  ...["--poll", "20ms", "--json", ...more],
];

async function rows(cwd: string, ...more: readonly string[]): Promise<unknown> {
  const ended = await cli(cwd, ask(...more), pointedAt(emulator));
  expect(ended.code).toBe(0);
  return (JSON.parse(ended.stdout) as { rows: unknown }).rows;
}

it("answers are bought once, told of, bought anew on request, and cleared", async () => {
  const cwd = folder({ "reviews.csv": REVIEWS });
  expect(await rows(cwd, "--name", "one")).toMatchObject({ ok: 4, cached: 0 });
  expect(await rows(cwd, "--name", "two")).toMatchObject({ ok: 0, cached: 4 });
  expect(await rows(cwd, "--name", "three", "--no-cache")).toMatchObject({ ok: 4, cached: 0 });
  expect(await rows(cwd, "--name", "four", "--refresh")).toMatchObject({ ok: 4, cached: 0 });
  const info = await cli(cwd, ["cache", "info", "--json"]);
  expect(JSON.parse(info.stdout)).toMatchObject({
    shares: [{ provider: "openai", model: "gpt-test", replies: 3 }],
  });
  expect(info.stderr).toContain("openai/gpt-test");
  const kept = await cli(cwd, ["cache", "clear", "--model", "openai/other"]);
  expect(kept.stderr).toContain("0 answers cleared");
  const cleared = await cli(cwd, ["cache", "clear", "--model", "gpt-test"]);
  expect(cleared.stderr).toContain("3 answers cleared");
  expect(await rows(cwd, "--name", "five")).toMatchObject({ ok: 4, cached: 0 });
});

it("rows answered from the cache are in the sum that is printed", async () => {
  const cwd = folder({ "reviews.csv": REVIEWS });
  const words = ask().filter((word) => word !== "--json");
  for (const name of ["one", "two"]) {
    const { stderr } = await cli(cwd, [...words, "--name", name], pointedAt(emulator));
    const told = /(\d+) rows = (.+)/.exec(stderr);
    const parts = [...(told?.[2] ?? "").matchAll(/(\d+) (?:ok|cached|skipped|failed)/g)];
    expect(parts.reduce((sum, [, number]) => sum + Number(number), 0)).toBe(Number(told?.[1]));
    expect(told?.[2]).toContain(name === "one" ? "4 ok + " : "0 ok + 4 cached + ");
  }
});

it("looking at a cache that is not there makes none", async () => {
  const cwd = folder();
  const info = await cli(cwd, ["cache"]);
  expect(info.code).toBe(0);
  expect(info.stderr).toContain("no answers");
  expect(existsSync(join(cwd, ".batchframe"))).toBe(false);
});

it("is shared by runs that name the same file", async () => {
  const [a, b] = [folder({ "reviews.csv": REVIEWS }), folder({ "reviews.csv": REVIEWS })];
  const shared = join(folder(), "answers.sqlite");
  expect(await rows(a, "--cache-file", shared)).toMatchObject({ ok: 4 });
  expect(await rows(b, "--cache-file", shared)).toMatchObject({ cached: 4 });
});
