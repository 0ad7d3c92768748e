/** `batchframe resume`: goes on with a run, by its name alone. */

import { findRun, resumeRun, type RunStatus } from "../index.ts";
import { afterOf } from "./after.ts";
import type { DriveFlags } from "./flags.ts";
import { follow, maxFailuresOf, type Followed } from "./follow.ts";
import { laneOptions } from "./lane-flags.ts";
import type { RunFacts } from "./head-text.ts";
import { moneyOptions } from "./money-flags.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `resume`. */
export interface ResumeFlags extends DriveFlags {
  readonly output?: string;
}

/** Runs the command; gives the exit code. */
export async function resumeCommand(
  ref: string,
  flags: ResumeFlags,
  terminal: Terminal,
): Promise<number> {
  return await follow(await followedRun(await findRun(ref, flags.runDir), flags), terminal);
}

/** A run that is on disk, ready to be followed. */
export async function followedRun(status: RunStatus, flags: ResumeFlags): Promise<Followed> {
  const { poll, output, retries, stall, keepRemote } = flags;
  const run = resumeRun(status, {
    ...laneOptions(flags),
    ...(await moneyOptions(flags, status.model)),
    ...(poll === undefined ? {} : { pollEveryMs: poll }),
    ...(output === undefined ? {} : { output }),
    ...(retries === undefined ? {} : { retries }),
    ...maxFailuresOf(flags),
    ...(stall === undefined ? {} : { stallMs: stall }),
    ...(keepRemote === undefined ? {} : { keepRemote }),
  });
  const facts = followedFacts(status, flags);
  const { model } = status;
  // The run remembers its own address, which may be another than the environment names now.
  return {
    run,
    model,
    hostName: status.host,
    facts,
    yes: flags.yes ?? false,
    maxCost: flags.maxCost,
    confirmAbove: flags.confirmAbove,
    after: afterOf(flags),
    ...maxFailuresOf(flags),
  };
}

/** What is known of a run that is on disk. */
export function followedFacts(
  status: RunStatus,
  { output, runDir }: Pick<ResumeFlags, "output" | "runDir">,
): RunFacts {
  return {
    input: status.input ?? "",
    reading: status.reading,
    output: output ?? status.output ?? "",
    model: status.model,
    modelWhy: null,
    promptColumns: null,
    column: status.column,
    runDir,
  };
}
