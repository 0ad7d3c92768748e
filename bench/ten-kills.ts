/**
 * A large run that is killed ten times on its way: `node bench/ten-kills.ts [rows] [distinct] [kills] [seed]`.
 *
 * Exits with 1 when a row is wrong or missing, or a request was asked twice. Too long for CI; a test runs
 * the same over fewer rows.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomOf } from "../test/crash/kills.ts";
import { killRun } from "./kill-run.ts";

const [rows = 10_000_000, distinct = 200_000, kills = 10, seed = 1] = process.argv
  .slice(2)
  .map(Number);
const folder = await mkdtemp(join(tmpdir(), "bench-kills-"));
try {
  const end = await killRun({
    folder,
    rows,
    distinct,
    kills,
    rowsPerChunk: 10_000,
    // Long enough to get somewhere, short enough to be struck while planning, sending and writing.
    lifeMs: [1000, Math.max(3000, rows / 1000)],
    random: randomOf(seed),
  });
  console.table({ rows, distinct, ...end });
  if (end.rowsWrong > 0 || end.requestsTwice > 0 || end.requests !== distinct) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true });
}
