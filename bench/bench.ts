/**
 * Runs the benches one after the other and writes what they say into bench/RESULTS.md:
 * `npm run bench`, or `npm run bench -- 100000` for other than 1,000,000 rows.
 *
 * Every bench compares within one run: figures of one machine say little on another, and nothing on a busy one.
 */

import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { join } from "node:path";

const rows = process.argv[2] ?? "1000000";

const BENCHES: readonly (readonly [title: string, file: string, ...args: string[]])[] = [
  ["Plan and chunk a Parquet file", "plan.ts", rows],
  ["Collect and join replies in another order", "collect.ts", rows],
  ["Reply lines one by one", "lines.ts", atMost(200_000)],
  ["Enriched Parquet", "parquet.ts", rows],
  ["From ten thousand rows up", "scale.ts", rows],
  ["Rows that repeat, rows answered before", "again.ts", atMost(200_000)],
  ["The emulator by itself", "emulator.ts", atMost(100_000)],
  ["Whole runs beside the Python systems", "python.ts", atMost(100_000)],
];

function atMost(most: number): string {
  return String(Math.min(most, Number(rows)));
}

const MARK = "<!-- written by npm run bench -->";

const sections: string[] = [];
for (const [title, file, ...args] of BENCHES) {
  console.log(`\n${title}`);
  const run = spawnSync(process.execPath, [join(import.meta.dirname, file), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.stdout.write(run.stdout);
  const said =
    run.status === 0 ? run.stdout.trimEnd() : `${run.stdout}ended with ${String(run.status)}`;
  const command = `node bench/${[file, ...args].join(" ")}`;
  sections.push(`### ${title}\n\n\`${command}\`\n\n\`\`\`text\n${said}\n\`\`\`\n`);
}
const machine = [
  `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${String(availableParallelism())} processors`,
  `${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
  `Node ${process.version}`,
  `load ${loadavg()[0]?.toFixed(1) ?? "?"} at the end`,
].join(", ");
const heading = `## ${new Date().toISOString().slice(0, 10)}: ${machine}\n`;
const page = join(import.meta.dirname, "RESULTS.md");
const before = (await readFile(page, "utf8")).split(MARK)[0] ?? "";
await writeFile(page, `${before}${MARK}\n\n${[heading, ...sections].join("\n")}`);
console.log("\nbench/RESULTS.md has the results.");
