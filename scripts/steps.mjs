import { exitCodeOf, run } from "./run.mjs";

/** What must hold of the source before its tests are worth running. */
export const checks = [
  ["Format", "prettier", "--check", "--log-level=warn", "."],
  ["Types", "tsc", "--noEmit", "-p", "tsconfig.json"],
  ["Lint", "eslint", "."],
];

/**
 * Runs commands one after another, each under a one-line heading. Gives 0 when all succeeded, else
 * the exit code of the first that failed; those after it are not started.
 */
export async function runSteps(steps) {
  for (const [heading, command, ...args] of steps) {
    console.log(`== ${heading}`);
    const outcome = await run(command, args, { stdio: "inherit" });
    const code = outcome.code ?? exitCodeOf(outcome.signal);
    if (code !== 0) {
      console.log(`== ${heading} failed (exit code ${code})`);
      return code;
    }
  }
  return 0;
}
