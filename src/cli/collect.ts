/** `batchframe collect`: takes what is ready and does not wait; made for a clock that calls it now and then. */

import { findRun, isWithinFailures, type RunStatus } from "../index.ts";
import { afterOf, checkAfter, doAfter } from "./after.ts";
import { EXIT } from "./exit-codes.ts";
import type { CollectFlags } from "./flags.ts";
import { hostFrom, hostOf, tellReceipt, type Followed } from "./follow.ts";
import { openProgressDisplay } from "./progress-display.ts";
import { tellPending } from "./pending.ts";
import { followedRun } from "./resume.ts";
import type { Terminal } from "./terminal.ts";
import { warningsOn } from "./warnings.ts";

/** Runs the command; gives 0 or 3 when the run is complete, 75 while batches are under way. */
export async function collectCommand(
  ref: string,
  flags: CollectFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  const followed = await followedRun(status, flags);
  const { run, facts } = followed;
  await checkAfter(afterOf(flags), facts.input);
  const { batchId, results, chunk } = flags;
  const given = {
    ...(batchId === undefined ? {} : { batchId }),
    ...(results === undefined ? {} : { results }),
    ...(chunk === undefined ? {} : { chunk }),
  };
  const sends = await maySend(status, followed, flags);
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
    isComplete = await run.collect({ ...given, sends });
  } finally {
    for (const end of endings) end();
  }
  if (!isComplete) {
    tellPending(await findRun(status.id, flags.runDir), flags.runDir, terminal);
    return EXIT.pending;
  }
  const receipt = await run.report();
  const host = hostFrom(status);
  const wasFinished = status.finishedAt !== null;
  await tellReceipt(receipt, { facts, host, wasFinished }, terminal);
  await doAfter(afterOf(flags), { run: status.id, runDir: flags.runDir, receipt }, terminal);
  return isWithinFailures(flags.maxFailures ?? 0, receipt.rows) ? EXIT.ok : EXIT.failedRows;
}

/** Nobody sends by collecting what nobody has agreed to: not for a run of which nothing was sent yet, nor beside what is given. */
async function maySend(
  status: RunStatus,
  followed: Followed,
  { yes = false, batchId, results }: CollectFlags,
): Promise<boolean> {
  if (batchId !== undefined || results !== undefined) return false;
  return status.hasSent || yes || (await hostOf(followed)).free;
}
