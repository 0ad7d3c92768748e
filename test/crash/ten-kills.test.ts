import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { killRun } from "../../bench/kill-run.ts";
import { randomOf } from "./kills.ts";

it("a run of 100,000 rows that is killed ten times on its way finishes right, and pays once", async () => {
  const folder = await mkdtemp(join(tmpdir(), "ten-kills-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const end = await killRun({
    folder,
    rows: 100_000,
    distinct: 6000,
    kills: 10,
    rowsPerChunk: 500,
    lifeMs: [300, 1200],
    random: randomOf(7),
  });
  expect(end).toMatchObject({ rowsWrong: 0, requests: 6000, requestsTwice: 0 });
  // A quick machine may be done before the tenth.
  expect(end.kills).toBeGreaterThan(2);
}, 240_000);
