/** A reporter of vitest's that writes what passed and what failed, as JSON, into the file that TEST_OUTCOME names. */

import { writeFileSync } from "node:fs";

export default class OutcomeReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const files = modules.map((module) => {
      const tests = [...module.children.allTests()];
      const failures = tests
        .filter((test) => test.result().state === "failed")
        .map((test) => ({ name: test.fullName, error: headOf(test.result().errors) }));
      // One that could not be loaded, and hooks around all tests of a file.
      const own = module.errors();
      if (own.length > 0) failures.push({ name: "(the file)", error: headOf(own) });
      const passed = tests.filter((test) => test.result().state === "passed").length;
      return { path: module.relativeModuleId, passed, failures };
    });
    const errors = unhandledErrors.map((error) => headOf([error]));
    writeFileSync(process.env.TEST_OUTCOME, JSON.stringify({ files, errors }));
  }
}

/** The first lines of the first error, and where in this repository it was thrown. */
function headOf([error]) {
  const lines = String(error?.message ?? error)
    .split("\n")
    .slice(0, 6);
  const place = (error?.stack ?? "")
    .split("\n")
    .find((line) => /^ +at (?!.*node_modules)/.test(line));
  return [...lines, ...(place === undefined ? [] : [place.trim()])]
    .map((line) => `\n      ${line.slice(0, 300)}`)
    .join("");
}
