/** A run that is left before its end, by a command that does not wait. */

import { type RunStatus } from "../index.ts";
import { count, counted } from "./format.ts";
import { runCommandLine } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** How many requests wait to be sent. */
export function waitingRequests({ chunks }: RunStatus): number {
  const waiting = chunks.filter(({ state }) => state === "planned");
  return waiting.reduce((sum, { requestCount }) => sum + requestCount, 0);
}

/** Says how far a run has come whose answers have not all come, and what is to be done for those that wait. */
export function tellPending(
  status: RunStatus,
  runDir: string | undefined,
  terminal: Terminal,
): void {
  const { id, progress } = status;
  const waiting = waitingRequests(status);
  const underway = progress.requests - progress.answered - progress.failed - waiting;
  terminal.say(
    `${count(progress.answered)} of ${count(progress.requests)} requests are answered` +
      `${underway > 0 ? "; the rest is under way" : ""}.`,
  );
  if (waiting > 0)
    terminal.say(
      `${counted(waiting, "request")} ${waiting === 1 ? "waits" : "wait"} to be sent: ${runCommandLine("resume", id, runDir)}`,
    );
  const requests = { total: progress.requests, answered: progress.answered, waiting };
  terminal.data({ schemaVersion: 1, run: id, status: "pending", requests });
}
