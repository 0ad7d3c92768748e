/**
 * Runs the contract suite for every provider, and writes what works with each of them into README.md.
 *
 * `node scripts/provider-table.ts`. Nothing is written when a promise is broken, or was not tried.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { providerTable, withTable } from "../test/contract/provider-table.ts";
import { PROOFS } from "../test/contract/providers.ts";

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "provider-table-"));

/** The test files that run the suite. */
function proving(): readonly string[] {
  const files = readdirSync(join(root, "test", "provider"), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => join("test", "provider", name));
  return files.filter((path) => readFileSync(join(root, path), "utf8").includes("contract/prove"));
}

/** What speaks against writing the table: broken promises, and suites that were not run. */
function objections({ testResults }: Report): readonly string[] {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const bySuite = Map.groupBy(tests, ({ ancestorTitles }) => ancestorTitles[0] ?? "");
  const suites = PROOFS.flatMap(({ name, batches, rows }) => [
    ...(batches === null ? [] : [`${name}, as a provider`]),
    ...(rows === null ? [] : [`${name}, row by row`]),
  ]);
  return suites.flatMap((suite) => {
    const ofIt = bySuite.get(suite) ?? [];
    const kept = ofIt.filter(({ status }) => status === "passed");
    console.log(`${suite}: ${String(kept.length)} of ${String(ofIt.length)} promises kept`);
    if (ofIt.length === 0) return [`${suite}: not run`];
    return ofIt
      .filter(({ status }) => status !== "passed")
      .map(({ title, status }) => `${suite}: ${title} (${status})`);
  });
}

try {
  const output = join(folder, "report.json");
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", ...proving(), "--reporter=json", `--outputFile=${output}`];
  spawnSync(process.execPath, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  const against = objections(JSON.parse(readFileSync(output, "utf8")) as Report);
  if (against.length > 0) {
    console.error(["README.md is left as it is:", ...against].join("\n"));
    process.exitCode = 1;
  } else {
    const page = join(root, "README.md");
    writeFileSync(page, withTable(readFileSync(page, "utf8"), providerTable(PROOFS)));
    console.log("README.md has the table.");
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
