/**
 * Checks formatting, types and lint, then runs the tests; arguments go to vitest. Stops at the first
 * failure with its exit code. The last lines name what failed and count the tests: `N passed, N failed`.
 *
 * Where few files have failures, these are run once more, alone: what passes then was disturbed by
 * something else on the machine. It is named as unsteady, and counts as passed.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "./run.mjs";
import { checks, runSteps } from "./steps.mjs";

const folder = mkdtempSync(join(tmpdir(), "batchframe-test-"));
const outcomeReporter = fileURLToPath(new URL("outcome-reporter.mjs", import.meta.url));
const reporters = [
  // Thousands of names in a log of CI hide the few that matter.
  ...(process.stdout.isTTY ? ["--reporter=default"] : ["--reporter=dot", "--no-color"]),
  ...[`--reporter=${outcomeReporter}`, "--silent=passed-only"],
];
// A machine that stutters disturbs one test or two; where more fail, something is broken.
const MOST_FILES_AGAIN = 3;

/** Runs vitest; gives its exit code, and what became of each file, or null where it did not come so far. */
async function tested(heading, words) {
  process.env.TEST_OUTCOME = join(folder, `${heading}.json`);
  const code = await runSteps([[heading, "vitest", "run", ...reporters, ...words]]);
  if (!existsSync(process.env.TEST_OUTCOME)) return { code, files: null, errors: [] };
  return { code, ...JSON.parse(readFileSync(process.env.TEST_OUTCOME, "utf8")) };
}

const failuresOf = (files) =>
  files.flatMap(({ path, failures }) => failures.map((failure) => ({ ...failure, path })));

async function testedTwice(words) {
  const first = await tested("Tests", words);
  if (first.files === null) return first.code;
  const failed = first.files.filter(({ failures }) => failures.length > 0);
  const isWorthAgain = first.errors.length === 0 && failed.length <= MOST_FILES_AGAIN;
  if (failed.length === 0 || !isWorthAgain) return summed(first, []);
  const paths = failed.map(({ path }) => path);
  const second = await tested("Failed files again, alone", ["--no-file-parallelism", ...paths]);
  if (second.files === null) return summed(first, []);
  const isStill = ({ path, name }) =>
    failuresOf(second.files).some((failure) => failure.path === path && failure.name === name);
  const unsteady = failuresOf(failed).filter((failure) => !isStill(failure));
  const last = (file) => second.files.find(({ path }) => path === file.path) ?? file;
  return summed({ ...second, files: first.files.map(last) }, unsteady);
}

/** Tells what failed and the count; gives the exit code. */
function summed({ code, files, errors }, unsteady) {
  const failures = failuresOf(files);
  const told = (mark, { path, name, error }) => {
    console.log(`${mark} ${path} > ${name}${error}`);
  };
  for (const failure of unsteady) told("UNSTEADY, passed when run again:", failure);
  for (const failure of failures) told("FAILED", failure);
  for (const error of errors) console.log(`FAILED outside of tests${error}`);
  const passed = files.reduce((sum, file) => sum + file.passed, 0);
  console.log(`${passed} passed, ${failures.length + errors.length} failed`);
  return code;
}

try {
  let code = await runSteps(checks);
  if (code === 0) {
    // Where they cannot be installed it says so; the tests that need them then say what they leave out.
    const packages = fileURLToPath(new URL("debian-packages.sh", import.meta.url));
    if (process.platform === "linux") await run("bash", [packages], { stdio: "inherit" });
    code = await testedTwice(process.argv.slice(2));
  }
  process.exitCode = code;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
