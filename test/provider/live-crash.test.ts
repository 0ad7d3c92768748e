import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { Answerer } from "../../src/emulator/emulator.ts";
import { spawned } from "../setup/spawned.ts";
import { batchFor, journalOf, liveWith, resultsOf, saidBy } from "./live-support.ts";

const CHILD = fileURLToPath(new URL("live-child.ts", import.meta.url));
const ROWS = 200;
const CONCURRENCY = 4;

it("asks no answered row again after kill -9, and at most what was under way", async () => {
  const answer: Answerer = async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return { content: (body["messages"] as { content: string }[]).at(-1)?.content ?? "" };
  };
  const { emulator, provider } = await liveWith({ answer }, { concurrency: CONCURRENCY });
  const texts = Array.from({ length: ROWS }, (_, at) => `text ${String(at)}`);
  const batch = await batchFor(provider, texts);
  const asked = (await readFile(batch.file.path, "utf8")).trimEnd().split("\n");
  const bodyOf = new Map(
    asked.map((line) => {
      const { custom_id: id, body } = JSON.parse(line) as { custom_id: string; body: object };
      return [id, body];
    }),
  );

  const executionsAtKill = new Map<string, number>();
  for (const wanted of [30, 90]) {
    const run = spawned(process.execPath, [
      CHILD,
      emulator.url,
      batch.file.path,
      String(CONCURRENCY),
    ]);
    while ((await journalOf(batch)).length < wanted)
      await new Promise((resolve) => setTimeout(resolve, 1));
    run.child.kill("SIGKILL");
    expect((await run.ended).signal).toBe("SIGKILL");
    for (const line of await journalOf(batch)) {
      const { custom_id: id } = JSON.parse(line) as { custom_id: string };
      executionsAtKill.set(id, emulator.executions({ body: bodyOf.get(id) }));
    }
  }
  expect(executionsAtKill.size).toBeGreaterThanOrEqual(90);
  expect(executionsAtKill.size).toBeLessThan(ROWS);

  expect(saidBy(await resultsOf(provider, batch))).toEqual(texts);
  for (const [id, executions] of executionsAtKill)
    expect(emulator.executions({ body: bodyOf.get(id) }), id).toBe(executions);
  expect(emulator.stats().distinctBodies).toBe(ROWS);
  expect(emulator.stats().bodiesBilledAgain).toBeLessThanOrEqual(2 * CONCURRENCY);
  expect(await journalOf(batch)).toHaveLength(ROWS);
});
