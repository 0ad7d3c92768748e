/** Child processes of the repository's scripts. Old Nodes must be able to read this file. */

import { spawn } from "node:child_process";
import { constants } from "node:os";

/**
 * Runs a program to its end and passes signals on to it meanwhile. Gives its exit code or the signal
 * that ended it, the signal received here, if any, and the text of those streams that are piped.
 *
 * A terminal sends Ctrl-C to the whole foreground group by itself. Passing it on as well would count
 * as a second Ctrl-C, which programs rightly read as "stop at once".
 */
export function run(file, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, options);
    const atTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    const outcome = { received: null, stdout: "", stderr: "" };
    const passOn = (signal) => {
      outcome.received = signal;
      if (signal !== "SIGINT" || !atTerminal) child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    const release = () => {
      for (const signal of signals) process.removeListener(signal, passOn);
    };
    for (const signal of signals) process.on(signal, passOn);
    if (child.stdout !== null) child.stdout.on("data", (text) => (outcome.stdout += text));
    if (child.stderr !== null) child.stderr.on("data", (text) => (outcome.stderr += text));
    child.once("error", (error) => {
      release();
      reject(error);
    });
    child.once("close", (code, signal) => {
      release();
      resolve({ ...outcome, code, signal });
    });
  });
}

/** The exit code by which a shell tells of a signal. */
export function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}

/** Ends this process the way another ended: with its exit code, or by its signal. */
export function endAs({ code, signal }) {
  if (signal === null) {
    process.exitCode = code;
    return;
  }
  // Where this process has been told to ignore the signal, it is still here a moment later.
  setTimeout(() => process.exit(exitCodeOf(signal)), 500);
  process.kill(process.pid, signal);
}
