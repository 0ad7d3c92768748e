/** `batchframe cancel`: stops a run's remote work and keeps every answer that came. */

import { cancelRun, findRun, StoreError } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { DriveFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { followedRun } from "./resume.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0 or 3 when the run has ended, and 0 when another process does the stopping. */
export async function cancelCommand(
  ref: string,
  flags: DriveFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  if (status.finishedAt !== null) {
    terminal.say(`Run ${status.id} is finished; there is nothing to stop.`);
    terminal.data({ schemaVersion: 1, run: status.id, status: "finished" });
    return EXIT.ok;
  }
  cancelRun(status);
  try {
    return await follow({ ...(await followedRun(status, flags)), aim: "cancel" }, terminal);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "run_locked") throw error;
    terminal.say(
      `The process that drives run ${status.id} has been asked to stop its batches and keep what came.`,
    );
    terminal.data({ schemaVersion: 1, run: status.id, status: "cancelling" });
    return EXIT.ok;
  }
}
