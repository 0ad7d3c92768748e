/**
 * Checks formatting, types and lint, then runs the tests; arguments go to vitest. Stops at the first
 * failure with its exit code. The last line counts the tests: `N passed, N failed`.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";
import { checks, runSteps } from "./steps.mjs";

const folder = mkdtempSync(join(tmpdir(), "batchframe-test-"));
const report = join(folder, "vitest.json");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];

/**
 * The last line, or null when vitest did not come far enough to write its report. A file that could
 * not be loaded counts as one failure: none of its tests shows in the report.
 */
function summary() {
  if (!existsSync(report)) return null;
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  return `${numPassedTests} passed, ${numFailedTests + unloaded.length} failed`;
}

try {
  let code = await runSteps(checks);
  if (code === 0) {
    // Where they cannot be installed it says so; the tests that need them then say what they leave out.
    const packages = fileURLToPath(new URL("debian-packages.sh", import.meta.url));
    if (process.platform === "linux") await run("bash", [packages], { stdio: "inherit" });
    const tests = ["Tests", "vitest", "run", ...reporters, ...process.argv.slice(2)];
    code = await runSteps([tests]);
    const line = summary();
    if (line !== null) console.log(line);
  }
  process.exitCode = code;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
