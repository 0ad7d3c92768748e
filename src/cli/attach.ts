/** `batchframe attach`: stays with a run to its end, whether this process drives it or another. */

import { setTimeout as sleep } from "node:timers/promises";
import { findRun, StoreError } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { DriveFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { onInterrupt } from "./interrupt.ts";
import { openProgressDisplay } from "./progress-display.ts";
import { followedRun } from "./resume.ts";
import type { Terminal } from "./terminal.ts";

const LOOK_EVERY_MS = 1000;
// Taking over reads the input file, so it is tried less often than looking.
const LOOKS_PER_TRY = 15;

/** Runs the command; gives the exit code of the run, 130 when interrupted. */
export async function attachCommand(
  ref: string,
  flags: DriveFlags,
  terminal: Terminal,
): Promise<number> {
  for (;;) {
    const status = await findRun(ref, flags.runDir);
    try {
      return await follow(await followedRun(status, flags), terminal);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== "run_locked") throw error;
      terminal.say(
        "Another process drives this run; watching. It is taken over if that process ends.",
      );
    }
    if ((await watch(status.id, flags, terminal)) === "interrupted") return EXIT.interrupted;
  }
}

/** Shows another process's progress, until the run is finished or it is time to try to take over. */
async function watch(
  id: string,
  flags: DriveFlags,
  terminal: Terminal,
): Promise<"interrupted" | "look"> {
  const display = openProgressDisplay(terminal);
  const stop = new AbortController();
  const forget = onInterrupt(() => {
    stop.abort();
  });
  try {
    for (let look = 0; look < LOOKS_PER_TRY; look++) {
      const { progress, finishedAt } = await findRun(id, flags.runDir);
      display.update(progress);
      if (finishedAt !== null) return "look";
      await sleep(LOOK_EVERY_MS, undefined, { signal: stop.signal });
    }
    return "look";
  } catch (error) {
    if (stop.signal.aborted) return "interrupted";
    throw error;
  } finally {
    display.close();
    forget();
  }
}
