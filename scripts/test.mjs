/**
 * Checks formatting, types and lint, then runs the tests; arguments go to vitest. Stops at the first
 * failure with its exit code. The last lines name what failed and count the tests: `N passed, N failed`.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";
import { checks, runSteps } from "./steps.mjs";

const folder = mkdtempSync(join(tmpdir(), "batchframe-test-"));
const report = join(folder, "vitest.json");
const reporters = [
  // Thousands of names in a log of CI hide the few that matter.
  ...(process.stdout.isTTY ? ["--reporter=default"] : ["--reporter=dot", "--no-color"]),
  ...["--silent=passed-only", "--reporter=json", `--outputFile.json=${report}`],
];

/** The first lines of an error, less those of its stack that lie in libraries. */
function headOf(message) {
  const lines = message
    .split("\n")
    .filter((line) => !/^ +at .*(node_modules|<anonymous>)/.test(line));
  return lines
    .slice(0, 8)
    .map((line) => `\n      ${line.slice(0, 300)}`)
    .join("");
}

/**
 * What failed, in few lines, and the count as the last one; null when vitest did not come far enough
 * to write its report. A file that could not be loaded counts as one failure, and so do errors outside
 * of tests: neither shows among the tests of the report.
 */
function summary(code) {
  if (!existsSync(report)) return null;
  const { numPassedTests, testResults } = JSON.parse(readFileSync(report, "utf8"));
  const failures = testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    if (status === "failed" && failed.length === 0) return [`${file}${headOf(message)}`];
    return failed.map((test) => {
      return `${file} > ${test.fullName}${headOf(test.failureMessages.join("\n"))}`;
    });
  });
  if (code !== 0 && failures.length === 0) failures.push("an error outside of tests, told above");
  const list = failures.map((failure) => `FAILED ${failure}\n`).join("");
  return `${list}${numPassedTests} passed, ${failures.length} failed`;
}

try {
  let code = await runSteps(checks);
  if (code === 0) {
    // Where they cannot be installed it says so; the tests that need them then say what they leave out.
    const packages = fileURLToPath(new URL("debian-packages.sh", import.meta.url));
    if (process.platform === "linux") await run("bash", [packages], { stdio: "inherit" });
    const tests = ["Tests", "vitest", "run", ...reporters, ...process.argv.slice(2)];
    code = await runSteps([tests]);
    const text = summary(code);
    if (text !== null) console.log(text);
  }
  process.exitCode = code;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
