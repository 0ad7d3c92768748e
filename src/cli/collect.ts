/** `batchframe collect`: takes what is ready and does not wait; made for a clock that calls it now and then. */

import { findRun } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { DriveFlags } from "./flags.ts";
import { tellReceipt } from "./follow.ts";
import { count } from "./format.ts";
import { openProgressDisplay } from "./progress-display.ts";
import { followedRun } from "./resume.ts";
import type { Terminal } from "./terminal.ts";
import { warningsOn } from "./warnings.ts";

/** Runs the command; gives 0 or 3 when the run is complete, 75 while batches are under way. */
export async function collectCommand(
  ref: string,
  flags: DriveFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  const { run, facts } = followedRun(status, flags);
  const display = openProgressDisplay(terminal);
  const warnings = warningsOn(terminal);
  const endings = [
    run.on("warning", warnings.add),
    run.on("progress", display.update),
    display.close,
    warnings.sum,
  ];
  let isComplete = false;
  try {
    isComplete = await run.collect();
  } finally {
    for (const end of endings) end();
  }
  if (!isComplete) {
    const { progress, id } = await findRun(status.id, flags.runDir);
    terminal.say(
      `${count(progress.answered)} of ${count(progress.requests)} requests are answered; the rest is under way.`,
    );
    terminal.data({ schemaVersion: 1, run: id, status: "pending" });
    return EXIT.pending;
  }
  const receipt = await run.report();
  const host = { name: "its provider", free: receipt.costUsd === 0 };
  const wasFinished = status.finishedAt !== null;
  await tellReceipt(receipt, { facts, host, wasFinished }, terminal);
  return receipt.rows.failed > 0 ? EXIT.failedRows : EXIT.ok;
}
